#include "base/sign.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

#define PEM_MAX ((size_t)64 << 10)
#define SIGNATURE_MAX 72 /* DER of two integers of 33 bytes */
#define PASSWORD_MAX 1024
#define SALT_LEN 16

/* What a guess of the password costs; opening a key takes a blink. */
#define PBKDF2_ROUNDS 600000

#define CURVE "prime256v1"

struct sign_key {
	EVP_PKEY *key;
};

struct verify_key {
	EVP_PKEY *key;
	char fingerprint[DIGEST_SIZE];
};

#define DEFINE_FREE(name, type, free_function) \
	static void name(type **p)             \
	{                                      \
		free_function(*p);             \
	}

DEFINE_FREE(key_autofree, EVP_PKEY, EVP_PKEY_free)
DEFINE_FREE(bio_autofree, BIO, BIO_free_all)
DEFINE_FREE(md_autofree, EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_FREE(info_autofree, PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
DEFINE_FREE(sealed_autofree, X509_SIG, X509_SIG_free)
DEFINE_FREE(signature_autofree, ECDSA_SIG, ECDSA_SIG_free)

#define cleanup_by(function) __attribute__((cleanup(function)))

static int openssl_fail(struct err *err, enum err_kind kind, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return err_set(err, kind, "%s: %s", what,
		       reason ? reason : "unknown reason");
}

static char *bio_text(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	return mem_strndup(data ? data : "", len > 0 ? (size_t)len : 0);
}

static BIO *bio_of(const char *pem)
{
	return BIO_new_mem_buf(pem, (int)strnlen(pem, PEM_MAX));
}

static char *public_text(EVP_PKEY *key, struct err *err)
{
	cleanup_by(bio_autofree) BIO *bio = BIO_new(BIO_s_mem());

	if (bio == NULL || !PEM_write_bio_PUBKEY(bio, key)) {
		openssl_fail(err, ERR_FAILED, "cannot write the public key");
		return NULL;
	}
	return bio_text(bio);
}

/* A memory BIO wipes what it held when it is freed. */
static bool write_private(BIO *bio, EVP_PKEY *key, const char *password)
{
	cleanup_by(info_autofree)
		PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	cleanup_by(sealed_autofree) X509_SIG *sealed = NULL;
	unsigned char salt[SALT_LEN];

	if (info == NULL)
		return false;
	if (password == NULL)
		return PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info);
	if (RAND_bytes(salt, sizeof(salt)) != 1)
		return false;
	/* -1: PBES2 with this cipher and HMAC-SHA-256. */
	sealed = PKCS8_encrypt(-1, EVP_aes_256_cbc(), password,
			       (int)strlen(password), salt, sizeof(salt),
			       PBKDF2_ROUNDS, info);
	return sealed && PEM_write_bio_PKCS8(bio, sealed);
}

static int check_password(const char *password, struct err *err)
{
	if (password && *password == '\0')
		return err_set(err, ERR_INVALID,
			       "the password of a private key is empty");
	if (password && strlen(password) > PASSWORD_MAX)
		return err_set(err, ERR_INVALID,
			       "the password of a private key is longer than "
			       "%d bytes",
			       PASSWORD_MAX);
	return 0;
}

int sign_keygen(const char *password, char **private_pem, char **public_pem,
		struct err *err)
{
	cleanup_by(key_autofree) EVP_PKEY *key = NULL;
	cleanup_by(bio_autofree) BIO *bio = BIO_new(BIO_s_mem());

	if (check_password(password, err) < 0)
		return -1;
	key = EVP_EC_gen(CURVE);
	if (key == NULL || bio == NULL || !write_private(bio, key, password))
		return openssl_fail(err, ERR_FAILED, "cannot make a key");
	*public_pem = public_text(key, err);
	if (*public_pem == NULL)
		return -1;
	*private_pem = bio_text(bio);
	return 0;
}

bool sign_key_encrypted(const char *pem)
{
	return strstr(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
	       strstr(pem, "Proc-Type: 4,ENCRYPTED");
}

/* What a PEM text is that is not the key wanted. */
static const char *pem_kind(const char *pem)
{
	static const struct {
		const char *label, *what;
	} kinds[] = {
		{ "COSIGN PRIVATE KEY", "a private key in cosign's own form" },
		{ "SIGSTORE PRIVATE KEY",
		  "a private key in cosign's own form" },
		{ "OPENSSH PRIVATE KEY", "a key of SSH" },
		{ "PRIVATE KEY", "a private key" },
		{ "PUBLIC KEY", "a public key" },
		{ "CERTIFICATE", "a certificate" },
		{ "PGP ", "a key of PGP" },
	};
	const char *begin = strstr(pem, "-----BEGIN ");

	for (size_t i = 0; begin && i < ARRAY_SIZE(kinds); i++) {
		const char *label = strstr(begin, kinds[i].label);

		if (label && label < begin + strcspn(begin, "\n"))
			return kinds[i].what;
	}
	return begin ? "PEM text of another kind" : "no PEM text";
}

static int check_curve(EVP_PKEY *key, struct err *err)
{
	char group[64] = "";
	size_t len;

	if (EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
	    str_eq(group, CURVE))
		return 0;
	ERR_clear_error();
	return err_set(err, ERR_INVALID,
		       "the key is %s%s%s; bundles are signed with ECDSA on "
		       "P-256 (prime256v1): 'dws-csm bundle keygen' makes such "
		       "a key",
		       EVP_PKEY_get0_type_name(key), *group ? " on " : "",
		       group);
}

struct ask {
	const char *password;
	bool asked;
};

/* In the place of OpenSSL's own, which would ask at the terminal. */
static int ask_password(char *text, int size, int writing, void *data)
{
	struct ask *ask = data;
	size_t len = ask->password ? strlen(ask->password) : 0;

	(void)writing;
	ask->asked = true;
	if (ask->password == NULL || len > (size_t)size)
		return -1;
	memcpy(text, ask->password, len);
	return (int)len;
}

static EVP_PKEY *read_private(const char *pem, const char *password,
			      struct err *err)
{
	cleanup_by(bio_autofree) BIO *bio = bio_of(pem);
	struct ask ask = { .password = password };
	EVP_PKEY *key = NULL;

	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, ask_password, &ask);
	if (key)
		return key;
	ERR_clear_error();
	if (ask.asked && password == NULL)
		err_set(err, ERR_INVALID,
			"the private key is encrypted and needs its password");
	else if (ask.asked)
		err_set(err, ERR_VERIFY,
			"the password of the private key is wrong");
	else if (str_starts(pem_kind(pem), "a private key in cosign's"))
		err_set(err, ERR_INVALID,
			"this is %s, which only cosign reads; 'dws-csm bundle "
			"keygen' makes a key",
			pem_kind(pem));
	else if (str_eq(pem_kind(pem), "a private key"))
		err_set(err, ERR_INVALID,
			"the private key is damaged or of a kind that is not "
			"known");
	else
		err_set(err, ERR_INVALID,
			"this is %s, and not a private key in PEM",
			pem_kind(pem));
	return NULL;
}

struct sign_key *sign_key_parse(const char *pem, const char *password,
				struct err *err)
{
	cleanup_by(key_autofree) EVP_PKEY *key = NULL;
	struct sign_key *self;

	if (check_password(password, err) < 0)
		return NULL;
	key = read_private(pem, password, err);
	if (key == NULL || check_curve(key, err) < 0)
		return NULL;
	self = mem_alloc(sizeof(*self));
	self->key = mem_steal(&key);
	return self;
}

void sign_key_free(struct sign_key *key)
{
	if (key)
		EVP_PKEY_free(key->key);
	free(key);
}

char *sign_key_public(const struct sign_key *key, struct err *err)
{
	return public_text(key->key, err);
}

int sign_text(const struct sign_key *key, const void *data, size_t len,
	      char *text, struct err *err)
{
	cleanup_by(md_autofree) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[SIGNATURE_MAX];
	size_t der_len = sizeof(der);

	if (ctx == NULL ||
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->key) != 1 ||
	    EVP_DigestSign(ctx, der, &der_len, data, len) != 1)
		return openssl_fail(err, ERR_FAILED, "cannot sign");
	EVP_EncodeBlock((unsigned char *)text, der, (int)der_len);
	return 0;
}

static int fingerprint_of(EVP_PKEY *key, char *text)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0)
		return -1;
	digest_of(der, (size_t)len, text);
	OPENSSL_free(der);
	return 0;
}

/* One key a file: a second one would be trusted by nobody, silently. */
static int check_only_one(const char *pem, struct err *err)
{
	const char *first = strstr(pem, "-----BEGIN ");

	if (first && strstr(first + 1, "-----BEGIN "))
		return err_set(err, ERR_INVALID,
			       "it holds more than one PEM block; give each "
			       "public key a file of its own");
	return 0;
}

struct verify_key *verify_key_parse(const char *pem, struct err *err)
{
	cleanup_by(key_autofree) EVP_PKEY *key = NULL;
	cleanup_by(bio_autofree) BIO *bio = bio_of(pem);
	struct verify_key *self;
	char fingerprint[DIGEST_SIZE];

	if (check_only_one(pem, err) < 0)
		return NULL;
	if (bio)
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	ERR_clear_error();
	if (key == NULL && str_eq(pem_kind(pem), "a public key")) {
		err_set(err, ERR_INVALID,
			"the public key is damaged or of a kind that is not "
			"known");
		return NULL;
	}
	if (key == NULL) {
		err_set(err, ERR_INVALID,
			"this is %s, and not a public key in PEM%s",
			pem_kind(pem),
			strstr(pem_kind(pem), "private") ?
				"; keep it secret, and give the file that ends "
				"in .pub" :
				"");
		return NULL;
	}
	if (check_curve(key, err) < 0)
		return NULL;
	if (fingerprint_of(key, fingerprint) < 0) {
		openssl_fail(err, ERR_INVALID, "cannot read the public key");
		return NULL;
	}
	self = mem_alloc(sizeof(*self));
	self->key = mem_steal(&key);
	memcpy(self->fingerprint, fingerprint, sizeof(fingerprint));
	return self;
}

void verify_key_free(struct verify_key *key)
{
	if (key)
		EVP_PKEY_free(key->key);
	free(key);
}

void verify_key_fingerprint(const struct verify_key *key, char *text)
{
	memcpy(text, key->fingerprint, DIGEST_SIZE);
}

/* The bytes of base64 that is just as we write it; their number, or -1. */
static int decode_exactly(const char *text, unsigned char *der)
{
	unsigned char block[SIGN_MAX_TEXT], again[SIGN_MAX_TEXT];
	size_t len = strlen(text);
	int der_len;

	if (len < 4 || len >= SIGN_MAX_TEXT || len % 4 != 0)
		return -1;
	der_len = EVP_DecodeBlock(block, (const unsigned char *)text, (int)len);
	if (der_len < 0)
		return -1;
	/* It counts what stands for the padding, too. */
	der_len -= (text[len - 1] == '=') + (text[len - 2] == '=');
	if (der_len > SIGNATURE_MAX)
		return -1;
	EVP_EncodeBlock(again, block, der_len);
	if (memcmp(again, text, len) != 0)
		return -1;
	memcpy(der, block, (size_t)der_len);
	return der_len;
}

/* Whether it is DER, which has one form, of two integers. */
static bool is_signature(const unsigned char *der, int len)
{
	const unsigned char *p = der;
	cleanup_by(signature_autofree)
		ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &p, len);
	unsigned char *again = NULL;
	int again_len = signature ? i2d_ECDSA_SIG(signature, &again) : -1;
	bool same = again_len == len && memcmp(again, der, (size_t)len) == 0;

	OPENSSL_free(again);
	ERR_clear_error();
	return same;
}

int verify_text(const struct verify_key *key, const void *data, size_t len,
		const char *signature, struct err *err)
{
	cleanup_by(md_autofree) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[SIGNATURE_MAX];
	int der_len = decode_exactly(signature, der), result;

	if (der_len < 0 || !is_signature(der, der_len))
		return err_set(err, ERR_INVALID,
			       "the signature is none: it must be base64 of "
			       "an ECDSA signature in DER");
	if (ctx == NULL ||
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->key) != 1)
		return openssl_fail(err, ERR_FAILED,
				    "cannot check the signature");
	result = EVP_DigestVerify(ctx, der, (size_t)der_len, data, len);
	ERR_clear_error();
	return result == 1;
}

const char *sign_library_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}

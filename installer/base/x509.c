#include "base/x509.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define SERIAL_BITS 127
#define CLOCK_SKEW_S 3600
#define COMMON_NAME_MAX 64 /* RFC 5280, ub-common-name */
#define DNS_NAME_MAX 253
#define PEM_MAX ((size_t)1 << 20)
#define RSA_BITS 2048

#define DEFINE_FREE(name, type, free_function) \
	static void name(type **p)             \
	{                                      \
		free_function(*p);             \
	}

DEFINE_FREE(key_autofree, EVP_PKEY, EVP_PKEY_free)
DEFINE_FREE(cert_autofree, X509, X509_free)
DEFINE_FREE(request_autofree, X509_REQ, X509_REQ_free)
DEFINE_FREE(bio_autofree, BIO, BIO_free_all)
DEFINE_FREE(bn_autofree, BIGNUM, BN_free)
DEFINE_FREE(names_autofree, GENERAL_NAMES, GENERAL_NAMES_free)
DEFINE_FREE(store_autofree, X509_STORE, X509_STORE_free)
DEFINE_FREE(store_ctx_autofree, X509_STORE_CTX, X509_STORE_CTX_free)

static void certs_autofree(STACK_OF(X509) * *certs)
{
	sk_X509_pop_free(*certs, X509_free);
}

#define cleanup_by(function) __attribute__((cleanup(function)))

/* What an extension needs to know. */
struct cert_kind {
	bool ca;
	int purpose;  /* NID of the extended key usage, but of a CA */
	X509 *issuer; /* itself for a CA */
};

static int openssl_fail(struct err *err, enum err_kind kind, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return err_set(err, kind, "%s: %s", what,
		       reason ? reason : "unknown reason");
}

static BIO *bio_of(const char *pem)
{
	size_t len = pem ? strnlen(pem, PEM_MAX) : 0;

	return BIO_new_mem_buf(pem ? pem : "", (int)len);
}

static X509 *cert_read(const char *pem, struct err *err)
{
	cleanup_by(bio_autofree) BIO *bio = bio_of(pem);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	if (cert == NULL)
		openssl_fail(err, ERR_INVALID, "cannot read the certificate");
	return cert;
}

/* All certificates of PEM text, at least one. */
static STACK_OF(X509) * certs_read(const char *pem, struct err *err)
{
	cleanup_by(bio_autofree) BIO *bio = bio_of(pem);
	cleanup_by(certs_autofree) STACK_OF(X509) *certs = sk_X509_new_null();
	X509 *cert;

	if (bio == NULL || certs == NULL) {
		openssl_fail(err, ERR_FAILED, "cannot read certificates");
		return NULL;
	}
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(certs, cert);
	if (sk_X509_num(certs) == 0) {
		openssl_fail(err, ERR_INVALID, "cannot read the certificate");
		return NULL;
	}
	ERR_clear_error();
	return mem_steal(&certs);
}

static EVP_PKEY *key_read(const char *pem, struct err *err)
{
	cleanup_by(bio_autofree) BIO *bio = bio_of(pem);
	EVP_PKEY *key = NULL;

	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, "");
	if (key == NULL)
		openssl_fail(err, ERR_INVALID, "cannot read the private key");
	return key;
}

static char *bio_text(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	return mem_strndup(data ? data : "", len > 0 ? (size_t)len : 0);
}

static int pair_write(struct x509_pair *pair, X509 *cert, EVP_PKEY *key,
		      struct err *err)
{
	/* A memory BIO wipes what it held when it is freed. */
	cleanup_by(bio_autofree) BIO *cert_bio = BIO_new(BIO_s_mem());
	cleanup_by(bio_autofree) BIO *key_bio = BIO_new(BIO_s_mem());

	if (cert_bio == NULL || key_bio == NULL ||
	    !PEM_write_bio_X509(cert_bio, cert) ||
	    !PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL))
		return openssl_fail(err, ERR_FAILED,
				    "cannot write the certificate");
	pair->cert_pem = bio_text(cert_bio);
	pair->key_pem = bio_text(key_bio);
	return 0;
}

static bool set_serial(X509 *cert)
{
	cleanup_by(bn_autofree) BIGNUM *serial = BN_new();

	return serial &&
	       BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE,
		       BN_RAND_BOTTOM_ANY) &&
	       BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
}

static bool set_name(X509 *cert, const char *common_name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
					  MBSTRING_UTF8,
					  (const unsigned char *)common_name,
					  -1, -1, 0);
}

static bool add_usage(X509 *cert, const struct cert_kind *kind)
{
	BASIC_CONSTRAINTS constraints = { .ca = kind->ca ? 0xff : 0 };
	/* Bits of KeyUsage: 0 digitalSignature, 5 keyCertSign, 6 cRLSign. */
	unsigned char bits = kind->ca ? 0x06 : 0x80;
	ASN1_BIT_STRING usage = {
		.type = V_ASN1_BIT_STRING,
		.length = 1,
		.data = &bits,
	};
	EXTENDED_KEY_USAGE *purpose = NULL;
	bool done;

	if (X509_add1_ext_i2d(cert, NID_basic_constraints, &constraints, 1,
			      X509V3_ADD_APPEND) != 1 ||
	    X509_add1_ext_i2d(cert, NID_key_usage, &usage, 1,
			      X509V3_ADD_APPEND) != 1)
		return false;
	if (kind->ca)
		return true;
	purpose = sk_ASN1_OBJECT_new_null();
	done = purpose &&
	       sk_ASN1_OBJECT_push(purpose, OBJ_nid2obj(kind->purpose)) &&
	       X509_add1_ext_i2d(cert, NID_ext_key_usage, purpose, 0,
				 X509V3_ADD_APPEND) == 1;
	sk_ASN1_OBJECT_free(purpose);
	return done;
}

/* SHA-1 of the public key, which is a name here and no protection.
 * Source: RFC 5280, 4.2.1.2 "Subject Key Identifier", method (1). */
static bool add_key_ids(X509 *cert, const struct cert_kind *kind)
{
	unsigned char own[EVP_MAX_MD_SIZE], issuers[EVP_MAX_MD_SIZE];
	unsigned int own_len, issuers_len;
	ASN1_OCTET_STRING id = { .type = V_ASN1_OCTET_STRING };
	AUTHORITY_KEYID authority = { .keyid = &id };

	if (!X509_pubkey_digest(cert, EVP_sha1(), own, &own_len) ||
	    !X509_pubkey_digest(kind->issuer, EVP_sha1(), issuers,
				&issuers_len))
		return false;
	id.data = own;
	id.length = (int)own_len;
	if (X509_add1_ext_i2d(cert, NID_subject_key_identifier, &id, 0,
			      X509V3_ADD_APPEND) != 1)
		return false;
	id.data = issuers;
	id.length = (int)issuers_len;
	return X509_add1_ext_i2d(cert, NID_authority_key_identifier, &authority,
				 0, X509V3_ADD_APPEND) == 1;
}

static GENERAL_NAME *dns_name_new(const char *dns_name)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	if (name == NULL || text == NULL ||
	    !ASN1_STRING_set(text, dns_name, -1)) {
		GENERAL_NAME_free(name);
		ASN1_IA5STRING_free(text);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	return name;
}

/* Critical where there is no common name. Source: RFC 5280, 4.2.1.6. */
static bool add_dns_names(X509 *cert, const struct strs *dns_names,
			  bool critical)
{
	cleanup_by(names_autofree) GENERAL_NAMES *names = GENERAL_NAMES_new();

	for (size_t i = 0; names && i < dns_names->nr; i++) {
		GENERAL_NAME *name = dns_name_new(dns_names->item[i]);

		if (name == NULL || !sk_GENERAL_NAME_push(names, name)) {
			GENERAL_NAME_free(name);
			return false;
		}
	}
	return names && X509_add1_ext_i2d(cert, NID_subject_alt_name, names,
					  critical, X509V3_ADD_APPEND) == 1;
}

/* Everything but names and signature. */
static bool cert_fill(X509 *cert, EVP_PKEY *key, int days,
		      const struct cert_kind *kind)
{
	return X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -CLOCK_SKEW_S) &&
	       X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL) &&
	       X509_set_pubkey(cert, key) && add_usage(cert, kind) &&
	       add_key_ids(cert, kind);
}

int x509_make_ca(struct x509_pair *ca, const char *common_name, int days,
		 struct err *err)
{
	cleanup_by(key_autofree) EVP_PKEY *key = EVP_EC_gen("P-256");
	cleanup_by(cert_autofree) X509 *cert = X509_new();
	struct cert_kind kind = { .ca = true, .issuer = cert };

	if (str_empty(common_name) || strlen(common_name) > COMMON_NAME_MAX)
		return err_set(err, ERR_INVALID,
			       "'%s' cannot be the name of a CA: it must have "
			       "1 to %d letters",
			       common_name ? common_name : "", COMMON_NAME_MAX);
	if (key == NULL || cert == NULL || !set_name(cert, common_name) ||
	    !cert_fill(cert, key, days, &kind) ||
	    !X509_set_issuer_name(cert, X509_get_subject_name(cert)) ||
	    !X509_sign(cert, key, EVP_sha256()))
		return openssl_fail(err, ERR_FAILED, "cannot make a CA");
	return pair_write(ca, cert, key, err);
}

static int check_dns_names(const struct strs *dns_names, struct err *err)
{
	if (dns_names->nr == 0)
		return err_set(err, ERR_INVALID,
			       "a serving certificate needs a DNS name");
	for (size_t i = 0; i < dns_names->nr; i++) {
		const char *name = dns_names->item[i];
		size_t len = strlen(name);

		for (const char *p = name; *p; p++)
			if (!isalnum((unsigned char)*p) && !strchr("-.*", *p))
				len = 0;
		if (len == 0 || len > DNS_NAME_MAX)
			return err_set(err, ERR_INVALID,
				       "'%s' is not a DNS name", name);
	}
	return 0;
}

static int ca_read(const struct x509_pair *ca, X509 **cert, EVP_PKEY **key,
		   struct err *err)
{
	*cert = cert_read(ca->cert_pem, err);
	*key = *cert ? key_read(ca->key_pem, err) : NULL;
	if (*key == NULL)
		return -1;
	if (X509_check_private_key(*cert, *key) != 1)
		return openssl_fail(err, ERR_INVALID,
				    "certificate and key of the CA differ");
	return 0;
}

int x509_issue_server(struct x509_pair *server, const struct x509_pair *ca,
		      const struct strs *dns_names, int days, struct err *err)
{
	cleanup_by(cert_autofree) X509 *ca_cert = NULL;
	cleanup_by(key_autofree) EVP_PKEY *ca_key = NULL;
	cleanup_by(key_autofree) EVP_PKEY *key = EVP_EC_gen("P-256");
	cleanup_by(cert_autofree) X509 *cert = X509_new();
	struct cert_kind kind = { .purpose = NID_server_auth };
	bool named;

	if (check_dns_names(dns_names, err) < 0)
		return -1;
	if (ca_read(ca, &ca_cert, &ca_key, err) < 0)
		return err_wrap(err, "CA of '%s'", dns_names->item[0]);
	kind.issuer = ca_cert;
	named = strlen(dns_names->item[0]) <= COMMON_NAME_MAX;
	if (key == NULL || cert == NULL ||
	    (named && !set_name(cert, dns_names->item[0])) ||
	    !cert_fill(cert, key, days, &kind) ||
	    !add_dns_names(cert, dns_names, !named) ||
	    !X509_set_issuer_name(cert, X509_get_subject_name(ca_cert)) ||
	    !X509_sign(cert, ca_key, EVP_sha256()))
		return openssl_fail(err, ERR_FAILED,
				    "cannot issue a serving certificate");
	return pair_write(server, cert, key, err);
}

static EVP_PKEY *key_make(enum x509_key_type type)
{
	return type == X509_KEY_RSA ? EVP_RSA_gen(RSA_BITS) :
				      EVP_EC_gen("P-256");
}

/* No certificate is worth anything after that of its CA. */
static bool end_with_ca(X509 *cert, const X509 *ca)
{
	const ASN1_TIME *end = X509_get0_notAfter(ca);

	return ASN1_TIME_compare(X509_get0_notAfter(cert), end) <= 0 ||
	       X509_set1_notAfter(cert, end);
}

static int check_not_over(const struct x509_pair *ca, struct err *err)
{
	char when[CLOCK_RFC3339_SIZE];
	time_t end;

	if (x509_not_after(ca->cert_pem, &end, err) < 0)
		return -1;
	clock_rfc3339(when, sizeof(when), end);
	return end > clock_wall() ?
		       0 :
		       err_set(err, ERR_INVALID,
			       "the certificate of the CA expired at %s", when);
}

int x509_issue_client(struct x509_pair *client, const struct x509_pair *ca,
		      enum x509_key_type type, const char *common_name,
		      int days, struct err *err)
{
	cleanup_by(cert_autofree) X509 *ca_cert = NULL;
	cleanup_by(key_autofree) EVP_PKEY *ca_key = NULL;
	cleanup_by(key_autofree) EVP_PKEY *key = NULL;
	cleanup_by(cert_autofree) X509 *cert = X509_new();
	struct cert_kind kind = { .purpose = NID_client_auth };

	if (ca_read(ca, &ca_cert, &ca_key, err) < 0 ||
	    check_not_over(ca, err) < 0)
		return -1;
	kind.issuer = ca_cert;
	key = key_make(type);
	if (key == NULL || cert == NULL || !set_name(cert, common_name) ||
	    !cert_fill(cert, key, days, &kind) || !end_with_ca(cert, ca_cert) ||
	    !X509_set_issuer_name(cert, X509_get_subject_name(ca_cert)) ||
	    !X509_sign(cert, ca_key, EVP_sha256()))
		return openssl_fail(err, ERR_FAILED,
				    "cannot issue a client certificate");
	return pair_write(client, cert, key, err);
}

static int request_write(char **request_pem, char **key_pem, X509_REQ *request,
			 EVP_PKEY *key, struct err *err)
{
	cleanup_by(bio_autofree) BIO *request_bio = BIO_new(BIO_s_mem());
	cleanup_by(bio_autofree) BIO *key_bio = BIO_new(BIO_s_mem());

	if (request_bio == NULL || key_bio == NULL ||
	    !PEM_write_bio_X509_REQ(request_bio, request) ||
	    !PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL))
		return openssl_fail(err, ERR_FAILED,
				    "cannot write the request");
	*request_pem = bio_text(request_bio);
	*key_pem = bio_text(key_bio);
	return 0;
}

int x509_make_request(char **request_pem, char **key_pem,
		      enum x509_key_type type, const char *common_name,
		      struct err *err)
{
	cleanup_by(key_autofree) EVP_PKEY *key = key_make(type);
	cleanup_by(request_autofree) X509_REQ *request = X509_REQ_new();

	if (key == NULL || request == NULL ||
	    !X509_NAME_add_entry_by_txt(
		    X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8,
		    (const unsigned char *)common_name, -1, -1, 0) ||
	    !X509_REQ_set_pubkey(request, key) ||
	    !X509_REQ_sign(request, key, EVP_sha256()))
		return openssl_fail(err, ERR_FAILED,
				    "cannot make a request for a certificate");
	return request_write(request_pem, key_pem, request, key, err);
}

int x509_pair_check(const struct x509_pair *pair, enum x509_key_type *type,
		    struct err *err)
{
	cleanup_by(cert_autofree) X509 *cert = cert_read(pair->cert_pem, err);
	cleanup_by(key_autofree) EVP_PKEY *key = NULL;

	key = cert ? key_read(pair->key_pem, err) : NULL;
	if (key == NULL)
		return -1;
	if (X509_check_private_key(cert, key) != 1)
		return openssl_fail(err, ERR_VERIFY,
				    "certificate and key differ");
	*type = EVP_PKEY_is_a(key, "RSA") ? X509_KEY_RSA : X509_KEY_EC;
	return 0;
}

void x509_pair_release(struct x509_pair *pair)
{
	free(pair->cert_pem);
	mem_free_secret(pair->key_pem);
	memset(pair, 0, sizeof(*pair));
}

int x509_not_after(const char *cert_pem, time_t *not_after, struct err *err)
{
	cleanup_by(cert_autofree) X509 *cert = cert_read(cert_pem, err);
	struct tm tm;

	if (cert == NULL)
		return -1;
	if (!ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
		return openssl_fail(err, ERR_INVALID,
				    "cannot read the end of validity");
	*not_after = timegm(&tm);
	return 0;
}

static X509_STORE *store_of(STACK_OF(X509) * trusted)
{
	X509_STORE *store = X509_STORE_new();

	for (int i = 0; store && i < sk_X509_num(trusted); i++)
		X509_STORE_add_cert(store, sk_X509_value(trusted, i));
	return store;
}

int x509_verify(const char *cert_pem, const char *ca_pem, const char *dns_name,
		time_t now, struct err *err)
{
	cleanup_by(certs_autofree) STACK_OF(X509) *chain = NULL;
	cleanup_by(certs_autofree) STACK_OF(X509) *trusted = NULL;
	cleanup_by(store_autofree) X509_STORE *store = NULL;
	cleanup_by(store_ctx_autofree) X509_STORE_CTX *ctx = NULL;
	X509_VERIFY_PARAM *param;
	int reason;

	chain = certs_read(cert_pem, err);
	if (chain == NULL)
		return -1;
	trusted = certs_read(ca_pem, err);
	if (trusted == NULL)
		return err_wrap(err, "CA of '%s'", dns_name);
	store = store_of(trusted);
	ctx = X509_STORE_CTX_new();
	if (store == NULL || ctx == NULL ||
	    !X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain))
		return openssl_fail(err, ERR_FAILED,
				    "cannot check the certificate");
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_time(param, now);
	X509_VERIFY_PARAM_set1_host(param, dns_name, 0);
	/* As the API server does: a certificate that is itself in the
	 * caBundle is trusted, which is what a self-signed issuer gives. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_verify_cert(ctx) == 1)
		return 1;
	reason = X509_STORE_CTX_get_error(ctx);
	ERR_clear_error();
	err_set(err, ERR_VERIFY, "certificate for '%s' is not valid: %s",
		dns_name, X509_verify_cert_error_string(reason));
	return 0;
}

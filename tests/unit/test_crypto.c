#include "unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

static int start(void **state)
{
	(void)state;
	crypto_init();
	crypto_init();
	return 0;
}

static void crypto_knows_what_tls_and_keys_need(void **state)
{
	static const char *const ciphers[] = { "AES-128-GCM", "AES256",
					       "aes-256-cbc", "DES-EDE3-CBC",
					       "ChaCha20-Poly1305" };
	static const char *const digests[] = { "SHA1", "SHA256", "SHA2-384",
					       "SHA512" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		EVP_CIPHER *one = EVP_CIPHER_fetch(NULL, ciphers[i], NULL);

		assert_non_null(one);
		EVP_CIPHER_free(one);
	}
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
		EVP_MD *one = EVP_MD_fetch(NULL, digests[i], NULL);

		assert_non_null(one);
		assert_non_null(EVP_get_digestbyname(digests[i]));
		EVP_MD_free(one);
	}
}

static void crypto_does_not_know_the_rest(void **state)
{
	(void)state;
	assert_null(EVP_CIPHER_fetch(NULL, "CAMELLIA-256-CBC", NULL));
	assert_null(EVP_CIPHER_fetch(NULL, "SM4-CBC", NULL));
	assert_null(EVP_MD_fetch(NULL, "BLAKE2S-256", NULL));
	assert_null(EVP_KEYMGMT_fetch(NULL, "DSA", NULL));
}

/* The suites of a context as one text; NULL is OpenSSL as the program has it. */
static char *suites_of(OSSL_LIB_CTX *library)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(library, NULL, TLS_client_method());
	char *text = mem_strdup("");
	STACK_OF(SSL_CIPHER) * list;
	SSL *ssl;

	assert_non_null(ctx);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	ssl = SSL_new(ctx);
	assert_non_null(ssl);
	list = SSL_get1_supported_ciphers(ssl);
	for (int i = 0; i < sk_SSL_CIPHER_num(list); i++) {
		char *more = mem_printf(
			"%s%s ", text,
			SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i)));

		free(text);
		text = more;
	}
	sk_SSL_CIPHER_free(list);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return text;
}

static void crypto_leaves_the_suites_of_tls_as_they_are(void **state)
{
	OSSL_LIB_CTX *whole = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *provider = OSSL_PROVIDER_load(whole, "default");
	autofree char *ours = suites_of(NULL);
	autofree char *theirs = suites_of(whole);

	(void)state;
	assert_non_null(strstr(ours, "TLS_AES_256_GCM_SHA384"));
	assert_string_equal(ours, theirs);
	OSSL_PROVIDER_unload(provider);
	OSSL_LIB_CTX_free(whole);
}

static int give_password(char *dst, int max, int writing, void *ctx)
{
	(void)writing;
	(void)ctx;
	assert_true(max > 8);
	memcpy(dst, "password", 8);
	return 8;
}

static EVP_PKEY *written_and_read(EVP_PKEY *key, const EVP_CIPHER *cipher,
				  bool traditional)
{
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *copy;
	int done;

	if (traditional)
		done = PEM_write_bio_PrivateKey_traditional(
			bio, key, cipher, NULL, 0, give_password, NULL);
	else
		done = PEM_write_bio_PrivateKey(bio, key, cipher, NULL, 0,
						give_password, NULL);
	assert_int_equal(done, 1);
	copy = PEM_read_bio_PrivateKey(bio, NULL, give_password, NULL);
	BIO_free(bio);
	return copy;
}

/* As in certificates and in the keys of bundles. */
static EVP_PKEY *public_part(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *copy;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	copy = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return copy;
}

static void check_key(EVP_PKEY *key, bool traditional)
{
	const EVP_CIPHER *const ciphers[] = { NULL, EVP_aes_256_cbc(),
					      EVP_des_ede3_cbc() };
	EVP_PKEY *copy;

	assert_non_null(key);
	for (size_t i = 0; i < ARRAY_SIZE(ciphers) * 2; i++) {
		if (i % 2 && !traditional)
			continue;
		copy = written_and_read(key, ciphers[i / 2], i % 2);
		assert_non_null(copy);
		assert_int_equal(EVP_PKEY_eq(copy, key), 1);
		EVP_PKEY_free(copy);
	}
	copy = public_part(key);
	assert_non_null(copy);
	assert_int_equal(EVP_PKEY_eq(copy, key), 1);
	EVP_PKEY_free(copy);
	EVP_PKEY_free(key);
}

static void crypto_reads_keys_in_each_form(void **state)
{
	(void)state;
	check_key(EVP_RSA_gen(2048), true);
	check_key(EVP_EC_gen("P-256"), true);
	check_key(EVP_EC_gen("P-384"), true);
	check_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), false);
	check_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), false);
}

static void crypto_verifies_each_signature(void **state)
{
	const EVP_MD *const digests[] = { EVP_sha1(), EVP_sha256(),
					  EVP_sha384(), EVP_sha512() };
	EVP_PKEY *keys[] = { EVP_RSA_gen(2048), EVP_EC_gen("P-256") };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys) * ARRAY_SIZE(digests); i++) {
		EVP_PKEY *key = keys[i % 2];
		X509 *cert = X509_new();

		assert_int_equal(X509_set_pubkey(cert, key), 1);
		assert_true(X509_sign(cert, key, digests[i / 2]) > 0);
		assert_int_equal(X509_verify(cert, key), 1);
		X509_free(cert);
	}
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crypto_knows_what_tls_and_keys_need),
		cmocka_unit_test(crypto_does_not_know_the_rest),
		cmocka_unit_test(crypto_leaves_the_suites_of_tls_as_they_are),
		cmocka_unit_test(crypto_reads_keys_in_each_form),
		cmocka_unit_test(crypto_verifies_each_signature),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}

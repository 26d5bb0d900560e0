#include "base/crypto.h"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define PROVIDER "dws-csm"
#define FUNCTIONS_MAX 16
#define KEPT_MAX 32

/* libcrypto's own, without a header: the provider that it has built in. */
extern OSSL_provider_init_fn ossl_default_provider_init;

/* What is kept of each kind, by its first name. A newer OpenSSL may have more
 * that is wanted. */
static const char *const ciphers[] = {
	"NULL",	       "AES-128-ECB",  "AES-192-ECB", "AES-256-ECB",
	"AES-128-CBC", "AES-192-CBC",  "AES-256-CBC", "AES-128-CTR",
	"AES-192-CTR", "AES-256-CTR",  "AES-128-GCM", "AES-192-GCM",
	"AES-256-GCM", "DES-EDE3-CBC", "ChaCha20",    "ChaCha20-Poly1305",
	NULL
};
static const char *const digests[] = { "MD5",	   "MD5-SHA1",	"SHA1",
				       "SHA2-224", "SHA2-256",	"SHA2-384",
				       "SHA2-512", "SHAKE-256", NULL };
static const char *const key_types[] = { "RSA",	   "RSA-PSS", "EC",   "DH",
					 "X25519", "X448",    "HMAC", "ED25519",
					 "ED448",  NULL };
static const char *const decoders[] = { "RSA",	 "RSA-PSS", "EC", "ED25519",
					"ED448", "DER",	    NULL };

static struct kind {
	int operation;
	const char *const *names;
	OSSL_ALGORITHM kept[KEPT_MAX]; /* up to the first without a name */
} kinds[] = {
	{ .operation = OSSL_OP_CIPHER, .names = ciphers },
	{ .operation = OSSL_OP_DIGEST, .names = digests },
	{ .operation = OSSL_OP_KEYMGMT, .names = key_types },
	{ .operation = OSSL_OP_DECODER, .names = decoders },
};

/* Filled once, with the kinds; constant from then on. */
static pthread_once_t crypto_once = PTHREAD_ONCE_INIT;
static OSSL_DISPATCH functions[FUNCTIONS_MAX];
static OSSL_FUNC_provider_query_operation_fn *query_all;

/* Its names are "AES-256-CBC:AES256:2.16.840.1.101.3.4.1.42". */
static bool is_wanted(const OSSL_ALGORITHM *algorithm, const char *const *names)
{
	size_t len = strcspn(algorithm->algorithm_names, ":");

	for (; *names; names++)
		if (strlen(*names) == len &&
		    strncasecmp(algorithm->algorithm_names, *names, len) == 0)
			break;
	/* Keys as Windows has them, and those of one kind told a second time. */
	return *names &&
	       !strstr(algorithm->property_definition, "input=msblob") &&
	       !strstr(algorithm->property_definition, "input=pvk") &&
	       !strstr(algorithm->property_definition, "structure=rsa") &&
	       !strstr(algorithm->property_definition, "structure=ec");
}

static bool choose(struct kind *kind, const OSSL_ALGORITHM *algorithm)
{
	size_t nr = 0;

	for (; algorithm && algorithm->algorithm_names; algorithm++) {
		if (!is_wanted(algorithm, kind->names))
			continue;
		if (nr == KEPT_MAX - 1)
			return false;
		kind->kept[nr++] = *algorithm;
	}
	return true;
}

static const OSSL_ALGORITHM *query_kept(void *provider, int operation,
					int *no_cache)
{
	*no_cache = 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].operation == operation)
			return kinds[i].kept;
	/* It cannot see the type that OpenSSL makes for the function. */
	/* cppcheck-suppress CastIntegerToAddressAtReturn */
	return query_all(provider, operation, no_cache);
}

static int provider_init(const OSSL_CORE_HANDLE *handle,
			 const OSSL_DISPATCH *core, const OSSL_DISPATCH **out,
			 void **provider)
{
	const OSSL_DISPATCH *all;
	int no_cache;

	if (!ossl_default_provider_init(handle, core, &all, provider))
		return 0;
	for (size_t nr = 0; all->function_id; all++, nr++) {
		if (nr == FUNCTIONS_MAX - 1)
			return 0;
		functions[nr] = *all;
		if (all->function_id != OSSL_FUNC_PROVIDER_QUERY_OPERATION)
			continue;
		query_all = OSSL_FUNC_provider_query_operation(all);
		functions[nr].function = (void (*)(void))query_kept;
	}
	if (query_all == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!choose(&kinds[i], query_all(*provider, kinds[i].operation,
						 &no_cache)))
			return 0;
	*out = functions;
	return 1;
}

/* Certificates and encrypted keys look these up by name; to add all names that
 * OpenSSL knows takes long. */
static void add_names(void)
{
	const EVP_MD *const md[] = { EVP_md5(),	   EVP_md5_sha1(), EVP_sha1(),
				     EVP_sha224(), EVP_sha256(),   EVP_sha384(),
				     EVP_sha512() };
	const EVP_CIPHER *const cipher[] = { EVP_aes_128_cbc(),
					     EVP_aes_192_cbc(),
					     EVP_aes_256_cbc(),
					     EVP_des_ede3_cbc() };

	for (size_t i = 0; i < ARRAY_SIZE(md); i++)
		if (!EVP_add_digest(md[i]))
			abort();
	for (size_t i = 0; i < ARRAY_SIZE(cipher); i++)
		if (!EVP_add_cipher(cipher[i]))
			abort();
}

static void crypto_load(void)
{
	/* What ends needs no tidying, which costs a small command a tenth; of
	 * its errors only those of TLS are ever shown. */
	uint64_t options = OPENSSL_INIT_NO_LOAD_CONFIG |
			   OPENSSL_INIT_NO_ATEXIT |
			   OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
			   OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
			   OPENSSL_INIT_NO_ADD_ALL_DIGESTS;

	if (OPENSSL_init_crypto(options, NULL) != 1 ||
	    OSSL_PROVIDER_add_builtin(NULL, PROVIDER, provider_init) != 1 ||
	    OSSL_PROVIDER_load(NULL, PROVIDER) == NULL)
		abort();
	add_names();
}

void crypto_init(void)
{
	pthread_once(&crypto_once, crypto_load);
}

#include "net/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/mem.h"

struct trust {
	X509_STORE *store;
};

/* The number of certificates, or -1. */
static int fill(X509_STORE *store, STACK_OF(X509_INFO) * list)
{
	int nr = 0;

	for (int i = 0; i < sk_X509_INFO_num(list); i++) {
		const X509_INFO *info = sk_X509_INFO_value(list, i);

		if (info->x509 && X509_STORE_add_cert(store, info->x509) != 1)
			return -1;
		if (info->crl && X509_STORE_add_crl(store, info->crl) != 1)
			return -1;
		nr += info->x509 != NULL;
	}
	return nr;
}

struct trust *trust_new(const char *pem)
{
	struct trust *self = mem_alloc(sizeof(*self));
	BIO *bio = BIO_new_mem_buf(pem, -1);
	STACK_OF(X509_INFO) *list = NULL;

	self->store = X509_STORE_new();
	if (bio == NULL || self->store == NULL)
		abort();
	list = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
	/* As libcurl has it: a chain may end at an intermediate CA. */
	X509_STORE_set_flags(self->store, X509_V_FLAG_TRUSTED_FIRST |
						  X509_V_FLAG_PARTIAL_CHAIN);
	if (list == NULL || fill(self->store, list) <= 0) {
		trust_free(self);
		self = NULL;
	}
	sk_X509_INFO_pop_free(list, X509_INFO_free);
	BIO_free(bio);
	ERR_clear_error();
	return self;
}

void trust_free(struct trust *self)
{
	if (self)
		X509_STORE_free(self->store);
	free(self);
}

void trust_use(struct trust *self, void *ssl_ctx)
{
	/* A client sends the chain that its PEM has. OpenSSL would look for
	 * more of it among the CAs and verify that, at each connection. */
	SSL_CTX_set_mode(ssl_ctx, SSL_MODE_NO_AUTO_CHAIN);
	if (self)
		SSL_CTX_set1_cert_store(ssl_ctx, self->store);
}

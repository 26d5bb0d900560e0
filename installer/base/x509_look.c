#include "base/x509_look.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define PEM_MAX ((size_t)16 << 20)

static void certs_free(STACK_OF(X509) * *certs)
{
	sk_X509_pop_free(*certs, X509_free);
}

#define auto_certs __attribute__((cleanup(certs_free))) STACK_OF(X509)

/* All certificates of PEM text, maybe none. */
static STACK_OF(X509) * certs_of(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)strnlen(pem, PEM_MAX));
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509 *cert;

	if (bio == NULL || certs == NULL)
		abort();
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(certs, cert) <= 0)
			abort();
	ERR_clear_error();
	BIO_free(bio);
	return certs;
}

static char *name_text(X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL, *text;
	long len;

	if (bio == NULL)
		abort();
	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	len = BIO_get_mem_data(bio, &data);
	text = mem_strndup(data ? data : "", len > 0 ? (size_t)len : 0);
	BIO_free(bio);
	return text;
}

static void add_name(struct buf *out, const GENERAL_NAME *name)
{
	const unsigned char *data;
	int len;

	if (name->type != GEN_DNS && name->type != GEN_IPADD)
		return;
	data = ASN1_STRING_get0_data(name->d.ip);
	len = ASN1_STRING_length(name->d.ip);
	if (out->len > 0)
		buf_addch(out, ' ');
	if (name->type == GEN_DNS)
		for (int i = 0; i < len; i++)
			buf_addch(out, data[i] > ' ' && data[i] < 0x7f ?
					       (char)data[i] :
					       '?');
	else if (len == 4)
		buf_addf(out, "%d.%d.%d.%d", data[0], data[1], data[2],
			 data[3]);
	else
		for (int i = 0; i + 1 < len; i += 2)
			buf_addf(out, "%s%x", i ? ":" : "",
				 data[i] << 8 | data[i + 1]);
}

static char *names_text(X509 *cert)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		add_name(&out, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	return buf_steal(&out);
}

static time_t time_of(const ASN1_TIME *when)
{
	struct tm tm;

	return ASN1_TIME_to_tm(when, &tm) ? timegm(&tm) : 0;
}

int x509_look(struct x509_look *look, const char *chain_pem, struct err *err)
{
	auto_certs *certs = certs_of(chain_pem);

	memset(look, 0, sizeof(*look));
	if (sk_X509_num(certs) == 0)
		return err_set(err, ERR_INVALID, "cannot read the certificate");
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *cert = sk_X509_value(certs, i);
		time_t from = time_of(X509_get0_notBefore(cert));
		time_t to = time_of(X509_get0_notAfter(cert));

		if (i == 0 || from > look->not_before)
			look->not_before = from;
		if (i == 0 || to < look->not_after)
			look->not_after = to;
		free(look->last_issuer);
		look->last_issuer = name_text(X509_get_issuer_name(cert));
		look->nr++;
	}
	look->subject =
		name_text(X509_get_subject_name(sk_X509_value(certs, 0)));
	look->issuer = name_text(X509_get_issuer_name(sk_X509_value(certs, 0)));
	look->names = names_text(sk_X509_value(certs, 0));
	return 0;
}

void x509_look_release(struct x509_look *look)
{
	free(look->subject);
	free(look->issuer);
	free(look->names);
	free(look->last_issuer);
	memset(look, 0, sizeof(*look));
}

bool x509_is_for(const char *chain_pem, const char *host)
{
	auto_certs *certs = certs_of(chain_pem);
	X509 *cert = sk_X509_num(certs) > 0 ? sk_X509_value(certs, 0) : NULL;

	return cert && (X509_check_ip_asc(cert, host, 0) == 1 ||
			X509_check_host(cert, host, 0, 0, NULL) == 1);
}

static X509_STORE *store_of(STACK_OF(X509) * trusted)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL)
		abort();
	for (int i = 0; i < sk_X509_num(trusted); i++)
		X509_STORE_add_cert(store, sk_X509_value(trusted, i));
	return store;
}

int x509_vouched(const char *chain_pem, const char *ca_pem, struct err *err)
{
	auto_certs *chain = certs_of(chain_pem);
	auto_certs *trusted = certs_of(ca_pem);
	X509_STORE *store;
	X509_STORE_CTX *ctx;
	int good = 0;

	if (sk_X509_num(chain) == 0)
		return err_set(err, ERR_INVALID, "cannot read the certificate");
	store = store_of(trusted);
	ctx = X509_STORE_CTX_new();
	if (ctx == NULL ||
	    !X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain))
		abort();
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN |
					      X509_V_FLAG_NO_CHECK_TIME);
	good = X509_verify_cert(ctx) == 1;
	if (!good)
		err_set(err, ERR_VERIFY, "%s",
			X509_verify_cert_error_string(
				X509_STORE_CTX_get_error(ctx)));
	ERR_clear_error();
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return good;
}

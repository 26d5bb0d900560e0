#include "net/tls.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"

#define TLS_CA_MAX_BYTES ((size_t)8 << 20)

/* Filled once; constant from then on. */
static pthread_once_t tls_once = PTHREAD_ONCE_INIT;
static char *tls_pem;
static const char *tls_name = "none found";

static void tls_load(void)
{
	const char *files[] = {
		getenv("SSL_CERT_FILE"),
		"/etc/ssl/ca-bundle.pem",
		"/var/lib/ca-certificates/ca-bundle.pem",
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct err err = ERR_INIT;

		if (str_empty(files[i]))
			continue;
		if (file_read(AT_FDCWD, files[i], TLS_CA_MAX_BYTES, &tls_pem,
			      NULL, &err) == 0) {
			tls_name = files[i];
			return;
		}
		if (i == 0 || err.kind != ERR_NOT_FOUND)
			log_warn("CA certificates: %s", err.msg);
	}
	tls_pem = mem_strdup("");
}

const char *tls_host_ca(void)
{
	pthread_once(&tls_once, tls_load);
	return tls_pem;
}

const char *tls_host_ca_name(void)
{
	pthread_once(&tls_once, tls_load);
	return tls_name;
}

char *tls_join(const char *ca_pem, const char *more_pem)
{
	return mem_printf("%s\n%s", ca_pem ? ca_pem : "",
			  more_pem ? more_pem : "");
}

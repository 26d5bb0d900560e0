/*
 * probe - name, connection and TLS by hand, to tell which of them fails.
 *
 * The HTTP library does the three in one and verifies at once; a doctor wants
 * to know how far it gets, and to see a certificate that is not good. Nothing
 * is sent over the connection, and nobody may rely on it. Always straight to
 * the host: proxies are the HTTP library's matter.
 *
 *	auto_probe struct probe probe = PROBE_INIT;
 *
 *	if (probe_name(&probe, "registry.local", "443", 10000, &err) == 0 &&
 *	    probe_connect(&probe, 10000, &err) == 0 &&
 *	    probe_tls(&probe, "registry.local", 10000, &err) == 0)
 *		look at probe.chain_pem
 *
 * Errors are ERR_NET, ERR_TIMEOUT, ERR_INTERRUPTED.
 */
#ifndef NET_PROBE_H
#define NET_PROBE_H

#include <stdint.h>

#include "base/err.h"
#include "base/strs.h"

struct addrinfo;

struct probe {
	struct strs addresses; /* that the name has */
	char *address;	       /* the one that answered */
	char *protocol;	       /* "TLSv1.3" */
	char *chain_pem;       /* certificates, the server's first */
	int64_t name_ms, connect_ms, tls_ms;

	struct addrinfo *found;
	int fd;
};

#define PROBE_INIT       \
	{                \
		.fd = -1 \
	}

/* Ask for the addresses of `host` (IPv6 addresses without brackets). */
int probe_name(struct probe *probe, const char *host, const char *port,
	       int64_t timeout_ms, struct err *err) must_check;

/* Connect to the first address that lets us. */
int probe_connect(struct probe *probe, int64_t timeout_ms, struct err *err)
	must_check;

/* Shake hands, whatever the certificate is worth. */
int probe_tls(struct probe *probe, const char *host, int64_t timeout_ms,
	      struct err *err) must_check;

/* End the connection; what was learned stays. */
void probe_hang_up(struct probe *probe);
void probe_release(struct probe *probe);

#define auto_probe __attribute__((cleanup(probe_release)))

#endif

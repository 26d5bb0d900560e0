/*
 * url - the parts of an http or https URL, and what a registry makes of one.
 *
 * Only what servers of ours use: no fragment is kept, and a URL with a user
 * name or password is refused, since those would end in logs.
 *
 * Source: RFC 3986 3 (syntax), 5.2 (resolution).
 */
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>

#include "base/err.h"

struct url {
	char *scheme; /* "http" or "https" */
	char *host;   /* lower case; an IPv6 address with its brackets */
	char *port;   /* digits, or NULL for the scheme's own */
	char *path;   /* "" or begins with "/" */
	char *query;  /* without "?", or NULL */
};

/* ERR_INVALID: not http or https, no host, blanks or control characters, or
 * credentials in it (the text is not told then). */
int url_parse(struct url *url, const char *text, struct err *err) must_check;
void url_release(struct url *url);

/* The whole text, owned by the caller. */
char *url_text(const struct url *url) must_check;

/* "host:port" for messages and comparison; the port always there. Owned by
 * the caller; of text that is no URL a copy. */
char *url_origin(const char *text) must_check;

/* Whether both have the same scheme, host and port: what credentials for
 * one may also go to. False when either is no URL. */
bool url_same_origin(const char *a, const char *b);

/*
 * The absolute URL that `reference` (of a Location header) means in an answer
 * to `base`, with dot segments removed. Owned by the caller; NULL and
 * ERR_INVALID when it is none.
 */
char *url_resolve(const char *base, const char *reference, struct err *err)
	must_check;

/* `url` with "name=value" added to its query, the value percent-encoded.
 * Owned by the caller. */
char *url_add_query(const char *url, const char *name, const char *value)
	must_check;

/* The URL up to its query, which may hold a secret: for logs. Owned. */
char *url_without_query(const char *url) must_check;

#define auto_url __attribute__((cleanup(url_release)))

#endif

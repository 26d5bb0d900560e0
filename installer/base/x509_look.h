/*
 * x509_look - what a server's certificate says, and what is wrong with it.
 *
 * For those who tell people about it: trust, name and dates apart, where a TLS
 * library stops at the first that is wrong.
 *
 * Source: RFC 5280; RFC 6125 6.4 (names).
 */
#ifndef BASE_X509_LOOK_H
#define BASE_X509_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/err.h"

struct x509_look {
	char *subject;
	char *issuer;
	char *names;	   /* DNS names and addresses, blanks between */
	char *last_issuer; /* of the last certificate that came along */
	time_t not_before; /* the latest of all that came along */
	time_t not_after;  /* the earliest */
	size_t nr;	   /* certificates in the text */
};

/* Look at PEM text: the server's certificate first, those of CAs behind. */
int x509_look(struct x509_look *look, const char *chain_pem, struct err *err)
	must_check;
void x509_look_release(struct x509_look *look);

/* Whether the first certificate is for `host`, a name or an address (one of
 * IPv6 without brackets). */
bool x509_is_for(const char *chain_pem, const char *host);

/* 1 when certificates in `ca_pem` vouch for it at any time; 0 when not, with
 * the reason in err->msg. */
int x509_vouched(const char *chain_pem, const char *ca_pem, struct err *err)
	must_check;

#define auto_x509_look __attribute__((cleanup(x509_look_release)))

#endif

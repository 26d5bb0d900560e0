/*
 * challenge - what a WWW-Authenticate header asks for.
 *
 * A server may send several such headers, and several challenges in one;
 * names and schemes are case-insensitive, values may be quoted.
 *
 *	auto_challenges struct challenges list = CHALLENGES_INIT;
 *
 *	while ((line = http_header_next(response, "www-authenticate", &at)))
 *		challenges_add(&list, line);
 *	bearer = challenges_find(&list, "bearer");
 *
 * Source: RFC 9110 11.6.1.
 */
#ifndef NET_CHALLENGE_H
#define NET_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strs.h"

struct challenge {
	char *scheme;	    /* lower case */
	struct strs names;  /* of its parameters, lower case */
	struct strs values; /* as many */
};

struct challenges {
	struct challenge *item;
	size_t nr;
};

#define CHALLENGES_INIT      \
	{                    \
		.item = NULL \
	}

/* Add the challenges of one header. Where the text stops making sense the
 * rest is left out: false; what stood before it is kept. */
bool challenges_add(struct challenges *list, const char *header);
void challenges_release(struct challenges *list);

/* The first of that scheme (lower case), or NULL. */
const struct challenge *challenges_find(const struct challenges *list,
					const char *scheme);

/* Value of parameter `name` (lower case), or NULL. Of two the first. */
const char *challenge_param(const struct challenge *challenge,
			    const char *name);

#define auto_challenges __attribute__((cleanup(challenges_release)))

#endif

/*
 * fault - what an answer of a registry that is a refusal says, and what to do
 * about it.
 *
 * For the files of the registry layer; registry_fail (registry/request.h)
 * makes an error of the same. What is known of the texts of registries, and
 * of proxies before them, is in one table here.
 */
#ifndef REGISTRY_FAULT_H
#define REGISTRY_FAULT_H

#include "registry/session.h"

/* "<status>", and code and message of the server's error list, the title of a
 * proxy's page, or the first line of a text. Owned. */
char *registry_answer_text(const struct http_response *response) must_check;

/* What to do about it, or NULL. */
const char *registry_remedy(const struct registry_session *session,
			    const struct http_response *response);

/* Whether its text says that no later try will do: read-only, full. */
bool registry_fault_lasts(const struct http_response *response);

#endif

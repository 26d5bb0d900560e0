/*
 * status - what the API server says when it refuses, as an error.
 *
 * "cannot create deployment 'x' in namespace 'y': <message of the Status>",
 * and what to do about it.
 *
 * Source: Kubernetes API conventions, "Response Status Kind".
 */
#ifndef KUBE_STATUS_H
#define KUBE_STATUS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "kube/client.h"

/* "create deployment 'x' in namespace 'y'", appended. */
void status_describe(struct buf *out, const struct kube_request *request);

/* Whether a try at a later time may go better: by status, and for 500 by
 * what `text` says (a webhook that fails seldom heals soon). */
bool status_is_transient(int http, const char *text);

/* Whether a webhook could not be asked, which may be just starting: not one
 * that has no Service. */
bool status_is_webhook_away(int http, const char *text);

/* ERR_API from an answer of status `http` with body `text`; returns -1. */
int status_error(const struct kube_config *config,
		 const struct kube_request *request, int http, const char *text,
		 size_t len, struct err *err);

#endif

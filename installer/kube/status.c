#include "kube/status.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

#define APPLY_PATCH "application/apply-patch+yaml"
#define RAW_MAX_BYTES 300

/* /api/v1/namespaces/NS/pods/NAME/log taken to pieces. */
struct place {
	struct strs parts;
	const char *plural;
	const char *name;
	const char *sub;
	const char *ns;
};

static void place_parse(struct place *place, const char *path)
{
	autofree char *bare = mem_strndup(path, strcspn(path, "?"));
	struct strs *parts = &place->parts;
	size_t at;

	strs_split(parts, bare, '/');
	if (parts->nr < 3)
		return;
	at = strcmp(parts->item[0], "apis") == 0 ? 3 : 2;
	if (parts->nr > at + 2 && strcmp(parts->item[at], "namespaces") == 0 &&
	    strcmp(parts->item[at + 2], "finalize") != 0) {
		place->ns = parts->item[at + 1];
		at += 2;
	}
	if (parts->nr > at)
		place->plural = parts->item[at];
	if (parts->nr > at + 1)
		place->name = parts->item[at + 1];
	if (parts->nr > at + 2)
		place->sub = parts->item[at + 2];
}

/* Good enough for a message: "policies", "ingresses", "deployments". */
static void add_singular(struct buf *out, const char *plural)
{
	int len = (int)strlen(plural);

	if (str_ends(plural, "ies"))
		buf_addf(out, "%.*sy", len - 3, plural);
	else if (str_ends(plural, "sses"))
		buf_addf(out, "%.*s", len - 2, plural);
	else if (str_ends(plural, "s") && strcmp(plural, "endpoints") != 0)
		buf_addf(out, "%.*s", len - 1, plural);
	else
		buf_addstr(out, plural);
}

static const char *verb(const struct kube_request *request, bool named)
{
	const char *method = request->method ? request->method : "GET";

	if (strcmp(method, "GET") == 0)
		return named ? "read" : "list";
	if (strcmp(method, "POST") == 0)
		return "create";
	if (strcmp(method, "DELETE") == 0)
		return "delete";
	if (strcmp(method, "PUT") == 0)
		return "replace";
	return str_eq(request->content_type, APPLY_PATCH) ? "apply" : "change";
}

void status_describe(struct buf *out, const struct kube_request *request)
{
	const char *kind = jval_str(request->body, "kind");
	const char *name = jval_str(request->body, "metadata.name");
	struct place place = { .plural = NULL };

	place_parse(&place, request->path);
	if (place.name)
		name = place.name;
	if (place.plural == NULL) {
		buf_addf(out, "%s '%s'", verb(request, true), request->path);
	} else if (name == NULL) {
		buf_addf(out, "%s %s", verb(request, false), place.plural);
	} else {
		buf_addf(out, "%s ", verb(request, true));
		if (place.sub)
			buf_addf(out, "%s of ", place.sub);
		if (kind && !place.sub && strcmp(kind, "DeleteOptions") != 0)
			for (const char *c = kind; *c; c++)
				buf_addch(out,
					  (char)tolower((unsigned char)*c));
		else
			add_singular(out, place.plural);
		buf_addf(out, " '%s'", name);
	}
	if (place.ns)
		buf_addf(out, " in namespace '%s'", place.ns);
	strs_release(&place.parts);
}

bool status_is_transient(int http, const char *text)
{
	switch (http) {
	case 408:
	case 429:
	case 502:
	case 503:
	case 504:
		return true;
	case 500:
		return text == NULL || strstr(text, "webhook") == NULL;
	default:
		return false;
	}
}

bool status_is_webhook_away(int http, const char *text)
{
	return http == 500 && text && strstr(text, "failed calling webhook") &&
	       !strstr(text, "not found");
}

/* What is no Status: a proxy's page. Its first line, cut. */
static void add_raw(struct buf *out, int http, const char *text, size_t len)
{
	size_t end = len < RAW_MAX_BYTES ? len : RAW_MAX_BYTES;

	buf_addf(out, "status %d", http);
	if (end > 0)
		buf_addstr(out, ": ");
	for (size_t i = 0; i < end && text[i] != '\n' && text[i]; i++)
		buf_addch(out, iscntrl((unsigned char)text[i]) ? ' ' : text[i]);
}

static void add_causes(struct buf *out, const struct jval *status)
{
	const struct jval *causes = jval_path(status, "details.causes");
	const char *message = jval_str(status, "message");

	for (size_t i = 0; i < jval_len(causes) && i < 5; i++) {
		const char *field = jval_str(jval_at(causes, i), "field");
		const char *cause = jval_str(jval_at(causes, i), "message");

		/* Most messages have them in already. */
		if (cause && !(message && strstr(message, cause)))
			buf_addf(out, "; %s%s%s", field ? field : "",
				 field ? ": " : "", cause);
	}
}

static void add_hint(const struct kube_config *config, int http,
		     const char *message, struct err *err)
{
	if (http == 401)
		err_hint(
			err,
			"API server '%s' does not accept the credential of user '%s' in %s: is it expired?",
			kube_config_server(config), kube_config_user(config),
			kube_config_origin(config));
	else if (http == 403 && message && strstr(message, "User \"") &&
		 strstr(message, " cannot "))
		err_hint(
			err,
			"grant it with RBAC, or use another user than that of context '%s'",
			kube_config_context(config));
}

int status_error(const struct kube_config *config,
		 const struct kube_request *request, int http, const char *text,
		 size_t len, struct err *err)
{
	struct buf auto_buf what = BUF_INIT(BUF_TEXT_MAX);
	struct buf auto_buf why = BUF_INIT(BUF_TEXT_MAX);
	struct err unused = ERR_INIT;
	autojval struct jval *status =
		len > 0 ? jval_parse(text, len, &unused) : NULL;
	const char *message = jval_str(status, "message");

	status_describe(&what, request);
	if (!str_empty(message)) {
		buf_addstr(&why, message);
		add_causes(&why, status);
	} else {
		add_raw(&why, http, text, len);
	}
	err_set(err, ERR_API, "cannot %s: %s", buf_str(&what), buf_str(&why));
	err->http = http;
	err->transient = status_is_transient(http, message);
	add_hint(config, http, message, err);
	return -1;
}

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "format/jval.h"
#include "registry/fault.h"
#include "registry/request.h"

#define FAULT_MAX_TEXT 240

/* What a server says must not move the cursor of whoever reads it. */
static void add_plain(struct buf *out, const char *text)
{
	for (size_t n = 0; *text && n < FAULT_MAX_TEXT; text++, n++) {
		unsigned char c = (unsigned char)*text;

		buf_addch(out, c < ' ' || c == 0x7f ? ' ' : (char)c);
	}
}

static struct jval *error_list(const struct http_response *response,
			       struct jval **all)
{
	struct err ignored = ERR_INIT;

	*all = NULL;
	if (response->body.len == 0 || *response->body.data != '{')
		return NULL;
	*all = jval_parse(response->body.data, response->body.len, &ignored);
	return jval_get(*all, "errors");
}

bool registry_error_is(const struct http_response *response, const char *code)
{
	autojval struct jval *all = NULL;
	const struct jval *list = error_list(response, &all);

	for (size_t i = 0; i < jval_len(list); i++)
		if (str_eq(jval_str(jval_at(list, i), "code"), code))
			return true;
	return false;
}

static void add_error(struct buf *out, const struct jval *error)
{
	const char *code = jval_str(error, "code");
	const char *message = jval_str(error, "message");
	const struct jval *detail = jval_get(error, "detail");
	autofree char *text = NULL;

	if (code) {
		buf_addch(out, ' ');
		add_plain(out, code);
	}
	if (!str_empty(message)) {
		buf_addstr(out, ": ");
		add_plain(out, message);
	}
	if (detail == NULL || jval_is_null(detail))
		return;
	if (jval_string(detail))
		text = mem_strdup(jval_string(detail));
	else if (jval_len(detail) > 0)
		text = jval_text(detail, true);
	if (str_empty(text))
		return;
	buf_addstr(out, " (");
	add_plain(out, text);
	buf_addch(out, ')');
}

/* A proxy's page: its title says most of it. */
static void add_page(struct buf *out, const char *body)
{
	const char *title = strcasestr(body, "<title>");
	autofree char *text = NULL;

	if (title) {
		title += strlen("<title>");
		text = mem_strndup(title, strcspn(title, "<"));
	} else if (*body != '<') {
		text = mem_strndup(body, strcspn(body, "\r\n"));
	}
	if (str_empty(text))
		return;
	buf_addstr(out, ": ");
	add_plain(out, text);
}

static void describe(struct buf *out, const struct http_response *response)
{
	autojval struct jval *all = NULL;
	const struct jval *list = error_list(response, &all);

	buf_addf(out, "%d", response->status);
	if (jval_len(list) > 0)
		add_error(out, jval_at(list, 0));
	else if (response->body.len > 0)
		add_page(out, buf_str(&response->body));
}

char *registry_answer_text(const struct http_response *response)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);

	describe(&text, response);
	return buf_steal(&text);
}

/* What registries, and the proxies before them, say in so many words. */
static const struct advice {
	const char *text;
	bool lasting; /* a later try will not do either */
	const char *remedy;
} advices[] = {
	{ "read only", true, "the repository is read-only: make it writable" },
	{ "read-only", true, "the repository is read-only: make it writable" },
	{ "does not allow updating", true,
	  "the repository lets no tag be replaced: in Nexus set its "
	  "deployment policy to 'Allow redeploy'" },
	{ "no space left", true,
	  "its storage is full: make room there, then run this again" },
	{ "DIGEST_INVALID", false,
	  "the content changed on its way: run this again; if it stays so, "
	  "look for a proxy that changes it" },
	{ "quota", true,
	  "its quota is used up: raise it, or delete images there" },
	{ "configured upper limit", true,
	  "its quota is used up: raise it, or delete images there" },
};

static const struct advice *advice_for(const struct http_response *response)
{
	const char *body = buf_str(&response->body);

	if (response->status < 400)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
		if (strcasestr(body, advices[i].text))
			return &advices[i];
	return NULL;
}

bool registry_fault_lasts(const struct http_response *response)
{
	const struct advice *advice = advice_for(response);

	/* A rate is a quota, too. */
	return advice && advice->lasting && response->status != 429;
}

const char *registry_remedy(const struct registry_session *session,
			    const struct http_response *response)
{
	const struct advice *advice = advice_for(response);

	if (advice && response->status != 429)
		return advice->remedy;
	switch (response->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return "uploads are not sent on: name the registry by its "
		       "own address";
	case 401:
	case 403:
		if (*buf_str(&response->body) == '<')
			return "is it a proxy that answers? Check HTTPS_PROXY "
			       "and NO_PROXY, then the user's rights";
		return session->registry->username ?
			       "the user lacks the right to do this" :
			       "it may need a user name and password";
	case 404:
		return "there is no such repository, or it is a proxy "
		       "repository, which takes no images";
	case 405:
		return "the repository is read-only: make it writable";
	case 413:
		return "a server in front of the registry limits the size of "
		       "a request: raise the limit "
		       "(nginx: client_max_body_size)";
	case 416:
		return "run this again; look into the registry's log";
	case 429:
		return "the registry wants fewer requests: try later, or with "
		       "credentials";
	case 507:
		return "its storage is full: make room there, then run this "
		       "again";
	default:
		return response->status >= 500 ?
			       "look into the registry's log" :
			       NULL;
	}
}

int registry_fail(const struct registry_session *session,
		  const struct http_response *response, struct err *err,
		  const char *fmt, ...)
{
	autofree char *text = registry_answer_text(response);
	const char *hint = registry_remedy(session, response);
	autofree char *what = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&what, fmt, args) < 0)
		abort();
	va_end(args);
	err_set(err, ERR_REGISTRY, "registry '%s': cannot %s: %s",
		session->registry->host, what, text);
	if (hint)
		err_hint(err, "%s", hint);
	err->http = response->status;
	err->transient = registry_status_transient(response);
	return -1;
}

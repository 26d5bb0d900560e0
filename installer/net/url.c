#include "net/url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strs.h"

#define URL_MAX_BYTES ((size_t)64 << 10)

static char *url_lower(const char *s, size_t len)
{
	char *copy = mem_strndup(s, len);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* Blanks and control characters would end up in a request line. */
static int url_check_bytes(const char *text, struct err *err)
{
	if (strlen(text) > URL_MAX_BYTES)
		return err_set(err, ERR_INVALID, "URL is too long");
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p == 0x7f)
			return err_set(err, ERR_INVALID,
				       "URL has a blank or control character");
	return 0;
}

static int url_check_port(const char *port)
{
	size_t len = strlen(port);

	return len > 0 && len <= 5 && strspn(port, "0123456789") == len;
}

/* "host", "host:port", "[::1]:port" in [text, text + len). */
static int url_parse_authority(struct url *url, const char *text, size_t len,
			       struct err *err)
{
	autofree char *copy = mem_strndup(text, len);
	char *host_end = copy;

	if (strchr(copy, '@'))
		return err_set(err, ERR_INVALID,
			       "a URL must not hold a user name or password");
	if (*copy == '[') {
		host_end = strchr(copy, ']');
		if (host_end == NULL)
			return err_set(err, ERR_INVALID,
				       "'%s' has no closing ']'", copy);
		host_end++;
	} else {
		host_end += strcspn(copy, ":");
	}
	if (host_end == copy)
		return err_set(err, ERR_INVALID, "URL has no host");
	if (*host_end == ':' && host_end[1])
		url->port = mem_strdup(host_end + 1);
	else if (*host_end && *host_end != ':')
		return err_set(err, ERR_INVALID, "'%s' is not a host", copy);
	url->host = url_lower(copy, (size_t)(host_end - copy));
	if (url->port && !url_check_port(url->port))
		return err_set(err, ERR_INVALID, "'%s' is not a port",
			       url->port);
	return 0;
}

static void url_parse_path(struct url *url, const char *text)
{
	size_t len = strcspn(text, "?#");

	url->path = mem_strndup(text, len);
	if (text[len] != '?')
		return;
	text += len + 1;
	url->query = mem_strndup(text, strcspn(text, "#"));
}

static int url_parse_parts(struct url *url, const char *text, struct err *err)
{
	const char *colon = strchr(text, ':');
	size_t len;

	if (url_check_bytes(text, err) < 0)
		return -1;
	if (colon == NULL || !str_starts(colon, "://"))
		return err_set(err, ERR_INVALID, "URL has no scheme");
	url->scheme = url_lower(text, (size_t)(colon - text));
	if (!str_eq(url->scheme, "http") && !str_eq(url->scheme, "https"))
		return err_set(err, ERR_INVALID,
			       "URL is neither http nor https");
	text = colon + 3;
	len = strcspn(text, "/?#");
	if (url_parse_authority(url, text, len, err) < 0)
		return -1;
	url_parse_path(url, text + len);
	return 0;
}

int url_parse(struct url *url, const char *text, struct err *err)
{
	memset(url, 0, sizeof(*url));
	if (url_parse_parts(url, text, err) < 0) {
		url_release(url);
		return -1;
	}
	return 0;
}

void url_release(struct url *url)
{
	free(url->scheme);
	free(url->host);
	free(url->port);
	free(url->path);
	free(url->query);
	memset(url, 0, sizeof(*url));
}

char *url_text(const struct url *url)
{
	return mem_printf("%s://%s%s%s%s%s%s", url->scheme, url->host,
			  url->port ? ":" : "", url->port ? url->port : "",
			  url->path, url->query ? "?" : "",
			  url->query ? url->query : "");
}

static const char *url_port(const struct url *url)
{
	if (url->port)
		return url->port;
	return str_eq(url->scheme, "https") ? "443" : "80";
}

char *url_origin(const char *text)
{
	auto_url struct url url = { 0 };
	struct err ignored = ERR_INIT;

	if (url_parse(&url, text, &ignored) < 0)
		return mem_strdup(text);
	return mem_printf("%s:%s", url.host, url_port(&url));
}

bool url_same_origin(const char *a, const char *b)
{
	auto_url struct url one = { 0 }, other = { 0 };
	struct err ignored = ERR_INIT;

	if (url_parse(&one, a, &ignored) < 0 ||
	    url_parse(&other, b, &ignored) < 0)
		return false;
	return str_eq(one.scheme, other.scheme) &&
	       str_eq(one.host, other.host) &&
	       str_eq(url_port(&one), url_port(&other));
}

/* RFC 3986 5.2.4, for a path that begins with "/": segment by segment. */
static char *url_remove_dots(const char *path)
{
	auto_buf struct buf out = BUF_INIT(URL_MAX_BYTES * 2);

	while (*path == '/') {
		const char *segment = path + 1;
		size_t len = strcspn(segment, "/");
		bool last = segment[len] == '\0';

		path = segment + len;
		if (len == 2 && memcmp(segment, "..", 2) == 0) {
			while (out.len > 0 && out.data[--out.len] != '/')
				;
			len = 0;
		} else if (len == 1 && *segment == '.') {
			len = 0;
		} else {
			buf_addch(&out, '/');
			buf_add(&out, segment, len);
			continue;
		}
		if (last)
			buf_addch(&out, '/');
	}
	/* Cutting back left old bytes behind `len`. */
	if (out.data)
		out.data[out.len] = '\0';
	return buf_steal(&out);
}

/* RFC 3986 5.2.3: a relative path replaces the last segment of the base. */
static char *url_merge(const struct url *base, const char *path)
{
	const char *slash = strrchr(base->path, '/');
	int keep = slash ? (int)(slash - base->path) + 1 : 0;

	return mem_printf("%s%.*s%s", keep ? "" : "/", keep, base->path, path);
}

static bool url_has_scheme(const char *reference)
{
	size_t len = strspn(reference, "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789+-.");

	return len > 0 && isalpha((unsigned char)*reference) &&
	       reference[len] == ':';
}

static char *url_resolve_path(struct url *base, const char *reference)
{
	struct url relative = { 0 };
	autofree char *merged = NULL;

	url_parse_path(&relative, reference);
	if (*relative.path == '\0') {
		if (relative.query) {
			free(base->query);
			base->query = mem_steal(&relative.query);
		}
		url_release(&relative);
		return url_text(base);
	}
	merged = *relative.path == '/' ? mem_strdup(relative.path) :
					 url_merge(base, relative.path);
	free(base->path);
	free(base->query);
	base->path = url_remove_dots(merged);
	base->query = mem_steal(&relative.query);
	url_release(&relative);
	return url_text(base);
}

char *url_resolve(const char *base, const char *reference, struct err *err)
{
	auto_url struct url url = { 0 };
	autofree char *absolute = NULL;

	if (url_check_bytes(reference, err) < 0 ||
	    url_parse(&url, base, err) < 0)
		return NULL;
	if (!url_has_scheme(reference) && !str_starts(reference, "//"))
		return url_resolve_path(&url, reference);
	absolute = url_has_scheme(reference) ?
			   mem_strdup(reference) :
			   mem_printf("%s:%s", url.scheme, reference);
	url_release(&url);
	if (url_parse(&url, absolute, err) < 0)
		return NULL;
	return url_text(&url);
}

static void url_encode(struct buf *out, const char *value)
{
	for (const char *p = value; *p; p++) {
		if (isalnum((unsigned char)*p) || strchr("-._~", *p))
			buf_addch(out, *p);
		else
			buf_addf(out, "%%%02X", (unsigned char)*p);
	}
}

char *url_add_query(const char *url, const char *name, const char *value)
{
	auto_buf struct buf out = BUF_INIT(URL_MAX_BYTES * 4);
	const char *query = strchr(url, '?');

	buf_addstr(&out, url);
	if (query == NULL)
		buf_addch(&out, '?');
	else if (query[1] && !str_ends(query, "&"))
		buf_addch(&out, '&');
	buf_addstr(&out, name);
	buf_addch(&out, '=');
	url_encode(&out, value);
	return buf_steal(&out);
}

char *url_without_query(const char *url)
{
	return mem_strndup(url, strcspn(url, "?#"));
}

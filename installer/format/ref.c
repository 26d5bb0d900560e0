#include "format/ref.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/strs.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz" DIGITS
#define ALNUM LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define REF_HUB "docker.io"
#define REF_NAME_MAX 255
#define REF_TAG_MAX 128

void ref_release(struct ref *ref)
{
	free(ref->host);
	free(ref->repository);
	free(ref->tag);
	free(ref->digest);
	memset(ref, 0, sizeof(*ref));
}

/* [a-z0-9]+ ((one dot, one or two underscores, dashes) [a-z0-9]+)* */
static bool component_valid(const char *s, size_t len)
{
	const char *end = s + len;

	for (;;) {
		size_t n = strspn(s, LOWER);
		const char *sep = s + n;

		if (n == 0 || sep >= end)
			return n > 0;
		s = sep + strspn(sep, "-");
		if (s == sep)
			s += *s == '.' || *s == '_';
		if (*sep == '_' && *s == '_')
			s++;
		if (s == sep)
			return false;
	}
}

static bool repository_valid(const char *s)
{
	for (;;) {
		const char *end = strchrnul(s, '/');

		if (!component_valid(s, (size_t)(end - s)))
			return false;
		if (*end == '\0')
			return true;
		s = end + 1;
	}
}

static bool port_valid(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= 5 && strspn(s, DIGITS) == len;
}

/* A DNS name or IPv4 address: labels that neither begin nor end with a dash. */
static bool host_name_valid(const char *s)
{
	size_t n;

	for (;; s += n + 1) {
		n = strspn(s, ALNUM "-");
		if (n == 0 || s[0] == '-' || s[n - 1] == '-')
			return false;
		if (s[n] != '.')
			return s[n] == '\0' ||
			       (s[n] == ':' && port_valid(s + n + 1));
	}
}

static bool host_valid(const char *s)
{
	size_t n;

	if (*s != '[')
		return host_name_valid(s);
	n = strspn(s + 1, DIGITS "abcdefABCDEF:.");
	if (n == 0 || s[n + 1] != ']')
		return false;
	s += n + 2;
	return *s == '\0' || (*s == ':' && port_valid(s + 1));
}

static bool tag_valid(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= REF_TAG_MAX && *s != '.' && *s != '-' &&
	       strspn(s, ALNUM "_.-") == len;
}

/* Whether the part before the first slash is a host, not a Docker Hub user. */
static bool looks_like_host(const char *s)
{
	return strpbrk(s, ".:[") || strcmp(s, "localhost") == 0 ||
	       strspn(s, LOWER "_-") != strlen(s);
}

static void ref_set_name(struct ref *ref, char *name)
{
	char *slash = strchr(name, '/');

	if (slash)
		*slash = '\0';
	if (slash && looks_like_host(name)) {
		ref->host = mem_strdup(name);
		name = slash + 1;
	} else {
		ref->host = mem_strdup(REF_HUB);
	}
	if (slash && name < slash)
		*slash = '/';
	if (strcmp(ref->host, "index." REF_HUB) == 0) {
		free(ref->host);
		ref->host = mem_strdup(REF_HUB);
	}
	if (strcmp(ref->host, REF_HUB) == 0 && strchr(name, '/') == NULL)
		ref->repository = mem_printf("library/%s", name);
	else
		ref->repository = mem_strdup(name);
}

/* What is wrong with the parts, or NULL. */
static const char *ref_fault(const struct ref *ref)
{
	struct err err = ERR_INIT;

	if (!host_valid(ref->host))
		return "its host is not a name or address with a port";
	if (!repository_valid(ref->repository))
		return "its repository must be lower-case names with '/' "
		       "between, each of letters, digits and single . _ -";
	if (strlen(ref->repository) > REF_NAME_MAX)
		return "its repository is longer than 255 characters";
	if (ref->tag && !tag_valid(ref->tag))
		return "its tag must be 1 to 128 letters, digits, '_', '.' "
		       "or '-'";
	if (ref->digest && digest_check(ref->digest, &err) < 0)
		return "its digest must be 'sha256:' and 64 hexadecimal digits";
	return NULL;
}

int ref_parse(struct ref *ref, const char *text, struct err *err)
{
	autofree char *name = mem_strdup(text);
	struct ref parsed = { .host = NULL };
	const char *fault;
	char *at = strchr(name, '@');
	char *slash, *colon;

	if (at) {
		*at = '\0';
		parsed.digest = mem_strdup(at + 1);
	}
	/* A colon before the last slash is that of a port. */
	slash = strrchr(name, '/');
	colon = strchr(slash ? slash : name, ':');
	if (colon) {
		*colon = '\0';
		parsed.tag = mem_strdup(colon + 1);
	}
	ref_set_name(&parsed, name);
	fault = ref_fault(&parsed);
	if (fault) {
		ref_release(&parsed);
		return err_set(err, ERR_INVALID,
			       "'%s' is not the name of an image: %s", text,
			       fault);
	}
	*ref = parsed;
	return 0;
}

char *ref_text(const struct ref *ref)
{
	return mem_printf("%s/%s%s%s%s%s", ref->host, ref->repository,
			  ref->tag ? ":" : "", ref->tag ? ref->tag : "",
			  ref->digest ? "@" : "",
			  ref->digest ? ref->digest : "");
}

char *ref_short(const struct ref *ref)
{
	return mem_printf("%s%s%s", ref->repository, ref->digest ? "@" : ":",
			  ref_reference(ref));
}

const char *ref_reference(const struct ref *ref)
{
	if (ref->digest)
		return ref->digest;
	return ref->tag ? ref->tag : "latest";
}

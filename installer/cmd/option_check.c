#include "cmd/option_check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"
#include "format/jval.h"
#include "format/ref.h"

#define AUTHFILE_MAX_BYTES ((size_t)1 << 20)
#define PORT_MAX 65535

int check_not_empty(const char *subject, const char *value, struct err *err)
{
	if (*value)
		return 0;
	return err_set(err, ERR_USAGE, "'%s' must not be empty", subject);
}

/* Behind the host's colon, where there is one. */
static int check_port(const char *subject, const char *host, struct err *err)
{
	const char *bracket = strrchr(host, ']');
	const char *colon = strchr(bracket ? bracket : host, ':');
	struct err not_a_number = ERR_INIT;
	uint64_t port;

	if (colon == NULL)
		return 0;
	if (str_u64(colon + 1, &port, &not_a_number) == 0 && port > 0 &&
	    port <= PORT_MAX)
		return 0;
	return err_set(err, ERR_USAGE,
		       "'%s' must have a port from 1 to %d, not '%s'", subject,
		       PORT_MAX, colon + 1);
}

/* Whether the name of an image there is well formed; not its host is read
 * as a user of Docker Hub. */
static bool is_place(const char *place, bool *at_hub)
{
	autofree char *name = mem_printf("%s/image", place);
	autoref struct ref ref = { .host = NULL };
	struct err err = ERR_INIT;

	if (ref_parse(&ref, name, &err) < 0)
		return false;
	*at_hub = str_eq(ref.host, "docker.io");
	return true;
}

int check_registry(const char *subject, const char *value, struct err *err)
{
	autofree char *host = mem_strndup(value, strcspn(value, "/"));
	bool at_hub = false;

	if (strchr(value, '@'))
		return err_set(err, ERR_USAGE,
			       "'%s' must hold no user and no password; give "
			       "--registry-username and "
			       "--registry-password-stdin",
			       subject);
	if (strstr(value, "://"))
		return err_set(err, ERR_USAGE,
			       "'%s' must be HOST[:PORT][/PREFIX] without "
			       "'%.*s', not '%s'",
			       subject, (int)(strstr(value, "://") + 3 - value),
			       value, value);
	if (check_port(subject, host, err) < 0)
		return -1;
	if (!is_place(host, &at_hub))
		return err_set(err, ERR_USAGE,
			       "'%s' must begin with the name or the address "
			       "of a host, not '%s'",
			       subject, host);
	if (at_hub && !str_ends(host, "docker.io"))
		return err_set(err, ERR_USAGE,
			       "'%s' must name the host in full, or with its "
			       "port: '%s' alone is a user of Docker Hub",
			       subject, host);
	if (!is_place(value, &at_hub))
		return err_set(err, ERR_USAGE,
			       "'%s' must have a prefix of lower-case names "
			       "with '/' between, not '%s'",
			       subject, value + strlen(host) + 1);
	return 0;
}

int check_platform(const char *subject, const char *value, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._";
	const char *part = value;
	size_t nr = 0;

	for (;;) {
		size_t len = strspn(part, letters);

		nr++;
		if (len == 0 || (part[len] && part[len] != '/'))
			break;
		if (part[len] == '\0' && (nr == 2 || nr == 3))
			return 0;
		if (part[len] == '\0')
			break;
		part += len + 1;
	}
	return err_set(err, ERR_USAGE,
		       "'%s' must be OS/ARCH or OS/ARCH/VARIANT, such as "
		       "linux/amd64, not '%s'",
		       subject, value);
}

static int stat_file(const char *subject, const char *value, struct stat *st,
		     struct err *err)
{
	int sys = 0;

	if (check_not_empty(subject, value, err) < 0)
		return -1;
	if (stat(value, st) < 0 || access(value, R_OK) < 0)
		sys = errno;
	else if (S_ISDIR(st->st_mode))
		sys = EISDIR;
	if (sys == 0)
		return 0;
	err_sys(err, sys, "'%s': cannot read '%s'", subject, value);
	err->kind = ERR_USAGE;
	return -1;
}

int check_file(const char *subject, const char *value, struct err *err)
{
	struct stat st;

	return stat_file(subject, value, &st, err);
}

int check_authfile(const char *subject, const char *value, struct err *err)
{
	autojval struct jval *json = NULL;
	char *text = NULL; /* secret */
	struct err syntax = ERR_INIT;
	struct stat st;
	size_t len;

	if (stat_file(subject, value, &st, err) < 0)
		return -1;
	/* From a pipe it comes only once, for who needs it. */
	if (!S_ISREG(st.st_mode))
		return 0;
	if (file_read(AT_FDCWD, value, AUTHFILE_MAX_BYTES, &text, &len, err) <
	    0) {
		err->kind = ERR_USAGE;
		return err_wrap(err, "'%s'", subject);
	}
	json = jval_parse(text, len, &syntax);
	mem_free_secret(text);
	if (jval_is_object(json))
		return 0;
	return err_set(err, ERR_USAGE,
		       "'%s': '%s' is not JSON as 'podman login --authfile' "
		       "writes it: {\"auths\": {\"HOST\": {\"auth\": ...}}}",
		       subject, value);
}

bool option_is_file(const char *output)
{
	return output &&
	       (strchr(output, '/') || str_ends(output, ".json") ||
		str_ends(output, ".yaml") || str_ends(output, ".yml"));
}

int check_plan_output(const char *subject, const char *value, struct err *err)
{
	if (option_is_file(value) || str_eq(value, "table") ||
	    str_eq(value, "json") || str_eq(value, "yaml"))
		return 0;
	return err_set(err, ERR_USAGE,
		       "'%s' must be table, json, yaml, or a file whose name "
		       "has a slash or ends in .json or .yaml, not '%s'",
		       subject, value);
}

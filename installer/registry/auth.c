#include "registry/auth.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"
#include "format/base64.h"
#include "format/jval.h"

#define AUTH_FILE_MAX_BYTES ((size_t)1 << 20)

/* "user:password" in base64. */
static int split_auth(const char *auth, char **username, char **password,
		      struct err *err)
{
	auto_buf_secret struct buf plain = BUF_INIT(AUTH_FILE_MAX_BYTES);
	const char *colon;

	if (base64_decode(&plain, auth, strlen(auth), err) < 0)
		return -1;
	colon = strchr(buf_str(&plain), ':');
	if (colon == NULL)
		return err_set(err, ERR_INVALID, "'auth' has no ':'");
	*username = mem_strndup(plain.data, (size_t)(colon - plain.data));
	*password = mem_strdup(colon + 1);
	return 1;
}

/* "https://host/v1/" -> "host"; podman's keys have no scheme, and may go on
 * with a path of the repository. */
static char *plain_key(const char *key)
{
	const char *rest = str_after(key, "https://");

	if (rest == NULL)
		rest = str_after(key, "http://");
	if (rest == NULL)
		return mem_strdup(key);
	return mem_strndup(rest, strcspn(rest, "/"));
}

static struct jval *find_key(const struct jval *auths, const char *wanted)
{
	struct jval *exact = jval_get(auths, wanted);

	if (exact)
		return exact;
	for (void *it = jval_first(auths); it; it = jval_next(auths, it)) {
		autofree char *key = plain_key(jval_member_name(it));

		if (str_eq(key, wanted))
			return jval_member_value(it);
	}
	return NULL;
}

/* "host/a/b", "host/a", "host": the first that is there. */
static struct jval *find_entry(const struct jval *auths, const char *host,
			       const char *repository)
{
	autofree char *key = repository ?
				     mem_printf("%s/%s", host, repository) :
				     mem_strdup(host);
	struct jval *entry;

	for (;;) {
		char *slash = strrchr(key, '/');

		entry = find_key(auths, key);
		if (entry || slash == NULL)
			break;
		*slash = '\0';
	}
	if (entry == NULL && str_eq(host, "docker.io"))
		entry = find_key(auths, "index.docker.io");
	return entry;
}

static int use_entry(const struct jval *file, const struct jval *entry,
		     const char *host, char **username, char **password,
		     struct err *err)
{
	const char *helper =
		jval_string(jval_get(jval_get(file, "credHelpers"), host));
	const char *auth = jval_str(entry, "auth");
	const char *user = jval_str(entry, "username");
	const char *secret = jval_str(entry, "password");
	bool token = !str_empty(jval_str(entry, "identitytoken"));

	*username = *password = NULL;
	if (!str_empty(auth) && split_auth(auth, username, password, err) < 0)
		return -1;
	if (str_empty(auth) && !str_empty(user) && secret) {
		*username = mem_strdup(user);
		*password = mem_strdup(secret);
	}
	/* With an identity token docker login leaves the password empty. */
	if (*password && (**password || !token))
		return 1;
	mem_free_secret(mem_steal(username));
	mem_free_secret(mem_steal(password));
	if (helper == NULL && entry)
		helper = jval_str(file, "credsStore");
	if (helper)
		return err_set(err, ERR_REGISTRY,
			       "the password for '%s' is with the credential "
			       "helper '%s', which is not supported; write it "
			       "to a file: podman login --authfile FILE %s",
			       host, helper, host);
	if (token)
		return err_set(err, ERR_REGISTRY,
			       "the entry for '%s' is an identity token, "
			       "which is not supported; log in with a password",
			       host);
	return 0;
}

/* 1 found, 0 not (also: no such file), -1. */
static int lookup_in(const char *path, const char *host, const char *repository,
		     char **username, char **password, struct err *err)
{
	autofree char *text = NULL;
	struct jval *file;
	size_t len;
	int result;

	if (file_read(AT_FDCWD, path, AUTH_FILE_MAX_BYTES, &text, &len, err) <
	    0)
		return -1;
	file = jval_parse(text, len, err);
	mem_wipe(text, len);
	if (file == NULL)
		return err_wrap(err, "read '%s'", path);
	result = use_entry(
		file, find_entry(jval_get(file, "auths"), host, repository),
		host, username, password, err);
	jval_free(file);
	return result < 0 ? err_wrap(err, "read '%s'", path) : result;
}

static void add_path(struct strs *paths, const char *dir, const char *rest)
{
	if (!str_empty(dir))
		strs_addf(paths, "%s/%s", dir, rest);
}

int auth_file_lookup(const char *path, const char *host, const char *repository,
		     char **username, char **password, struct err *err)
{
	auto_strs struct strs paths = STRS_INIT;

	if (path == NULL)
		path = getenv("REGISTRY_AUTH_FILE");
	if (!str_empty(path))
		return lookup_in(path, host, repository, username, password,
				 err);
	add_path(&paths, getenv("XDG_RUNTIME_DIR"), "containers/auth.json");
	add_path(&paths, getenv("XDG_CONFIG_HOME"), "containers/auth.json");
	add_path(&paths, getenv("HOME"), ".config/containers/auth.json");
	add_path(&paths, getenv("HOME"), ".docker/config.json");
	for (size_t i = 0; i < paths.nr; i++) {
		int found = lookup_in(paths.item[i], host, repository, username,
				      password, err);

		if (found > 0)
			return 1;
		if (found < 0 && err->kind != ERR_NOT_FOUND)
			return -1;
		err_clear(err);
	}
	return 0;
}

#include "registry/auth.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"
#include "format/base64.h"
#include "format/jval.h"

#define AUTH_MAX_BYTES ((size_t)1 << 20)
#define DOCKER_HUB_KEY "https://index.docker.io/v1/"

/* The files that podman, skopeo and docker read, those that can be named. */
static void default_paths(struct strs *paths)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *docker = getenv("DOCKER_CONFIG");
	const char *home = getenv("HOME");

	if (!str_empty(getenv("REGISTRY_AUTH_FILE"))) {
		strs_add(paths, getenv("REGISTRY_AUTH_FILE"));
		return;
	}
	if (!str_empty(runtime))
		strs_addf(paths, "%s/containers/auth.json", runtime);
	if (!str_empty(config))
		strs_addf(paths, "%s/containers/auth.json", config);
	else if (!str_empty(home))
		strs_addf(paths, "%s/.config/containers/auth.json", home);
	if (!str_empty(docker))
		strs_addf(paths, "%s/config.json", docker);
	else if (!str_empty(home))
		strs_addf(paths, "%s/.docker/config.json", home);
}

/* "https://host/v1/" of docker's older files is "host". */
static bool key_is_host(const char *key, const char *host)
{
	const char *rest = str_after(key, "https://");
	size_t len = strlen(host);

	if (rest == NULL)
		rest = str_after(key, "http://");
	if (strcmp(key, DOCKER_HUB_KEY) == 0)
		return strcmp(host, "docker.io") == 0;
	return rest && strncmp(rest, host, len) == 0 &&
	       (rest[len] == '\0' || rest[len] == '/');
}

/* From the most specific key, HOST/A/B, to HOST alone. */
static const struct jval *find_entry(const struct jval *auths, const char *host,
				     const char *repository)
{
	autofree char *key = repository ?
				     mem_printf("%s/%s", host, repository) :
				     mem_strdup(host);

	for (;;) {
		const struct jval *entry = jval_get(auths, key);
		char *slash = strrchr(key, '/');

		if (entry)
			return entry;
		if (slash == NULL)
			break;
		*slash = '\0';
	}
	for (void *it = jval_first(auths); it; it = jval_next(auths, it))
		if (key_is_host(jval_member_name(it), host))
			return jval_member_value(it);
	return NULL;
}

/* 1, or 0 when the entry says nothing: a credential helper has it. */
static int decode_entry(const struct jval *entry, char **username,
			char **password, struct err *err)
{
	const char *auth = jval_string(jval_get(entry, "auth"));
	auto_buf_secret struct buf plain = BUF_INIT(AUTH_MAX_BYTES);
	const char *colon;

	if (str_empty(auth))
		return 0;
	if (base64_decode(&plain, auth, strlen(auth), err) < 0)
		return -1;
	colon = strchr(buf_str(&plain), ':');
	if (colon == NULL)
		return err_set(err, ERR_INVALID,
			       "'auth' is not USER:PASSWORD in base64");
	*username = mem_strndup(plain.data, (size_t)(colon - plain.data));
	*password = mem_strdup(colon + 1);
	return 1;
}

/* A helper is a program of somebody's desktop: say so, do not run it. */
static int check_helpers(const struct jval *root, const char *host,
			 struct err *err)
{
	const char *helper =
		jval_string(jval_get(jval_get(root, "credHelpers"), host));

	if (helper == NULL)
		return 0;
	return err_set(err, ERR_USAGE,
		       "credential helper '%s' for '%s' is not supported; log "
		       "in with 'podman login --authfile', or give "
		       "--registry-username",
		       helper, host);
}

static int lookup(const char *path, const char *host, const char *repository,
		  char **username, char **password, struct err *err)
{
	autojval struct jval *root = NULL;
	const struct jval *entry;
	char *text = NULL;
	size_t len;
	int found = 0;

	if (file_read(AT_FDCWD, path, AUTH_MAX_BYTES, &text, &len, err) < 0)
		return -1;
	root = jval_parse(text, len, err);
	mem_wipe(text, len);
	free(text);
	if (root == NULL)
		return -1;
	entry = find_entry(jval_get(root, "auths"), host, repository);
	if (entry)
		found = decode_entry(entry, username, password, err);
	if (found == 0 && check_helpers(root, host, err) < 0)
		return -1;
	return found;
}

int auth_file_lookup(const char *path, const char *host, const char *repository,
		     char **username, char **password, struct err *err)
{
	auto_strs struct strs paths = STRS_INIT;
	/* A file that was asked for must be there. */
	bool named = path || !str_empty(getenv("REGISTRY_AUTH_FILE"));

	if (path)
		strs_add(&paths, path);
	else
		default_paths(&paths);
	for (size_t i = 0; i < paths.nr; i++) {
		int found = lookup(paths.item[i], host, repository, username,
				   password, err);

		if (found > 0)
			return 1;
		if (found == 0)
			continue;
		if (err->kind != ERR_NOT_FOUND || named)
			return err_wrap(err, "read credentials '%s'",
					paths.item[i]);
		err_clear(err);
	}
	return 0;
}

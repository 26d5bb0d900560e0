/*
 * auth - credentials out of an auth.json, and what a challenge asks for.
 *
 * Source: containers-auth.json(5); Docker config.json "auths".
 */
#ifndef REGISTRY_AUTH_H
#define REGISTRY_AUTH_H

#include "base/err.h"

/*
 * The credentials for `host` (and `repository`, most specific key first) in
 * file `path`; NULL = REGISTRY_AUTH_FILE, then
 * ${XDG_RUNTIME_DIR}/containers/auth.json, ~/.config/containers/auth.json,
 * ~/.docker/config.json. Returns 1 and fills both (secrets: free with
 * mem_free_secret), 0 when no file has any, -1 for a file that cannot be
 * read. credHelpers are told as not supported, by name.
 */
int auth_file_lookup(const char *path, const char *host, const char *repository,
		     char **username, char **password, struct err *err)
	must_check;

#endif

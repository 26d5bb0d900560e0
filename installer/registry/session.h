/*
 * session - what the files of the registry layer share about a registry and a
 * thread's connection to it; for them only.
 */
#ifndef REGISTRY_SESSION_H
#define REGISTRY_SESSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "registry/registry.h"

/* How the registry wants to be asked; learned from its first challenge. */
enum auth_mode { AUTH_UNKNOWN, AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

struct token {
	struct token *next;
	char *scope;
	char *value; /* secret, "Bearer ..." */
	int64_t expires_ms;
};

struct registry {
	char *host; /* as the user named it, for messages */
	char *base; /* "https://host:port" */
	char *username;
	char *credentials_from; /* or NULL */
	char *basic; /* secret, "Basic ...", or NULL without credentials */
	char *ca_pem;
	char *ca_name;
	struct trust *trust; /* or NULL: it is no PEM */
	unsigned int retries;
	int64_t retry_max_ms;
	int uploads_dirfd; /* of upload_state_dir, or -1 */
	struct http_config config;

	pthread_mutex_t fetch; /* held while a token is fetched */
	pthread_mutex_t lock;  /* guards what follows */
	enum auth_mode mode;
	char *realm;
	char *service; /* or NULL */
	struct token *tokens;
};

struct registry_session {
	struct registry *registry;
	struct http *http;
	char *scope_hint; /* scope that a challenge to this request named */
	bool (*cancelled)(void *ctx);
	void *cancel_ctx;
};

/* What this session waits for ends when `cancelled` says so; NULL = no more. */
void session_cancel_by(struct registry_session *session,
		       bool (*cancelled)(void *ctx), void *ctx);

#endif

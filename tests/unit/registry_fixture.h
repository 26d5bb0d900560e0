/*
 * registry_fixture - a registry client before a server that answers as told.
 */
#ifndef REGISTRY_FIXTURE_H
#define REGISTRY_FIXTURE_H

#include "fake_server.h"
#include "registry/request.h"

#define HEX "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define DIGEST "sha256:" HEX /* of "hello" */

#define EMPTY "Content-Length: 0\r\n\r\n"
#define WANTS_BASIC                                       \
	"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: " \
	"Basic realm=\"r\"\r\n" EMPTY
/* The body ends with the connection. */
#define BODY(status, body) \
	"HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body
#define TOKEN(name) BODY("200 OK", "{\"token\":\"" name "\"}")
#define ACCEPTED "HTTP/1.1 202 Accepted\r\nLocation: up/1?_state=x\r\n" EMPTY
#define CREATED "HTTP/1.1 201 Created\r\n" EMPTY

struct fixture {
	struct fake_server server;
	struct registry *registry;
	struct registry_session *session;
	struct err err;
	char host[32];
};

static inline void begin(struct fixture *self, const char *const *answers,
			 size_t nr, const char *username)
{
	struct registry_options options = {
		.host = self->host,
		.username = username,
		.password = "secret",
		.credentials_from = "'auth.json'",
		.plain_http = true,
		.retries = 2,
		.retry_max_ms = 10,
	};

	memset(self, 0, sizeof(*self));
	self->server.answers = answers;
	self->server.nr = nr;
	fake_server_start(&self->server);
	snprintf(self->host, sizeof(self->host), "127.0.0.1:%d",
		 self->server.port);
	self->registry = registry_new(&options, &self->err);
	assert_done(self->registry, &self->err);
	self->session = registry_connect(self->registry);
}

/* From here on one may look at what the server was asked. */
static inline void stop(struct fixture *self)
{
	registry_disconnect(self->session);
	registry_free(self->registry);
	fake_server_stop(&self->server);
}

static inline void assert_asked(const struct fixture *self,
				const char *const *lines, size_t nr)
{
	for (size_t i = 0; i < nr && i < self->server.asked.nr; i++)
		assert_string_equal(self->server.asked.item[i], lines[i]);
	assert_int_equal(self->server.asked.nr, nr);
}

/* Whether request number `i` had this line in its head. */
static inline bool head_has(const struct fixture *self, size_t i,
			    const char *line)
{
	return strcasestr(self->server.heads.item[i], line) != NULL;
}

static inline char *wants_bearer(const char *realm, const char *scope)
{
	return mem_printf("HTTP/1.1 401 Unauthorized\r\n"
			  "WWW-Authenticate: Bearer realm=\"%s\","
			  "service=\"s\"%s%s%s\r\n" EMPTY,
			  realm, scope ? ",scope=\"" : "", scope ? scope : "",
			  scope ? "\"" : "");
}

#endif

/*
 * http_fixture - an HTTP client before a server that answers as told.
 */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include "fake_server.h"
#include "net/http.h"

struct fixture {
	struct fake_server server;
	struct http_config config;
	struct http *http;
	struct http_response response;
	struct err err;
	char url[64];
};

static inline void begin(struct fixture *self, const char *const *answers,
			 size_t nr)
{
	memset(self, 0, sizeof(*self));
	self->server.answers = answers;
	self->server.nr = nr;
	fake_server_start(&self->server);
	self->config.idle_timeout_ms = 1000;
	self->http = http_new(&self->config);
	snprintf(self->url, sizeof(self->url), "http://127.0.0.1:%d/x?q=1",
		 self->server.port);
}

/* From here on one may look at what the server was asked. */
static inline void stop(struct fixture *self)
{
	http_free(self->http);
	self->http = NULL;
	fake_server_stop(&self->server);
}

static inline void end(struct fixture *self)
{
	if (self->http)
		stop(self);
	http_response_release(&self->response);
	fake_server_release(&self->server);
}

static inline int ask(struct fixture *self, const struct http_request *request)
{
	return http_do(self->http, request, 1000, &self->response, &self->err);
}

#endif

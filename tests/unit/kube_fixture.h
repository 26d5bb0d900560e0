/*
 * kube_fixture - calls to an API server that answers as the test wants.
 *
 *	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
 *	... call with self.kube ...
 *	kube_fixture_stop(&self);
 *	... look at self.server.asked ...
 *	kube_fixture_end(&self);
 */
#ifndef KUBE_FIXTURE_H
#define KUBE_FIXTURE_H

#include "fake_server.h"
#include "kube/client.h"

#define JSON_ANSWER(status) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n"
#define NOT_FOUND_ANSWER                          \
	JSON_ANSWER("404 Not Found")              \
	"{\"kind\":\"Status\",\"reason\":"        \
	"\"NotFound\",\"message\":\"not found\"," \
	"\"code\":404}"
#define CONFLICT_ANSWER                    \
	JSON_ANSWER("409 Conflict")        \
	"{\"kind\":\"Status\",\"reason\":" \
	"\"Conflict\",\"message\":\"no\"," \
	"\"code\":409}"

struct kube_fixture {
	struct fake_server server;
	struct kube_config *config;
	struct kube *kube;
	struct err err;
};

static inline void kube_fixture_begin(struct kube_fixture *self,
				      const char *const *answers, size_t nr)
{
	char path[] = "/tmp/dws-csm-test.XXXXXX";
	struct kube_config_options options = { .kubeconfig = path };
	int fd = mkstemp(path);

	memset(self, 0, sizeof(*self));
	self->server.answers = answers;
	self->server.nr = nr;
	fake_server_start(&self->server);
	assert_true(fd >= 0);
	dprintf(fd,
		"current-context: x\n"
		"contexts: [{name: x, context: {cluster: x}}]\n"
		"clusters: [{name: x, cluster: {server: 'http://127.0.0.1:%d'}}]\n",
		self->server.port);
	close(fd);
	self->config = kube_config_load(&options, &self->err);
	unlink(path);
	assert_done(self->config != NULL, &self->err);
	self->kube = kube_new(self->config);
}

/* From here on one may look at what the server was asked. */
static inline void kube_fixture_stop(struct kube_fixture *self)
{
	kube_free(self->kube);
	kube_config_free(self->config);
	fake_server_stop(&self->server);
}

static inline void kube_fixture_end(struct kube_fixture *self)
{
	fake_server_release(&self->server);
}

/* The nth request was this ("PUT /path"), whatever its query and body. */
static inline void assert_asked(const struct kube_fixture *self, size_t nth,
				const char *wanted)
{
	const char *asked = nth < self->server.asked.nr ?
				    self->server.asked.item[nth] :
				    "nothing";

	if (!str_starts(asked, wanted)) {
		print_error("asked '%s' instead of '%s'\n", asked, wanted);
		fail();
	}
}

#endif

/* What preflight.c asks a registry and an API server, and what it says then;
 * tests/cli asks real ones. */
#include "unit.h"

#include "format/yaml.h"
#include "kube/client.h"
#include "registry_fixture.h"
#include "txn/preflight.h"

#define OTHER                                                             \
	"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaa"
#define THERE(digest)                                                \
	"HTTP/1.1 200 OK\r\nContent-Type: "                          \
	"application/vnd.oci.image.manifest.v1+json\r\n"             \
	"Docker-Content-Digest: " digest "\r\nContent-Length: 5\r\n" \
	"Connection: close\r\n\r\n"
#define MISSING "HTTP/1.1 404 Not Found\r\n" EMPTY

static struct jval *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = yaml_parse(text, strlen(text), &err);

	assert_done(value != NULL, &err);
	return value;
}

/* --- images ----------------------------------------------------------------- */

#define OBJECTS                                                                 \
	"- {kind: Service}\n"                                                   \
	"- kind: Deployment\n"                                                  \
	"  spec: {template: {spec: {containers: [{image: "                      \
	"'site.local/pre/dws:0.0.20'}, {image: 'site.local/pre/proxy:v1@" OTHER \
	"'}, "                                                                  \
	"{image: 'site.local/prefix/x:1'}, {image: 'elsewhere/x:1'}]}}}\n"      \
	"- kind: Deployment\n"                                                  \
	"  spec: {template: {spec: {containers: [{image: "                      \
	"'site.local/pre/dws:0.0.20'}]}}}\n"

static int check(struct fixture *self, const char *const *answers, size_t nr,
		 const char *recorded)
{
	autojval struct jval *objects = parsed(OBJECTS);
	autojval struct jval *images = recorded ? parsed(recorded) : NULL;
	int result;

	begin(self, answers, nr, NULL);
	result = preflight_images(objects, images, self->registry,
				  "site.local/pre", &self->err);
	stop(self);
	return result;
}

static void preflight_images_asks_for_those_of_the_site_once(void **state)
{
	static const char *const answers[] = { OK_EMPTY, THERE(DIGEST),
					       THERE(OTHER) };
	static const char *const asked[] = {
		"GET /v2/ 0",
		"HEAD /v2/pre/dws/manifests/0.0.20 0",
		"HEAD /v2/pre/proxy/manifests/" OTHER " 0",
	};
	struct fixture self;

	(void)state;
	assert_done(check(&self, answers, 3, NULL) == 0, &self.err);
	assert_asked(&self, asked, 3);
	fake_server_release(&self.server);
}

static void preflight_images_names_what_is_missing(void **state)
{
	static const char *const answers[] = { OK_EMPTY, MISSING,
					       THERE(OTHER) };
	struct fixture self;

	(void)state;
	assert_int_equal(check(&self, answers, 3, NULL), -1);
	assert_error(
		&self.err, ERR_BLOCKED,
		"'site.local/pre/dws:0.0.20' is not there; bring them back with "
		"'dws-csm images push --version 0.0.20'");
	fake_server_release(&self.server);
}

static void preflight_images_wants_those_that_were_installed(void **state)
{
	static const char *const answers[] = { OK_EMPTY, THERE(OTHER), MISSING,
					       THERE(OTHER) };
	static const char recorded[] =
		"- {reference: 'site.local/pre/dws', digest: '" OTHER "'}\n"
		"- {reference: 'site.local/pre/dws:0.0.20', digest: '" DIGEST
		"'}\n"
		"- {reference: 'site.local/pre/proxy:v1', digest: '" OTHER
		"'}\n";
	struct fixture self;

	(void)state;
	assert_int_equal(check(&self, answers, 4, recorded), -1);
	assert_error(&self.err, ERR_BLOCKED,
		     "'site.local/pre/dws:0.0.20' is " OTHER " there, " DIGEST
		     " was installed; bring");
	fake_server_release(&self.server);
}

static void preflight_images_names_what_lost_its_tag_by_digest(void **state)
{
	static const char *const answers[] = { OK_EMPTY, THERE(OTHER),
					       THERE(DIGEST) };
	static const char *const asked[] = {
		"GET /v2/ 0",
		"HEAD /v2/pre/dws/manifests/1 0",
		"HEAD /v2/pre/dws/manifests/" DIGEST " 0",
	};
	autojval struct jval *objects = parsed(
		"- spec: {template: {spec: {initContainers: [{image: "
		"'site.local/pre/dws:1'}], containers: [{image: "
		"'elsewhere/x:1'}, {image: 'site.local/pre/dws:1'}]}}}\n");
	autojval struct jval *recorded =
		parsed("- {reference: 'site.local/pre/dws:1', digest: '" DIGEST
		       "'}\n");
	autojval struct jval *named =
		parsed("- spec: {template: {spec: {initContainers: [{image: "
		       "'site.local/pre/dws:1@" DIGEST
		       "'}], containers: [{image: 'elsewhere/x:1'}, {image: "
		       "'site.local/pre/dws:1@" DIGEST "'}]}}}\n");
	struct fixture self;

	(void)state;
	begin(&self, answers, 3, NULL);
	assert_int_equal(preflight_images(objects, recorded, self.registry,
					  "site.local/pre", &self.err),
			 1);
	stop(&self);
	assert_asked(&self, asked, 3);
	assert_true(jval_equal(objects, named));
	fake_server_release(&self.server);
}

static void preflight_images_fails_where_the_registry_does(void **state)
{
	static const char *const answers[] = { WANTS_BASIC };
	struct fixture self;

	(void)state;
	assert_int_equal(check(&self, answers, 1, NULL), -1);
	assert_int_equal(self.err.kind, ERR_REGISTRY);
	fake_server_release(&self.server);
}

/* --- permissions ------------------------------------------------------------ */

#define REVIEWED(allowed)                                                        \
	"HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n"                      \
	"{\"kind\":\"SelfSubjectAccessReview\",\"status\":{\"allowed\":" allowed \
	"}}"
#define YES REVIEWED("true")
#define NO REVIEWED("false")

static struct kube_config *config_for(int port)
{
	char path[] = "/tmp/test_preflight.XXXXXX";
	struct kube_config_options options = { .kubeconfig = path };
	struct kube_config *config;
	struct err err = ERR_INIT;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	dprintf(fd,
		"current-context: x\n"
		"contexts: [{name: x, context: {cluster: x}}]\n"
		"clusters: [{name: x, cluster: {server: 'http://127.0.0.1:%d'}}]\n",
		port);
	close(fd);
	config = kube_config_load(&options, &err);
	unlink(path);
	assert_done(config != NULL, &err);
	return config;
}

/* How many questions it took. */
static size_t review(const char *const *answers, size_t nr, int expected,
		     struct err *err)
{
	struct fake_server server = { .answers = answers, .nr = nr };
	struct preflight preflight = { .next = NULL };
	struct kube_config *config;
	size_t asked;

	fake_server_start(&server);
	config = config_for(server.port);
	preflight.kube = kube_new(config);
	assert_int_equal(preflight_permissions(&preflight, err), expected);
	kube_free(preflight.kube);
	kube_config_free(config);
	fake_server_stop(&server);
	asked = server.asked.nr;
	fake_server_release(&server);
	return asked;
}

static void preflight_permissions_asks_an_administrator_once(void **state)
{
	static const char *const answers[] = { YES };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(review(answers, 1, 0, &err), 1);
}

static void preflight_permissions_names_the_verbs_that_are_missing(void **state)
{
	static const char *const answers[] = {
		NO,		       /* everything */
		YES,		       /* Secrets */
		NO,  YES, NO, YES, NO, /* Leases: all, get, create, ... */
		YES,		       /* the gate */
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(review(answers, ARRAY_SIZE(answers), -1, &err), 8);
	assert_error(&err, ERR_BLOCKED,
		     "lacks: create, delete leases.coordination.k8s.io in "
		     "namespace dws-system; take");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			preflight_images_asks_for_those_of_the_site_once),
		cmocka_unit_test(preflight_images_names_what_is_missing),
		cmocka_unit_test(
			preflight_images_wants_those_that_were_installed),
		cmocka_unit_test(
			preflight_images_names_what_lost_its_tag_by_digest),
		cmocka_unit_test(
			preflight_images_fails_where_the_registry_does),
		cmocka_unit_test(
			preflight_permissions_asks_an_administrator_once),
		cmocka_unit_test(
			preflight_permissions_names_the_verbs_that_are_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

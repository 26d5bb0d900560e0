#include "unit.h"

#include "registry/fault.h"
#include "registry_fixture.h"

struct saying {
	int status;
	const char *body;
	const char *remedy; /* part of it, or NULL for none */
	bool lasts;
};

static const struct saying sayings[] = {
	{ 400, "{\"errors\":[{\"detail\":\"Repository is read only: x\"}]}",
	  "make it writable", true },
	{ 400, "Repository does not allow updating assets: docker",
	  "Allow redeploy", true },
	{ 500, "mkdir /x: no space left on device", "storage is full", true },
	{ 403, "{\"errors\":[{\"message\":\"quota of project x\"}]}",
	  "quota is used up", true },
	{ 412, "will exceed the configured upper limit of 1 GiB", "quota",
	  true },
	{ 429, "quota of requests", "fewer requests", false },
	{ 507, "", "storage is full", false },
	{ 413, "", "client_max_body_size", false },
	{ 403, "{}", "the user lacks the right", false },
	{ 403, "<html>", "NO_PROXY", false },
	{ 404, "", "proxy repository", false },
	{ 405, "", "read-only", false },
	{ 307, "", "own address", false },
	{ 503, "", "log", false },
	{ 400, "{}", NULL, false },
	{ 200, "no space left", NULL, false },
};

static void fault_knows_what_to_do_about_what_registries_say(void **state)
{
	struct fixture self;

	(void)state;
	begin(&self, NULL, 0, "admin");
	for (size_t i = 0; i < ARRAY_SIZE(sayings); i++) {
		struct http_response response = {
			.status = sayings[i].status,
			.body = BUF_INIT(1000),
		};
		const char *remedy;

		buf_addstr(&response.body, sayings[i].body);
		remedy = registry_remedy(self.session, &response);
		if (sayings[i].remedy == NULL)
			assert_null(remedy);
		else if (remedy == NULL || !strstr(remedy, sayings[i].remedy))
			fail_msg("%d '%s': '%s'", sayings[i].status,
				 sayings[i].body, remedy ? remedy : "");
		assert_int_equal(registry_fault_lasts(&response),
				 sayings[i].lasts);
		http_response_release(&response);
	}
	stop(&self);
	fake_server_release(&self.server);
}

static void fault_tells_an_answer_in_a_line(void **state)
{
	static const char *const bodies[][2] = {
		{ "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\"}]}",
		  "403 DENIED: no" },
		{ "<html><title>Blocked</title>", "403: Blocked" },
		{ "first line\nsecond", "403: first line" },
		{ "a\033[2Jb", "403: a [2Jb" },
		{ "", "403" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct http_response response = {
			.status = 403,
			.body = BUF_INIT(1000),
		};
		autofree char *text = NULL;

		buf_addstr(&response.body, bodies[i][0]);
		text = registry_answer_text(&response);
		assert_string_equal(text, bodies[i][1]);
		http_response_release(&response);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			fault_knows_what_to_do_about_what_registries_say),
		cmocka_unit_test(fault_tells_an_answer_in_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

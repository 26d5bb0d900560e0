#include "unit.h"

#include "registry/proof.h"
#include "registry_fixture.h"

#define INVALID                                           \
	BODY("400 Bad Request",                           \
	     "{\"errors\":[{\"code\":\"DIGEST_INVALID\"," \
	     "\"message\":\"provided digest did not match\"}]}")

static bool asked(const char *const *answers, size_t nr, struct fixture *self)
{
	bool checks;

	begin(self, answers, nr, NULL);
	checks = registry_checks_digests(self->session, "a");
	stop(self);
	fake_server_release(&self->server);
	return checks;
}

static void registry_that_refuses_a_wrong_digest_checks_them(void **state)
{
	static const char *const answers[] = {
		ACCEPTED, INVALID, "HTTP/1.1 204 No Content\r\n" EMPTY
	};
	struct fixture self;

	(void)state;
	assert_true(asked(answers, 3, &self));
}

static void registry_that_takes_a_wrong_digest_does_not(void **state)
{
	static const char *const answers[] = { ACCEPTED, CREATED, CREATED };
	struct fixture self;

	(void)state;
	assert_false(asked(answers, 3, &self));
}

static void refusal_for_another_reason_proves_nothing(void **state)
{
	static const char *const answers[] = {
		ACCEPTED,
		BODY("400 Bad Request",
		     "{\"errors\":[{\"code\":\"BLOB_UPLOAD_INVALID\"}]}"),
		CREATED
	};
	static const char *const closed[] = { BODY(
		"403 Forbidden", "{\"errors\":[{\"code\":\"DENIED\"}]}") };
	struct fixture self;

	(void)state;
	assert_false(asked(answers, 3, &self));
	assert_false(asked(closed, 1, &self));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			registry_that_refuses_a_wrong_digest_checks_them),
		cmocka_unit_test(registry_that_takes_a_wrong_digest_does_not),
		cmocka_unit_test(refusal_for_another_reason_proves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

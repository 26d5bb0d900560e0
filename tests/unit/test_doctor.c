#include "unit.h"

#include "registry/doctor.h"
#include "registry_fixture.h"

static void examine(struct fixture *self, struct doctor *doctor, bool write)
{
	const struct doctor_options options = { .prefix = "p", .write = write };

	doctor_init(doctor);
	assert_done(doctor_run(doctor, self->registry, &options, &self->err) ==
			    0,
		    &self->err);
	stop(self);
}

static void assert_finding(const struct doctor *doctor, enum check check,
			   enum finding_status status, const char *seen)
{
	const struct finding *finding = &doctor->finding[check];

	if (finding->status != status || !strstr(finding->seen, seen))
		fail_msg("%s: %s '%s', not '%s'", check_name(check),
			 finding_status_name(finding->status), finding->seen,
			 seen);
}

static void end(struct fixture *self, struct doctor *doctor)
{
	for (size_t i = 0; i < CHECK_NR; i++)
		assert_non_null(doctor->finding[i].seen);
	doctor_release(doctor);
	fake_server_release(&self->server);
}

static void doctor_tells_of_every_check(void **state)
{
	static const char *const answers[] = { OK_EMPTY, OK_EMPTY };
	struct fixture self;
	struct doctor doctor;

	(void)state;
	begin(&self, answers, 2, NULL);
	examine(&self, &doctor, false);
	assert_finding(&doctor, CHECK_ADDRESS, FINDING_OK, "127.0.0.1");
	assert_finding(&doctor, CHECK_CONNECTION, FINDING_OK, "port");
	assert_finding(&doctor, CHECK_TLS, FINDING_SKIPPED, "no TLS");
	assert_finding(&doctor, CHECK_WRITE, FINDING_SKIPPED, "not wanted");
	end(&self, &doctor);
}

static void doctor_looks_at_clock_and_mode(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 401 No\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Server: Nexus/3.1\r\nWWW-Authenticate: Bearer "
		"realm=\"null://x/token\"\r\nConnection: close\r\n\r\n",
		BODY("404 No", ""),
	};
	struct fixture self;
	struct doctor doctor;

	(void)state;
	begin(&self, answers, 2, "admin");
	examine(&self, &doctor, true);
	assert_finding(&doctor, CHECK_API, FINDING_WARNING, "null://x/token");
	assert_finding(&doctor, CHECK_CLOCK, FINDING_FAULT,
		       "before the registry");
	assert_finding(&doctor, CHECK_CREDENTIALS, FINDING_FAULT, "/v2/");
	assert_non_null(doctor.finding[CHECK_CREDENTIALS].remedy);
	assert_int_equal(doctor_faults(&doctor), 2);
	end(&self, &doctor);
}

static void doctor_goes_on_after_a_fault_as_far_as_it_can(void **state)
{
	static const char *const answers[] = {
		OK_EMPTY,
		OK_EMPTY,
		"HTTP/1.1 507 Full\r\n" EMPTY,
	};
	static const char *const asked[] = {
		"GET /v2/ 0",
		"GET /v2/ 0",
		"POST /v2/p/dws-csm-doctor/blobs/uploads/ 0",
	};
	struct fixture self;
	struct doctor doctor;

	(void)state;
	begin(&self, answers, 3, NULL);
	examine(&self, &doctor, true);
	assert_asked(&self, asked, 3);
	assert_finding(&doctor, CHECK_API, FINDING_OK, "anybody");
	assert_finding(&doctor, CHECK_WRITE, FINDING_FAULT, "507");
	assert_finding(&doctor, CHECK_LEFT, FINDING_SKIPPED, "nothing");
	assert_int_equal(doctor_faults(&doctor), 1);
	end(&self, &doctor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doctor_tells_of_every_check),
		cmocka_unit_test(doctor_looks_at_clock_and_mode),
		cmocka_unit_test(doctor_goes_on_after_a_fault_as_far_as_it_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* When a trouble is believed: trouble.c, and doom.c's surety. */
#include "unit.h"

#include "base/mem.h"
#include "format/yaml.h"
#include "kube/trouble.h"

#define DOOM_MS 10000

static struct jval *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = yaml_parse(text, strlen(text), &err);

	assert_done(value != NULL, &err);
	return value;
}

static struct jval *pod(const char *reason, const char *message, int restarts)
{
	autofree char *text = mem_printf(
		"kind: Pod\nmetadata: {name: p, uid: u}\n"
		"status: {containerStatuses: [{name: c, restartCount: %d, state: {waiting: {reason: %s, message: '%s'}}}]}\n",
		restarts, reason, message);

	return parsed(text);
}

static void note(struct troubles *troubles, const struct jval *object,
		 int64_t now)
{
	struct doom doom;

	doom_of_pod(&doom, object);
	troubles_note(troubles, object, &doom, now);
}

static void note_pod(struct troubles *troubles, const char *reason,
		     const char *message, int restarts, int64_t now)
{
	autojval struct jval *object = pod(reason, message, restarts);

	note(troubles, object, now);
}

static bool believe(const struct troubles *troubles, int64_t now)
{
	autojval struct jval *object = pod("X", "", 0);

	return troubles_believe(troubles, object, now);
}

static void troubles_believe_what_is_sure_after_a_while(void **state)
{
	static const struct {
		const char *reason;
		const char *message;
		int restarts;
		bool sure;
	} cases[] = {
		{ "ErrImagePull", "r/x:1: not found", 0, true },
		{ "ErrImagePull", "manifest unknown: x", 0, true },
		{ "ErrImagePull", "401 Unauthorized", 0, true },
		{ "ErrImagePull", "pull access denied", 0, true },
		{ "ErrImagePull", "502 Bad Gateway", 0, false },
		{ "ErrImagePull", "no such host", 0, false },
		{ "ImagePullBackOff", "Back-off pulling image", 0, false },
		{ "ImagePullBackOff", "ErrImagePull: x: not found", 0, true },
		{ "InvalidImageName", "", 0, true },
		{ "ErrImageNeverPull", "", 0, true },
		{ "RegistryUnavailable", "", 0, false },
		{ "CrashLoopBackOff", "", 1, false },
		{ "CrashLoopBackOff", "", 2, true },
		{ "CreateContainerConfigError", "", 0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct troubles *troubles = troubles_new(DOOM_MS);

		note_pod(troubles, cases[i].reason, cases[i].message,
			 cases[i].restarts, 1000);
		assert_false(believe(troubles, 1000 + DOOM_MS - 1));
		if (believe(troubles, 1000 + DOOM_MS) != cases[i].sure)
			fail_msg("%s, %s", cases[i].reason, cases[i].message);
		assert_true(believe(troubles, 1000 + TROUBLE_LASTING_MS));
		troubles_free(troubles);
	}
}

static void troubles_believe_a_pull_that_fails_again(void **state)
{
	struct troubles *troubles = troubles_new(DOOM_MS);

	(void)state;
	note_pod(troubles, "ErrImagePull", "502", 0, 0);
	note_pod(troubles, "ErrImagePull", "502", 0, 100);
	note_pod(troubles, "ImagePullBackOff", "Back-off", 0, 1000);
	assert_false(believe(troubles, 12000));
	note_pod(troubles, "ErrImagePull", "502", 0, 12000);
	assert_true(believe(troubles, 12000));
	troubles_free(troubles);
}

static void troubles_forget_a_cause_that_changed(void **state)
{
	struct troubles *troubles = troubles_new(60000);

	(void)state;
	note_pod(troubles, "ErrImagePull", "x: not found", 0, 0);
	note_pod(troubles, "ContainerCreating", "", 0, 1000);
	note_pod(troubles, "ErrImagePull", "502", 0, 2000);
	assert_false(believe(troubles, 60000));
	assert_true(believe(troubles, 62000));
	troubles_free(troubles);
}

static void troubles_believe_a_crash_that_comes_again(void **state)
{
	struct troubles *troubles = troubles_new(1000);

	(void)state;
	note_pod(troubles, "CrashLoopBackOff", "", 0, 0);
	assert_false(believe(troubles, 5000));
	note_pod(troubles, "ContainerCreating", "", 1, 5000);
	assert_false(believe(troubles, 60000));
	note_pod(troubles, "CrashLoopBackOff", "", 1, 60000);
	assert_false(believe(troubles, 60000));
	assert_true(believe(troubles, 61000));
	troubles_free(troubles);
}

static void troubles_hear_events_of_a_pull_in_doubt(void **state)
{
	static const char failed[] =
		"[{type: Warning, count: %d, message: 'Failed to pull image \"x\": 502', lastTimestamp: a},"
		" {type: Warning, count: 9, message: 'Error: ErrImagePull', lastTimestamp: b}]";
	autojval struct jval *object = pod("ImagePullBackOff", "Back-off", 0);
	struct troubles *troubles = troubles_new(DOOM_MS);

	(void)state;
	note(troubles, object, 0);
	assert_false(troubles_doubt(troubles, object, DOOM_MS - 1));
	assert_true(troubles_doubt(troubles, object, DOOM_MS));
	for (int count = 4; count < 6; count++) {
		autofree char *text = mem_printf(failed, count);
		autojval struct jval *events = parsed(text);

		assert_int_equal(doom_pull_failures(events), count);
		troubles_hear(troubles, object, events);
		assert_int_equal(believe(troubles, DOOM_MS), count == 5);
	}
	assert_false(troubles_doubt(troubles, object, DOOM_MS));
	troubles_rest(troubles, object, DOOM_MS + 1);
	assert_false(believe(troubles, DOOM_MS));
	assert_true(believe(troubles, DOOM_MS + 1));
	troubles_forget(troubles, object);
	assert_false(believe(troubles, DOOM_MS + 1));
	troubles_free(troubles);
}

static void troubles_hear_a_sure_cause(void **state)
{
	autojval struct jval *events = parsed(
		"[{type: Warning, message: 'Failed to pull image \"x\": not found'}]");
	autojval struct jval *object = pod("ImagePullBackOff", "Back-off", 0);
	struct troubles *troubles = troubles_new(DOOM_MS);

	(void)state;
	note(troubles, object, 0);
	troubles_hear(troubles, object, events);
	assert_true(believe(troubles, DOOM_MS));
	troubles_free(troubles);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(troubles_believe_what_is_sure_after_a_while),
		cmocka_unit_test(troubles_believe_a_pull_that_fails_again),
		cmocka_unit_test(troubles_forget_a_cause_that_changed),
		cmocka_unit_test(troubles_believe_a_crash_that_comes_again),
		cmocka_unit_test(troubles_hear_events_of_a_pull_in_doubt),
		cmocka_unit_test(troubles_hear_a_sure_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

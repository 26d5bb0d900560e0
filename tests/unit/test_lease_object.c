#include "unit.h"

#include "base/mem.h"
#include "txn/lease_object.h"

static void set_note(struct jval *object, const char *key, const char *text)
{
	jval_set(jval_path(object, "metadata.annotations"), key,
		 jval_new_str(text));
}

/* As another host would hold it. */
static struct jval *held_elsewhere(void)
{
	struct jval *object = lease_object("upgrade");

	lease_succeed(object, NULL);
	jval_set_str(object, "spec.acquireTime", "2026-11-23T03:55:00.250000Z");
	set_note(object, "dws-csm.io/user", "ann");
	set_note(object, "dws-csm.io/host", "ncn-m002");
	set_note(object, "dws-csm.io/pid", "77");
	return object;
}

static void lease_is_held_by_a_living_process(void **state)
{
	autojval struct jval *object = lease_object("install");

	(void)state;
	assert_true(lease_is_held(object));
	assert_int_equal(lease_alive(object), 1);
	assert_false(lease_is_held(NULL));
	jval_set_str(object, "spec.holderIdentity", "");
	assert_false(lease_is_held(object));
}

static void lease_of_a_process_that_is_gone_is_told_as_dead(void **state)
{
	autojval struct jval *object = lease_object("install");
	autojval struct jval *told = NULL;

	(void)state;
	set_note(object, "dws-csm.io/process-start", "1");
	assert_int_equal(lease_alive(object), 0);
	told = lease_describe(object);
	assert_true(jval_bool(told, "dead", false));
}

static void lease_of_another_host_cannot_be_judged(void **state)
{
	autojval struct jval *object = held_elsewhere();
	autojval struct jval *told = lease_describe(object);

	(void)state;
	assert_int_equal(lease_alive(object), -1);
	assert_true(jval_is_null(jval_get(told, "dead")));
	assert_string_equal(jval_str(told, "user"), "ann");
	assert_string_equal(jval_str(told, "host"), "ncn-m002");
	assert_string_equal(jval_str(told, "operation"), "upgrade");
	assert_string_equal(jval_str(told, "since"), "2026-11-23T03:55:00Z");
	assert_int_equal(jval_int(told, "pid", 0), 77);
}

static void lease_names_its_holder_when_it_refuses(void **state)
{
	autojval struct jval *object = held_elsewhere();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(lease_refuse(object, &err), -1);
	assert_error(&err, ERR_LOCKED,
		     "'upgrade' of user 'ann' on 'ncn-m002' (pid 77) since "
		     "2026-11-23T03:55:00Z");
	/* It may be dead. */
	assert_error(&err, ERR_LOCKED, "'dws-csm resume'");
	assert_int_equal(lease_refuse_dead(object, &err), -1);
	assert_error(&err, ERR_LOCKED, "another installer was killed: 'upg");
}

static void lease_of_no_installer_is_told_as_it_is(void **state)
{
	autojval struct jval *object =
		jval_pack("{s:{s:s}}", "spec", "holderIdentity", "admin");
	autojval struct jval *told = lease_describe(object);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(lease_alive(object), -1);
	assert_int_equal(lease_refuse(object, &err), -1);
	assert_error(&err, ERR_LOCKED, "'admin' holds Lease 'dws-csm'");
	assert_string_equal(jval_str(told, "holder"), "admin");
	assert_null(jval_str(told, "user"));
}

static void lease_that_succeeds_another_replaces_just_that(void **state)
{
	autojval struct jval *held = held_elsewhere();
	autojval struct jval *next = lease_object("resume");

	(void)state;
	jval_set_str(held, "metadata.resourceVersion", "9");
	jval_set_path(held, "spec.leaseTransitions", jval_new_int(2));
	lease_succeed(next, held);
	assert_string_equal(jval_str(next, "metadata.resourceVersion"), "9");
	assert_int_equal(jval_int(next, "spec.leaseTransitions", 0), 3);
	assert_false(lease_same_holder(held, next));
	/* Gone meanwhile: created. */
	lease_succeed(next, NULL);
	assert_null(jval_str(next, "metadata.resourceVersion"));
}

static void lease_is_renewed_by_its_time_alone(void **state)
{
	autojval struct jval *held = held_elsewhere();
	autojval struct jval *noted = jval_copy(held);
	autojval struct jval *renewed = jval_copy(held);

	(void)state;
	set_note(noted, "a", "b");
	jval_set_str(noted, "metadata.resourceVersion", "10");
	assert_true(lease_same_renewal(held, noted));
	jval_set_str(renewed, "spec.renewTime", "2026-11-23T03:56:00.000000Z");
	assert_false(lease_same_renewal(held, renewed));
	assert_true(lease_same_holder(held, renewed));
	assert_false(lease_same_renewal(held, NULL));
}

static void lease_times_are_as_the_server_wants_them(void **state)
{
	autojval struct jval *object = lease_object("install");
	const char *text;

	(void)state;
	lease_stamp(object, "renewTime");
	text = jval_str(object, "spec.renewTime");
	assert_int_equal(strlen(text), strlen("2026-11-23T03:55:00.250000Z"));
	assert_int_equal(text[19], '.');
}

static void lease_is_watched_for_a_sane_time(void **state)
{
	static const struct {
		int64_t told, wanted_ms;
	} cases[] = {
		{ 0, 15000 },  { 5, 15000 },	 { 15, 15000 },
		{ 40, 40000 }, { 86400, 60000 }, { -1, 15000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *object = lease_object("install");

		jval_set_path(object, "spec.leaseDurationSeconds",
			      jval_new_int(cases[i].told));
		assert_int_equal(lease_duration_ms(object), cases[i].wanted_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lease_is_held_by_a_living_process),
		cmocka_unit_test(
			lease_of_a_process_that_is_gone_is_told_as_dead),
		cmocka_unit_test(lease_of_another_host_cannot_be_judged),
		cmocka_unit_test(lease_names_its_holder_when_it_refuses),
		cmocka_unit_test(lease_of_no_installer_is_told_as_it_is),
		cmocka_unit_test(
			lease_that_succeeds_another_replaces_just_that),
		cmocka_unit_test(lease_is_renewed_by_its_time_alone),
		cmocka_unit_test(lease_times_are_as_the_server_wants_them),
		cmocka_unit_test(lease_is_watched_for_a_sane_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

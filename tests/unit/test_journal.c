#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "kube_fixture.h"
#include "txn/journal.h"
#include "txn/parcel.h"

#define SECRETS "/api/v1/namespaces/dws-system/secrets"
#define SECRET SECRETS "/dws-csm.journal"
#define ANSWER_SIZE 4096

/* The answer of a server that has the journal with `step`, the nth write of
 * `writer`, at `version`. */
static void answer_with(char *answer, const struct journal *journal,
			const char *step, const char *writer, int64_t writes,
			const char *version)
{
	struct err err = ERR_INIT;
	autojval struct jval *value = jval_copy(journal->value);
	autojval struct jval *secret = NULL;
	autofree char *text = NULL;

	if (step)
		jval_set_str(value, "step", step);
	jval_set_str(value, "writer", writer);
	jval_set(value, "writes", jval_new_int(writes));
	secret = parcel_wrap(JOURNAL_NAME, "journal", value, &err);
	assert_done(secret != NULL, &err);
	jval_set_str(secret, "metadata.resourceVersion", version);
	text = jval_text(secret, false);
	assert_true(snprintf(answer, ANSWER_SIZE, "%s%s", JSON_ANSWER("200 OK"),
			     text) < ANSWER_SIZE);
}

/* One that is ours, with two writes done, the last at version 5. */
static void given_journal(struct journal *journal)
{
	journal_init(journal, "upgrade");
	journal->writer = mem_strdup("me");
	journal->resource_version = mem_strdup("5");
	jval_set(journal->value, "writes", jval_new_int(2));
}

static void journal_tells_who_began_it(void **state)
{
	struct journal auto_journal journal = JOURNAL_INIT;
	static const char *const wanted[] = {
		"id", "started", "user", "host", "installer", "operation"
	};

	(void)state;
	journal_init(&journal, "upgrade");
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_non_null(jval_str(journal.value, wanted[i]));
	assert_int_equal(jval_int(journal.value, "pid", 0), getpid());
}

static void journal_is_created_and_then_replaced(void **state)
{
	static const char answer[] =
		JSON_ANSWER("201 Created") "{\"metadata\":"
					   "{\"resourceVersion\":\"7\"}}";
	static const char *const answers[] = { answer, answer };
	struct journal auto_journal journal = JOURNAL_INIT;
	struct kube_fixture self;

	(void)state;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	journal_init(&journal, "upgrade");
	assert_done(journal_write(&journal, self.kube, NULL, &self.err) == 0,
		    &self.err);
	assert_string_equal(journal.resource_version, "7");
	assert_done(journal_step(&journal, self.kube, NULL, "deploy",
				 &self.err) == 0,
		    &self.err);
	assert_string_equal(jval_str(journal.value, "step"), "deploy");
	assert_int_equal(jval_int(journal.value, "writes", 0), 2);
	kube_fixture_stop(&self);
	assert_asked(&self, 0, "POST " SECRETS "?");
	assert_asked(&self, 1, "PUT " SECRET "?");
	kube_fixture_end(&self);
}

static void journal_of_another_is_not_overwritten(void **state)
{
	char other[ANSWER_SIZE];
	const char *const answers[] = { CONFLICT_ANSWER, other };
	struct journal auto_journal journal = JOURNAL_INIT;
	struct kube_fixture self;

	(void)state;
	journal_init(&journal, "upgrade");
	jval_set_str(journal.value, "user", "ann");
	jval_set_str(journal.value, "host", "ncn-m002");
	answer_with(other, &journal, "deploy", "ann@ncn-m002 pid 7", 3, "9");
	journal_init(&journal, "install");
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_int_equal(journal_write(&journal, self.kube, NULL, &self.err),
			 -1);
	assert_error(&self.err, ERR_LOCKED, "user 'ann' on 'ncn-m002'");
	assert_error(&self.err, ERR_LOCKED, "'upgrade'");
	assert_null(journal.resource_version);
	kube_fixture_stop(&self);
	kube_fixture_end(&self);
}

static void journal_knows_its_write_whose_answer_got_lost(void **state)
{
	char mine[ANSWER_SIZE];
	const char *const answers[] = { "", CONFLICT_ANSWER, mine };
	struct journal auto_journal journal = JOURNAL_INIT;
	struct kube_fixture self;

	(void)state;
	given_journal(&journal);
	answer_with(mine, &journal, "deploy", "me", 3, "9");
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	kube_config_set_reached(self.config);
	assert_done(journal_step(&journal, self.kube, NULL, "deploy",
				 &self.err) == 0,
		    &self.err);
	assert_string_equal(journal.resource_version, "9");
	kube_fixture_stop(&self);
	assert_int_equal(self.server.asked.nr, 3);
	kube_fixture_end(&self);
}

static void journal_goes_on_where_somebody_labelled_it(void **state)
{
	char touched[ANSWER_SIZE];
	static const char done[] = JSON_ANSWER(
		"200 OK") "{\"metadata\":{\"resourceVersion\":\"10\"}}";
	const char *const answers[] = { CONFLICT_ANSWER, touched, done };
	struct journal auto_journal journal = JOURNAL_INIT;
	struct kube_fixture self;

	(void)state;
	given_journal(&journal);
	answer_with(touched, &journal, "undeploy", "me", 2, "9");
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_done(journal_step(&journal, self.kube, NULL, "deploy",
				 &self.err) == 0,
		    &self.err);
	assert_string_equal(journal.resource_version, "10");
	kube_fixture_stop(&self);
	assert_asked(&self, 2, "PUT " SECRET "?");
	kube_fixture_end(&self);
}

static void journal_that_was_taken_over_is_left_alone(void **state)
{
	char theirs[ANSWER_SIZE];
	const char *const answers[] = { CONFLICT_ANSWER, theirs,
					CONFLICT_ANSWER, theirs };
	struct journal auto_journal journal = JOURNAL_INIT;
	struct kube_fixture self;

	(void)state;
	given_journal(&journal);
	/* The same step: only the writer tells. */
	answer_with(theirs, &journal, "deploy", "ann@ncn-m002 pid 7", 3, "9");
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_int_equal(journal_step(&journal, self.kube, NULL, "deploy",
				      &self.err),
			 -1);
	assert_error(&self.err, ERR_LOCKED, "now by ann@ncn-m002 pid 7");
	assert_int_equal(journal_close(&journal, self.kube, NULL, &self.err),
			 -1);
	assert_error(&self.err, ERR_LOCKED, "ann@ncn-m002");
	kube_fixture_stop(&self);
	assert_asked(&self, 2, "DELETE " SECRET);
	kube_fixture_end(&self);
}

static void journal_hears_that_another_ended_it(void **state)
{
	static const char *const answers[] = { NOT_FOUND_ANSWER,
					       NOT_FOUND_ANSWER,
					       NOT_FOUND_ANSWER };
	struct journal auto_journal journal = JOURNAL_INIT;
	struct kube_fixture self;

	(void)state;
	given_journal(&journal);
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_int_equal(journal_step(&journal, self.kube, NULL, "deploy",
				      &self.err),
			 -1);
	assert_error(&self.err, ERR_LOCKED, "another installer has ended it");
	assert_done(journal_close(&journal, self.kube, NULL, &self.err) == 0,
		    &self.err);
	kube_fixture_stop(&self);
	kube_fixture_end(&self);
}

static void journal_is_loaded_as_it_was_written(void **state)
{
	char there[ANSWER_SIZE];
	const char *const answers[] = { there, NOT_FOUND_ANSWER,
					JSON_ANSWER("200 OK") "{}" };
	struct journal auto_journal journal = JOURNAL_INIT;
	struct journal auto_journal loaded = JOURNAL_INIT;
	struct kube_fixture self;

	(void)state;
	given_journal(&journal);
	answer_with(there, &journal, "undeploy", "me", 2, "9");
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_int_equal(journal_load(&loaded, self.kube, &self.err), 1);
	assert_string_equal(jval_str(loaded.value, "step"), "undeploy");
	assert_string_equal(loaded.resource_version, "9");
	journal_release(&loaded);
	assert_int_equal(journal_load(&loaded, self.kube, &self.err), 0);
	assert_null(loaded.value);
	assert_int_equal(journal_load(&loaded, self.kube, &self.err), -1);
	assert_error(&self.err, ERR_INVALID, "of another dws-csm");
	kube_fixture_stop(&self);
	kube_fixture_end(&self);
}

static void journal_begins_only_with_a_copy_here(void **state)
{
	static const char created[] = JSON_ANSWER(
		"201 Created") "{\"metadata\":{\"resourceVersion\":\"7\"}}";
	static const char *const answers[] = { created,
					       JSON_ANSWER("200 OK") "{}",
					       created };
	struct journal auto_journal journal = JOURNAL_INIT;
	struct state gone = { .dirfd = open("/proc/1", O_RDONLY | O_CLOEXEC),
			      .path = mem_strdup("/proc/1") };
	struct kube_fixture self;

	(void)state;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	journal_init(&journal, "upgrade");
	assert_int_equal(journal_write(&journal, self.kube, &gone, &self.err),
			 -1);
	assert_error(&self.err, self.err.kind,
		     "write the journal '/proc/1/journal.json'");
	/* Later on it would be worse to stop. */
	free(journal.resource_version);
	journal.resource_version = mem_strdup("6");
	assert_done(journal_step(&journal, self.kube, &gone, "deploy",
				 &self.err) == 0,
		    &self.err);
	kube_fixture_stop(&self);
	assert_asked(&self, 0, "POST " SECRETS "?");
	assert_asked(&self, 1, "DELETE " SECRET);
	assert_asked(&self, 2, "PUT " SECRET "?");
	kube_fixture_end(&self);
	state_release(&gone);
}

static void journal_has_a_copy_here_until_it_is_closed(void **state)
{
	static const char *const answers[] = {
		JSON_ANSWER(
			"201 Created") "{\"metadata\":{\"resourceVersion\":\"7\"}}",
		JSON_ANSWER("200 OK") "{}",
	};
	char dir[] = "/tmp/dws-csm-test-XXXXXX";
	struct journal auto_journal journal = JOURNAL_INIT;
	struct state here = STATE_INIT;
	struct kube_fixture self;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_done(state_open(&here, dir, &self.err) == 0, &self.err);
	journal_init(&journal, "upgrade");
	assert_done(journal_write(&journal, self.kube, &here, &self.err) == 0,
		    &self.err);
	assert_int_equal(fstatat(here.dirfd, "journal.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_done(journal_close(&journal, self.kube, &here, &self.err) == 0,
		    &self.err);
	assert_int_equal(fstatat(here.dirfd, "journal.json", &st, 0), -1);
	assert_non_null(journal.value);
	kube_fixture_stop(&self);
	kube_fixture_end(&self);
	unlinkat(here.dirfd, "backup", AT_REMOVEDIR);
	unlinkat(here.dirfd, "log", AT_REMOVEDIR);
	state_release(&here);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(journal_tells_who_began_it),
		cmocka_unit_test(journal_is_created_and_then_replaced),
		cmocka_unit_test(journal_of_another_is_not_overwritten),
		cmocka_unit_test(journal_knows_its_write_whose_answer_got_lost),
		cmocka_unit_test(journal_goes_on_where_somebody_labelled_it),
		cmocka_unit_test(journal_that_was_taken_over_is_left_alone),
		cmocka_unit_test(journal_hears_that_another_ended_it),
		cmocka_unit_test(journal_is_loaded_as_it_was_written),
		cmocka_unit_test(journal_begins_only_with_a_copy_here),
		cmocka_unit_test(journal_has_a_copy_here_until_it_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

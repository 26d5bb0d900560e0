#include "unit.h"

#include "base/mem.h"
#include "slurm/story.h"

static void begin(struct story *story)
{
	story->id = mem_strdup("12");
}

static const struct story_event *workflow(struct story *story, int64_t at_ms,
					  const char *desired,
					  const char *state, const char *status)
{
	const struct story_view view = {
		.desired = desired,
		.state = state,
		.status = status,
	};

	return story_workflow(story, at_ms, &view);
}

/* All states up to one, a second each. */
static int64_t up_to(struct story *story, const char *last)
{
	int64_t at_ms = 0;

	for (size_t i = 0; story_states[i]; i++) {
		at_ms = (int64_t)i * 1000;
		workflow(story, at_ms, story_states[i], story_states[i],
			 "Completed");
		if (str_eq(story_states[i], last))
			break;
	}
	return at_ms;
}

static void judge(const struct story *story, enum story_end end,
		  enum err_kind kind, const char *what, const char *next)
{
	struct verdict auto_verdict verdict = VERDICT_INIT;
	autofree char *list = NULL;

	story_judge(story, end, &verdict);
	list = strs_join(&verdict.next, "\n");
	if (verdict.kind != kind || !strstr(verdict.what, what) ||
	    (next && !strstr(list, next))) {
		print_error("%d: %s\n%s\n", (int)verdict.kind, verdict.what,
			    list);
		fail();
	}
}

static void story_makes_an_event_of_news_alone(void **state)
{
	struct story auto_story story = STORY_INIT;
	const struct story_event *event;

	(void)state;
	event = story_job(&story, 5, "PENDING", "None", "");
	assert_string_equal(event->state, "PENDING");
	assert_string_equal(event->detail, "");
	assert_null(story_job(&story, 6, "PENDING", "None", ""));
	event = story_job(&story, 7, "PENDING", "Resources", "");
	assert_string_equal(event->detail, "Resources");
	event = workflow(&story, 8, "Setup", "Proposal", "Completed");
	assert_string_equal(event->detail, "asked for");
	assert_null(workflow(&story, 9, "Setup", "Proposal", "Completed"));
	event = workflow(&story, 10, "Setup", "Setup", NULL);
	assert_string_equal(event->detail, "");
	assert_string_equal(story_workflow_gone(&story, 11)->state, "gone");
	assert_null(story_workflow_gone(&story, 12));
	assert_int_equal(story.nr, 5);
}

static void story_knows_what_it_has_cleaned_again(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	assert_non_null(workflow(&story, 1, "Setup", "Setup", "Done\a\xff"));
	assert_null(workflow(&story, 2, "Setup", "Setup", "Done\a\xff"));
	assert_non_null(story_job(&story, 3, "PENDING", "a\033[1m", ""));
	assert_null(story_job(&story, 4, "PENDING", "a\033[1m", ""));
}

static void story_knows_no_end_of_what_never_was(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	assert_null(story_workflow_gone(&story, 1));
	assert_false(story_is_over(&story));
	story_job(&story, 2, "COMPLETED", "None", "node0");
	assert_true(story_is_over(&story));
	workflow(&story, 3, "Teardown", "DataOut", "Completed");
	assert_false(story_is_over(&story));
	story_workflow_gone(&story, 4);
	assert_true(story_is_over(&story));
}

static void story_measures_states(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	workflow(&story, 100, "Proposal", "", "");
	workflow(&story, 300, "Proposal", "Proposal", "Completed");
	workflow(&story, 350, "Setup", "Proposal", "Completed");
	assert_int_equal(story_state_ms(&story, "Proposal", 999), 250);
	assert_int_equal(story_state_ms(&story, "Setup", 1000), 650);
	assert_int_equal(story_state_ms(&story, "DataIn", 1000), -1);
}

static void story_view_is_what_the_plugin_prints(void **state)
{
	char text[] = "desiredState=DataIn currentState=Setup status=Completed";
	char empty[] = "desiredState=Proposal currentState= status=";
	char other[] = "Job 12 has no Workflow";
	struct story_view view;

	(void)state;
	assert_true(story_view_parse(text, &view));
	assert_string_equal(view.desired, "DataIn");
	assert_string_equal(view.state, "Setup");
	assert_string_equal(view.status, "Completed");
	assert_true(story_view_parse(empty, &view));
	assert_string_equal(view.state, "");
	assert_string_equal(view.status, "");
	assert_false(story_view_parse(other, &view));
}

static void story_waits_before_it_takes_a_job_for_held(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	story_job(&story, 1000, "PENDING", "JobHeldAdmin", "");
	assert_false(story_is_held(&story, 5000));
	assert_true(story_is_held(&story, 12000));
	story_job(&story, 13000, "PENDING", "Burst buffer pre_run error", "");
	assert_true(story_is_held(&story, 14000));
	story_job(&story, 15000, "PENDING", "BurstBufferStageIn", "");
	assert_false(story_is_held(&story, 99000));
	story_job(&story, 15000, "PENDING", "Priority", "");
	assert_false(story_is_held(&story, 99000));
}

static void a_job_passes_when_its_workflow_went_through_all_states(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	begin(&story);
	story.whole = true;
	up_to(&story, "Teardown");
	story_workflow_gone(&story, 9000);
	story_job(&story, 9000, "COMPLETED", "None", "node0");
	judge(&story, STORY_ENDED, ERR_NONE, "job 12 went through", NULL);
}

static void a_job_that_left_out_a_state_has_not_passed(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	begin(&story);
	up_to(&story, "DataIn");
	workflow(&story, 8000, "Teardown", "Teardown", "Completed");
	story_workflow_gone(&story, 9000);
	story_job(&story, 9000, "COMPLETED", "None", "node0");
	/* Unless it may have passed unseen. */
	judge(&story, STORY_ENDED, ERR_NONE, "job 12 went through", NULL);
	story.whole = true;
	judge(&story, STORY_ENDED, ERR_FAILED, "PreRun, PostRun, DataOut",
	      "dws: job 12");
}

static void a_job_without_a_workflow_has_not_passed(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	begin(&story);
	story_job(&story, 9000, "COMPLETED", "None", "node0");
	judge(&story, STORY_ENDED, ERR_FAILED, "no Workflow was seen",
	      "slurm check");
}

static void errors_of_drivers_come_before_all_else(void **state)
{
	struct story auto_story story = STORY_INIT;
	const struct story_view view = {
		.desired = "DataIn",
		.state = "DataIn",
		.status = "Error",
		.errors = "driver rabbit: no space",
	};

	(void)state;
	begin(&story);
	up_to(&story, "Setup");
	story_workflow(&story, 3000, &view);
	workflow(&story, 4000, "Teardown", "Teardown", "Completed");
	story_workflow_gone(&story, 9000);
	story_job(&story, 9000, "CANCELLED", "None", "");
	judge(&story, STORY_ENDED, ERR_FAILED,
	      "DWS failed in DataIn: driver rabbit: no space", "dws: job 12");
	judge(&story, STORY_HELD, ERR_FAILED, "driver rabbit: no space", NULL);
}

static void a_job_that_fails_is_told_with_its_exit_code(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	begin(&story);
	up_to(&story, "Teardown");
	story_workflow_gone(&story, 9000);
	story_job(&story, 9000, "FAILED", "NonZeroExitCode", "node7");
	story.exit_code = mem_strdup("3:0");
	judge(&story, STORY_ENDED, ERR_FAILED, "FAILED, exit code 3:0",
	      "slurmd's log on node7");
}

static void a_cancelled_job_was_cancelled_by_somebody(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	begin(&story);
	up_to(&story, "Teardown");
	story_workflow_gone(&story, 9000);
	story_job(&story, 9000, "CANCELLED", "None", "");
	judge(&story, STORY_ENDED, ERR_FAILED, "not by this command", NULL);
}

static void what_hangs_is_told_with_its_place(void **state)
{
	struct story auto_story story = STORY_INIT;
	const struct story_view view = {
		.desired = "DataIn",
		.state = "DataIn",
		.status = "DriverWait",
		.waiting = "rabbit (Running)",
	};

	(void)state;
	begin(&story);
	judge(&story, STORY_TIMED_OUT, ERR_TIMEOUT, "there was no Workflow",
	      NULL);
	story_job(&story, 100, "PENDING", "Resources", "");
	judge(&story, STORY_TIMED_OUT, ERR_TIMEOUT, "PENDING (Resources)",
	      "sinfo");
	workflow(&story, 1000, "Proposal", NULL, NULL);
	judge(&story, STORY_TIMED_OUT, ERR_TIMEOUT, "asked for Proposal",
	      "controller of DWS");
	story_workflow(&story, 2000, &view);
	judge(&story, STORY_TIMED_OUT, ERR_TIMEOUT, "in DataIn (DriverWait)",
	      "rabbit (Running)");
	workflow(&story, 3000, "DataIn", "DataIn", "Completed");
	judge(&story, STORY_INTERRUPTED, ERR_INTERRUPTED, "(Completed)",
	      "slurmctld's log");
	judge(&story, STORY_LOST, ERR_FAILED, "no longer knows", NULL);
}

static void what_slurm_left_is_told_apart_from_what_it_is_at(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	workflow(&story, 1000, "DataIn", "DataIn", "DriverWait");
	story_job(&story, 1500, "PENDING", "BurstBufferStageIn", "");
	assert_false(story_is_left(&story));
	story_job(&story, 2000, "CANCELLED", "None", "");
	assert_true(story_is_left(&story));
	workflow(&story, 3000, "Teardown", "DataIn", "Completed");
	assert_false(story_is_left(&story));
	workflow(&story, 4000, "Teardown", "Teardown", "DriverWait");
	assert_false(story_is_left(&story));
	workflow(&story, 5000, "Teardown", "Teardown", "Completed");
	assert_true(story_is_left(&story));
	story_workflow_gone(&story, 6000);
	assert_false(story_is_left(&story));
}

/* What is told of something that stays: some of it, and nothing of the rest. */
static void stay(const struct story *story, const char *ns, const char *failure,
		 const char *wanted, const char *unwanted)
{
	struct verdict auto_verdict verdict = VERDICT_INIT;
	autofree char *list = NULL;
	struct err err = ERR_INIT;

	if (failure)
		assert_int_equal(err_set(&err, ERR_FAILED, "%s", failure), -1);
	story_judge_stay(story, ns, failure ? &err : NULL, &verdict);
	list = strs_join(&verdict.next, "\n");
	if (!strstr(list, wanted) || (unwanted && strstr(list, unwanted)))
		fail_msg("%s", list);
}

static void what_stays_is_told_with_what_ends_it(void **state)
{
	struct story auto_story story = STORY_INIT;

	(void)state;
	begin(&story);
	workflow(&story, 1000, "DataIn", "DataIn", "DriverWait");
	story_job(&story, 1500, "COMPLETING", "None", "");
	stay(&story, "default", NULL, "does not end", "set-state");
	story_job(&story, 2000, "CANCELLED", "None", "");
	stay(&story, "default", "no rights",
	     "in DataIn (DriverWait); cannot end it: no rights", NULL);
	stay(&story, "default", NULL,
	     "'dws-csm workflows set-state 12 Teardown --hurry'", NULL);
	stay(&story, "slurm", NULL, "delete 12 --namespace=slurm'", NULL);
	stay(&story, "default", NULL,
	     "'teardown for JobId=12 terminated by slurmctld'", NULL);
	workflow(&story, 3000, "Teardown", "DataIn", "Completed");
	stay(&story, "default", NULL, "controller of DWS", "set-state");
}

static void what_was_mended_is_told(void **state)
{
	struct story auto_story story = STORY_INIT;
	struct verdict auto_verdict verdict = VERDICT_INIT;
	autofree char *list = NULL;

	(void)state;
	begin(&story);
	story_judge_mended(&story, &verdict);
	list = strs_join(&verdict.next, "\n");
	assert_non_null(strstr(list, "no storage stays"));
	assert_non_null(strstr(list, "terminated by slurmctld"));
	assert_int_equal(verdict.kind, ERR_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(story_makes_an_event_of_news_alone),
		cmocka_unit_test(story_knows_what_it_has_cleaned_again),
		cmocka_unit_test(story_knows_no_end_of_what_never_was),
		cmocka_unit_test(story_measures_states),
		cmocka_unit_test(story_view_is_what_the_plugin_prints),
		cmocka_unit_test(story_waits_before_it_takes_a_job_for_held),
		cmocka_unit_test(
			a_job_passes_when_its_workflow_went_through_all_states),
		cmocka_unit_test(a_job_that_left_out_a_state_has_not_passed),
		cmocka_unit_test(a_job_without_a_workflow_has_not_passed),
		cmocka_unit_test(errors_of_drivers_come_before_all_else),
		cmocka_unit_test(a_job_that_fails_is_told_with_its_exit_code),
		cmocka_unit_test(a_cancelled_job_was_cancelled_by_somebody),
		cmocka_unit_test(what_hangs_is_told_with_its_place),
		cmocka_unit_test(
			what_slurm_left_is_told_apart_from_what_it_is_at),
		cmocka_unit_test(what_stays_is_told_with_what_ends_it),
		cmocka_unit_test(what_was_mended_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

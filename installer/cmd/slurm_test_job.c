#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/embedded.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/job_report.h"
#include "cmd/job_workflow.h"
#include "cmd/output.h"
#include "slurm/job.h"
#include "slurm/program.h"
#include "slurm/site.h"

#define SAMPLE "payload/slurm/sample-job.sh"
#define SCRIPT_MAX_BYTES ((size_t)4 << 20)
#define OUTPUT_MAX_BYTES 16384
/* Nobody tells when a job changes: Slurm has no watch, so it is asked, often
 * while things happen, else seldom, since each question takes slurmctld's
 * locks. */
#define POLL_MS 200
#define POLL_MAX_MS 2000
/* How long the Workflow of a job that was cancelled may take to go: as long as
 * the test was to take, within these. */
#define CANCEL_MIN_MS 20000
#define CANCEL_MAX_MS 60000
/* How long Slurm may take to begin with that. */
#define LEFT_MS 10000

struct test {
	const struct settings *settings;
	struct story story;
	struct job_workflow *workflow;
	int64_t began;
	char *file;	 /* with what the job prints */
	char *complaint; /* about squeue, told last */
	bool silent;	 /* a program reads the result */
};

static void tell(void *ctx, const struct story_event *event)
{
	const struct test *test = ctx;

	if (!test->silent)
		job_report_event(event);
}

static int64_t elapsed_ms(const struct test *test)
{
	return clock_now_ms() - test->began;
}

/* --- what is submitted ---------------------------------------------------- */

static int read_script(const struct strs *args, char **made,
		       struct job_order *order, struct err *err)
{
	const struct embedded_file *sample = embedded_find(SAMPLE);

	if (args->nr == 0) {
		order->script = (const char *)sample->data;
		order->len = sample->len;
		return 0;
	}
	if (file_read(AT_FDCWD, args->item[0], SCRIPT_MAX_BYTES, made,
		      &order->len, err) < 0)
		return -1;
	order->script = *made;
	return 0;
}

/* A name that nobody can foresee: on the node it may be in /tmp. */
static char *output_file(const char *dir, struct err *err)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
		err_sys(err, errno, "cannot get random numbers");
		return NULL;
	}
	return mem_printf("%s/dws-csm-test-job-%016llx.out", dir,
			  (unsigned long long)number);
}

/* What would let a job run, but not through DWS. */
static int check_plugin(struct err *err)
{
	autofree char *type = job_burst_buffer_type(err);

	if (type == NULL)
		return -1;
	if (type_meaning(type) == TYPE_LUA)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "slurmctld runs without the plugin (BurstBufferType is "
		       "%s%s%s): a job would run without a Workflow; 'dws-csm "
		       "slurm enable --restart' on its host enables it",
		       *type ? "'" : "", *type ? type : "not set",
		       *type ? "'" : "");
}

static int check_user(const struct settings *settings, struct err *err)
{
	if (geteuid() == 0 && settings->user == NULL)
		return err_set(err, ERR_USAGE,
			       "Slurm gives root no burst buffers: name the "
			       "user that the job shall belong to with --user");
	if (geteuid() != 0 && settings->user)
		return err_set(err, ERR_USAGE,
			       "only root may submit as somebody else; leave "
			       "out '--user %s'",
			       settings->user);
	if (settings->chdir[0] != '/' || strchr(settings->chdir, '%'))
		return err_set(err, ERR_USAGE,
			       "'--chdir %s' is no absolute path without '%%'",
			       settings->chdir);
	return 0;
}

static int submit(struct test *test, const struct strs *args, struct err *err)
{
	const struct settings *settings = test->settings;
	autofree char *script = NULL;
	struct job_order order = {
		.user = settings->user,
		.partition = settings->partition,
		.account = settings->account,
		.dir = settings->chdir,
	};

	program_forget_habits();
	if (check_user(settings, err) < 0 ||
	    read_script(args, &script, &order, err) < 0 ||
	    job_check_script(order.script, order.len, err) < 0 ||
	    check_plugin(err) < 0)
		return -1;
	test->file = output_file(settings->chdir, err);
	if (test->file == NULL)
		return -1;
	order.output = test->file;
	test->began = clock_now_ms();
	test->story.id = job_submit(&order, err);
	return test->story.id ? 0 : -1;
}

/* --- following it --------------------------------------------------------- */

/* slurmctld may be restarted meanwhile. */
static void complain(struct test *test, const char *text)
{
	if (str_eq(test->complaint, text))
		return;
	free(test->complaint);
	test->complaint = mem_strdup(text);
	log_info("%s; trying again", text);
}

/* 1 something new, 0 nothing, -1 it is not known (any more). */
static int look(struct test *test)
{
	struct job_look auto_job_look seen = { .state = NULL };
	const struct story_event *event;
	struct err failure = ERR_INIT;
	int known = job_look(test->story.id, &seen, &failure);

	if (known < 0) {
		if (failure.kind != ERR_INTERRUPTED)
			complain(test, failure.msg);
		return 0;
	}
	if (known == 0)
		return -1;
	event = story_job(&test->story, elapsed_ms(test), seen.state,
			  seen.reason, seen.nodes);
	if (event)
		tell(test, event);
	return event != NULL;
}

/* Let time pass; whether something happened to the Workflow. */
static int pause_for(struct test *test, unsigned int quiet, int64_t deadline,
		     struct err *err)
{
	int64_t ms = clock_backoff_ms(quiet, POLL_MS, POLL_MAX_MS);
	int64_t until = deadline_in_ms(ms);
	bool news = false;

	if (until > deadline)
		until = deadline;
	do {
		int result = job_workflow_wait(test->workflow, &test->story,
					       test->began,
					       deadline_left_ms(until), tell,
					       test, err);

		if (result < 0)
			return -1;
		news = news || result > 0;
	} while (deadline_left_ms(until) > 0 && !news);
	return news;
}

/* Until it is over, or nothing more is to be expected. */
static enum story_end follow(struct test *test, int64_t deadline)
{
	struct err interrupted = ERR_INIT;
	unsigned int quiet = 0;

	for (;;) {
		int seen = look(test);

		if (story_is_over(&test->story))
			return STORY_ENDED;
		if (seen < 0 && !job_state_is_final(test->story.state))
			return STORY_LOST;
		if (story_is_held(&test->story, elapsed_ms(test)))
			return STORY_HELD;
		if (deadline_left_ms(deadline) == 0)
			return STORY_TIMED_OUT;
		quiet = seen > 0 ? 1 : quiet + 1;
		seen = pause_for(test, quiet, deadline, &interrupted);
		if (seen < 0)
			return STORY_INTERRUPTED;
		if (seen > 0)
			quiet = 0;
	}
}

/* --- its end -------------------------------------------------------------- */

/* Slurm may have killed its own teardown: then nothing else will end what the
 * test has begun. */
static void end_workflow(struct test *test, int64_t deadline,
			 struct verdict *verdict)
{
	struct err err = ERR_INIT;

	if (job_workflow_is_watched(test->workflow) && !test->silent)
		log_info("Slurm left the Workflow of job %s; tearing it down",
			 test->story.id);
	if (job_workflow_end(test->workflow, &test->story, test->began,
			     deadline, tell, test, &err) < 0)
		story_judge_stay(&test->story,
				 job_workflow_namespace(test->workflow), &err,
				 verdict);
	else
		story_judge_mended(&test->story, verdict);
}

/* Nothing of a job that was cancelled shall stay. */
static void follow_cancelled(struct test *test, struct verdict *verdict)
{
	int64_t ms = test->settings->job_timeout_ms;
	int64_t deadline, first;

	if (ms > CANCEL_MAX_MS)
		ms = CANCEL_MAX_MS;
	if (ms < CANCEL_MIN_MS)
		ms = CANCEL_MIN_MS;
	deadline = deadline_in_ms(ms);
	first = deadline_in_ms(LEFT_MS);
	if (follow(test, first) == STORY_ENDED)
		return;
	if (!story_is_left(&test->story) &&
	    follow(test, deadline) == STORY_ENDED)
		return;
	if (story_is_left(&test->story))
		end_workflow(test, deadline_in_ms(ms), verdict);
	else
		story_judge_stay(&test->story,
				 job_workflow_namespace(test->workflow), NULL,
				 verdict);
}

/* The job did not end by itself: it shall not stay, nor its storage. */
static void clean_up(struct test *test, struct verdict *verdict)
{
	struct err err = ERR_INIT;

	if (test->settings->no_cancel) {
		strs_addf(&verdict->next,
			  "job %s was left as it is: 'scancel --hurry %s' "
			  "ends it",
			  test->story.id, test->story.id);
		return;
	}
	/* A signal that came is no reason to leave things about; another one
	 * ends the program. */
	interrupt_defer(true);
	if (!test->silent)
		log_info("cancelling job %s", test->story.id);
	if (job_cancel(test->story.id, true, &err) < 0)
		strs_addf(&verdict->next, "job %s stays: %s", test->story.id,
			  err.msg);
	else
		follow_cancelled(test, verdict);
}

/* What the job printed, where that is on this host; removes it. */
static char *take_output(const char *path)
{
	autoclose int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat stat;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))
		return NULL;
	text = mem_alloc(OUTPUT_MAX_BYTES + 1);
	n = pread(fd, text, OUTPUT_MAX_BYTES,
		  stat.st_size > OUTPUT_MAX_BYTES ?
			  stat.st_size - OUTPUT_MAX_BYTES :
			  0);
	text[n > 0 ? n : 0] = '\0';
	unlink(path);
	return text;
}

static int finish(struct test *test, enum story_end end, struct err *err)
{
	struct verdict auto_verdict verdict = VERDICT_INIT;
	struct job_facts auto_job_facts facts = { .exit_code = NULL };
	autofree char *output = NULL;
	struct job_report report = {
		.story = &test->story,
		.verdict = &verdict,
		.workflow = job_workflow_name(test->workflow),
		.ns = job_workflow_namespace(test->workflow),
		.file = test->file,
		.took_ms = elapsed_ms(test),
	};

	interrupt_defer(true);
	job_facts_get(test->story.id, &facts);
	test->story.exit_code = mem_steal(&facts.exit_code);
	test->story.comment = mem_steal(&facts.comment);
	story_judge(&test->story, end, &verdict);
	if (end != STORY_ENDED && end != STORY_LOST)
		clean_up(test, &verdict);
	output = take_output(test->file);
	report.output = output;
	if (job_report_end(&report, output_format(test->settings->output),
			   err) < 0)
		return -1;
	if (verdict.kind == ERR_NONE)
		return 0;
	return err_set(err, verdict.kind, "the test job did not pass: %s",
		       verdict.what);
}

static void say_submitted(const struct test *test)
{
	struct err ignored = ERR_INIT;
	const char *user = test->settings->user;
	autofree char *line = mem_printf("job %s submitted%s%s\n",
					 test->story.id, user ? " as " : "",
					 user ? user : "");

	if (!test->silent)
		(void)!output_text(line, &ignored);
}

static int slurm_test_job_main(struct settings *settings,
			       const struct strs *args, struct err *err)
{
	struct test test = {
		.settings = settings,
		.story = STORY_INIT,
		.silent = output_format(settings->output) != NULL,
	};
	int result = submit(&test, args, err);

	if (result == 0) {
		say_submitted(&test);
		test.workflow = job_workflow_open(test.story.id);
		test.story.whole = job_workflow_is_watched(test.workflow);
		result = finish(
			&test,
			follow(&test, deadline_in_ms(settings->job_timeout_ms)),
			err);
		job_workflow_close(test.workflow);
	}
	story_release(&test.story);
	free(test.complaint);
	free(test.file);
	return result;
}

const struct command cmd_slurm_test_job = {
	.name = "slurm test-job",
	.arguments = "[SCRIPT]",
	.summary = "run a job through Slurm and DWS, and tell how it went",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_TEST_JOB | GROUP_OUTPUT,
	.max_args = 1,
	.run = slurm_test_job_main,
};

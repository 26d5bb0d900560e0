#include "unit.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "registry/workers.h"

struct jobs {
	struct workers *workers;
	atomic_int done[100];
	atomic_int begun, ended, cancelled;
	size_t bad; /* the job that fails */
};

static void *begin_thread(void *ctx)
{
	struct jobs *jobs = ctx;

	atomic_fetch_add(&jobs->begun, 1);
	return jobs;
}

static void end_thread(void *ctx, void *own)
{
	struct jobs *jobs = ctx;

	assert_ptr_equal(own, ctx);
	atomic_fetch_add(&jobs->ended, 1);
}

static int run_job(void *ctx, void *own, size_t job, struct err *err)
{
	struct jobs *jobs = ctx;

	(void)own;
	atomic_fetch_add(&jobs->done[job], 1);
	if (job == jobs->bad)
		return err_set(err, ERR_REGISTRY, "job %zu is bad", job);
	if (jobs->bad >= 100)
		return 0;
	/* Others run on until they look. */
	while (!workers_cancelled(jobs->workers))
		if (clock_sleep(1, err) < 0)
			return -1;
	atomic_fetch_add(&jobs->cancelled, 1);
	return err_set(err, ERR_INTERRUPTED, "cancelled");
}

static int run_jobs(struct jobs *jobs, size_t nr, unsigned int threads,
		    struct err *err)
{
	const struct workers_options options = {
		.nr_jobs = nr,
		.threads = threads,
		.ctx = jobs,
		.handle = &jobs->workers,
		.begin = begin_thread,
		.end = end_thread,
		.run = run_job,
	};

	return workers_run(&options, err);
}

static void workers_do_each_job_once(void **state)
{
	struct jobs jobs = { .bad = 100 };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(run_jobs(&jobs, 100, 4, &err) == 0, &err);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(jobs.done[i], 1);
	assert_int_equal(jobs.begun, 4);
	assert_int_equal(jobs.ended, 4);
}

static void workers_are_no_more_than_jobs(void **state)
{
	struct jobs jobs = { .bad = 100 };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(run_jobs(&jobs, 2, 8, &err) == 0, &err);
	assert_int_equal(jobs.begun, 2);
	assert_done(run_jobs(&jobs, 0, 8, &err) == 0, &err);
	assert_int_equal(jobs.begun, 2);
}

static void workers_stop_at_the_first_error_and_return_it(void **state)
{
	struct jobs jobs = { .bad = 1 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(run_jobs(&jobs, 100, 4, &err), -1);
	assert_error(&err, ERR_REGISTRY, "job 1 is bad");
	assert_int_equal(jobs.done[50], 0);
	assert_int_equal(jobs.begun, jobs.ended);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_do_each_job_once),
		cmocka_unit_test(workers_are_no_more_than_jobs),
		cmocka_unit_test(workers_stop_at_the_first_error_and_return_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

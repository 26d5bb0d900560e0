/*
 * job_report - what `slurm test-job` prints: events as they come, then the
 * verdict.
 */
#ifndef CMD_JOB_REPORT_H
#define CMD_JOB_REPORT_H

#include "slurm/story.h"

struct job_report {
	const struct story *story;
	const struct verdict *verdict;
	const char *workflow; /* name */
	const char *ns;
	const char *file;   /* with what the job printed, on its node */
	const char *output; /* what it printed; NULL = not to be seen here */
	int64_t took_ms;
};

/* A line of the story. */
void job_report_event(const struct story_event *event);

/* The verdict: text, or "json" or "yaml". */
int job_report_end(const struct job_report *report, const char *format,
		   struct err *err) must_check;

#endif

/*
 * job_workflow - the Workflow of a job, for one who follows the job.
 *
 * It is watched in the cluster, by the plugin's own credential, where that can
 * be read here; then no change is missed. Else slurmctld is asked, whose plugin
 * answers ("scontrol show bbstat"), and states that pass quickly are not seen.
 */
#ifndef CMD_JOB_WORKFLOW_H
#define CMD_JOB_WORKFLOW_H

#include "slurm/story.h"

struct job_workflow;

/* Called for each event. */
typedef void job_event_fn(void *ctx, const struct story_event *event);

/* Of a job with this number. Never fails: where it cannot be watched that is
 * logged. */
struct job_workflow *job_workflow_open(const char *id) must_check;
void job_workflow_close(struct job_workflow *self);

/* Whether it is watched: then no change is missed. */
bool job_workflow_is_watched(const struct job_workflow *self);

const char *job_workflow_name(const struct job_workflow *self);
const char *job_workflow_namespace(const struct job_workflow *self);

/* Put what happens to it within `timeout_ms` into `story`, whose times count
 * from `began`. 1: something did, and the time may not be over; 0: nothing;
 * -1: ERR_INTERRUPTED. */
int job_workflow_wait(struct job_workflow *self, struct story *story,
		      int64_t began, int64_t timeout_ms, job_event_fn *tell,
		      void *ctx, struct err *err) must_check;

/* End it as the plugin would have done: Teardown with hurry, then it is deleted;
 * only the plugin's own for this job, and the one that was seen. 0 when it is
 * gone, also by somebody else. Fails where it is not watched, where the server
 * refuses, and at the deadline (ERR_TIMEOUT). */
int job_workflow_end(struct job_workflow *self, struct story *story,
		     int64_t began, int64_t deadline, job_event_fn *tell,
		     void *ctx, struct err *err) must_check;

#endif

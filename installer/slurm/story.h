/*
 * story - what happened to a job and to its Workflow, and what to think of it.
 *
 * Whoever follows a job tells what he sees, as often as he likes; what is new
 * becomes an event. At the end story_judge says whether the job passed, else
 * where it stopped, why, and what to look at next.
 *
 *	struct story auto_story story = STORY_INIT;
 *
 *	event = story_job(&story, ms, "PENDING", "None", "");
 *	event = story_workflow(&story, ms, &view);
 *	if (story_is_over(&story))
 *		story_judge(&story, STORY_ENDED, &verdict);
 *
 * Pure: nothing is asked, times are the caller's. Source: DWS, Workflow
 * resource; burst_buffer/lua.
 */
#ifndef SLURM_STORY_H
#define SLURM_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strs.h"

/* A Workflow as it was seen; NULL = not known. */
struct story_view {
	const char *desired;
	const char *state;
	const char *status;
	const char *errors;  /* of its drivers */
	const char *waiting; /* drivers that are not done */
};

struct story_event {
	int64_t at_ms;	  /* since the job was submitted */
	bool of_workflow; /* else of the job */
	char *state;
	char *detail; /* or "" */
};

struct story {
	/* May be read. */
	struct story_event *item;
	size_t nr;
	char *id;     /* of the job */
	char *state;  /* of the job, or NULL */
	char *reason; /* of the job, or NULL */
	char *nodes;  /* that it has, or had; or NULL */
	char *desired, *reached, *status,
		*waiting; /* of the Workflow, or NULL */
	char *errors;	  /* of drivers, ever; or NULL */
	bool seen, gone;  /* the Workflow */
	int64_t held_ms;  /* since when the job is held, or 0 */
	/* May be set. */
	bool whole;	 /* no change of the Workflow was missed */
	char *exit_code; /* as in job_facts; owned */
	char *comment;
};

#define STORY_INIT           \
	{                    \
		.item = NULL \
	}

void story_release(struct story *story);

/* What was seen. The event that it is, or NULL when it is nothing new; until
 * the next call. */
const struct story_event *story_job(struct story *story, int64_t at_ms,
				    const char *state, const char *reason,
				    const char *nodes);
const struct story_event *story_workflow(struct story *story, int64_t at_ms,
					 const struct story_view *view);
const struct story_event *story_workflow_gone(struct story *story,
					      int64_t at_ms);

/* Fill `view` from "desiredState=X currentState=Y status=Z"; the texts are
 * parts of `text`, which is cut up. False where it says something else. */
bool story_view_parse(char *text, struct story_view *view) must_check;

/* Whether job and Workflow are at their end. */
bool story_is_over(const struct story *story);

/* Whether Slurm keeps the job from going on, for an administrator to look at,
 * and nobody did anything about it for a while. */
bool story_is_held(const struct story *story, int64_t at_ms);

/* Whether the job is over, but nobody tears its Workflow down, or deletes it
 * after that: the plugin does both at once. Slurm may have killed it there, as
 * the scripts of a job that is cancelled before it runs. */
bool story_is_left(const struct story *story);

/* How long the Workflow was asked for this state; -1 where it never was. Until
 * `now_ms`, where it still is. */
int64_t story_state_ms(const struct story *story, const char *state,
		       int64_t now_ms);

/* "Proposal", ..., "Teardown" and NULL, in order. */
extern const char *const story_states[];

/* How following it ended. */
enum story_end {
	STORY_ENDED, /* story_is_over */
	STORY_LOST,  /* slurmctld no longer knows the job */
	STORY_HELD,  /* story_is_held */
	STORY_TIMED_OUT,
	STORY_INTERRUPTED
};

struct verdict {
	enum err_kind kind; /* ERR_NONE: passed; else the exit code's */
	char *what;	    /* one line */
	struct strs next;   /* what to look at, each a line */
};

#define VERDICT_INIT             \
	{                        \
		.kind = ERR_NONE \
	}

void story_judge(const struct story *story, enum story_end end,
		 struct verdict *verdict);
/* Of a job that was cancelled, and of which something stays: what to do. `ns` is
 * of the Workflow; `failure`: why we could not end that ourselves, or NULL. */
void story_judge_stay(const struct story *story, const char *ns,
		      const struct err *failure, struct verdict *verdict);

/* The Workflow stayed until we ended it. */
void story_judge_mended(const struct story *story, struct verdict *verdict);

void verdict_release(struct verdict *verdict);

#define auto_story __attribute__((cleanup(story_release)))
#define auto_verdict __attribute__((cleanup(verdict_release)))

#endif

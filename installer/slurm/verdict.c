#include "slurm/story.h"

#include <stdlib.h>

#include "base/mem.h"
#include "slurm/job.h"

static const char *or_unknown(const char *text)
{
	return str_empty(text) ? "unknown" : text;
}

/* Where the plugin writes what it does. */
static void advise_log(const struct story *story, struct verdict *verdict)
{
	strs_addf(&verdict->next,
		  "slurmctld's log (SlurmctldLogFile), lines with 'dws: job "
		  "%s': what the plugin did",
		  story->id);
}

static void advise_workflow(const struct story *story, struct verdict *verdict)
{
	strs_addf(&verdict->next,
		  "'dws-csm workflows show %s' on a master node: directives, "
		  "drivers and their errors",
		  story->id);
}

/* Something is in the way of a Workflow that is there. */
static void advise_hang(const struct story *story, struct verdict *verdict)
{
	if (!story->seen || story->gone) {
		advise_log(story, verdict);
		return;
	}
	advise_workflow(story, verdict);
	if (!str_eq(story->desired, story->reached))
		strs_add(&verdict->next,
			 "the controller of DWS has not taken the state up: "
			 "'dws-csm status', and its log: 'kubectl -n "
			 "dws-system logs deploy/dws-controller-manager'");
	else if (!str_eq(story->status, "Completed"))
		strs_addf(&verdict->next,
			  "the log of the driver that is not done%s%s",
			  str_empty(story->waiting) ? "" : ": ",
			  str_empty(story->waiting) ? "" : story->waiting);
	else
		advise_log(story, verdict);
}

/* "in DataIn (DriverWait)" of a Workflow that is there. */
static char *workflow_place(const struct story *story)
{
	if (!story->seen)
		return mem_strdup("there was no Workflow");
	if (story->gone)
		return mem_strdup("its Workflow is gone");
	if (!str_eq(story->desired, story->reached))
		return mem_printf("its Workflow was asked for %s and is in %s",
				  or_unknown(story->desired),
				  or_unknown(story->reached));
	return mem_printf("its Workflow is in %s (%s)",
			  or_unknown(story->desired),
			  or_unknown(story->status));
}

static void judge_stopped(const struct story *story, const char *how,
			  struct verdict *verdict)
{
	autofree char *place = workflow_place(story);
	bool reason = !str_empty(story->reason) &&
		      !str_eq(story->reason, "None");

	verdict->what = mem_printf("%s: job %s is %s%s%s%s, %s", how, story->id,
				   or_unknown(story->state), reason ? " (" : "",
				   reason ? story->reason : "",
				   reason ? ")" : "", place);
	if (!story->seen && str_eq(story->state, "PENDING") && reason &&
	    !str_starts(story->reason, "BurstBuffer"))
		strs_add(&verdict->next,
			 "'sinfo' and 'scontrol show partition': has the "
			 "partition a node that is free?");
	advise_hang(story, verdict);
}

static void judge_errors(const struct story *story, struct verdict *verdict)
{
	verdict->what = mem_printf("DWS failed in %s: %s",
				   or_unknown(story->reached), story->errors);
	for (size_t i = story->nr; i > 0; i--) {
		const struct story_event *event = &story->item[i - 1];

		if (!event->of_workflow || !str_starts(event->detail, "Error"))
			continue;
		free(verdict->what);
		verdict->what = mem_printf("DWS failed in %s: %s", event->state,
					   story->errors);
	}
	strs_add(&verdict->next, "the log of that driver");
	advise_log(story, verdict);
}

static void judge_without_workflow(const struct story *story,
				   struct verdict *verdict)
{
	verdict->what = mem_printf(
		"job %s ended %s, but no Workflow was seen: Slurm did not "
		"bring it to DWS",
		story->id, story->state);
	strs_add(&verdict->next,
		 "the script's '#DW' lines stand in the comments at its top");
	strs_add(&verdict->next,
		 "'Directive=DW' in burst_buffer.conf beside slurm.conf on "
		 "slurmctld's host");
	strs_add(&verdict->next,
		 "'dws-csm slurm check' on slurmctld's host: plugin and "
		 "settings");
}

static void judge_job(const struct story *story, struct verdict *verdict)
{
	bool code = !str_empty(story->exit_code) &&
		    !str_eq(story->exit_code, "0:0");

	if (str_eq(story->state, "CANCELLED")) {
		verdict->what = mem_printf("job %s was cancelled%s%s",
					   story->id,
					   story->comment ? ": " : "",
					   story->comment ? story->comment :
							    "; not by this "
							    "command");
		advise_log(story, verdict);
		return;
	}
	verdict->what = mem_printf("job %s ended %s%s%s%s%s", story->id,
				   story->state, code ? ", exit code " : "",
				   code ? story->exit_code : "",
				   story->comment ? ": " : "",
				   story->comment ? story->comment : "");
	strs_addf(&verdict->next, "the job's output, and slurmd's log on %s",
		  or_unknown(story->nodes));
}

/* States that it must have been in, and was not. */
static char *missing_states(const struct story *story)
{
	auto_strs struct strs missing = STRS_INIT;

	for (size_t i = 0; story_states[i]; i++)
		if (story_state_ms(story, story_states[i], 0) < 0 &&
		    story->whole)
			strs_add(&missing, story_states[i]);
	return missing.nr > 0 ? strs_join(&missing, ", ") : NULL;
}

static void judge_ended(const struct story *story, struct verdict *verdict)
{
	autofree char *missing = missing_states(story);

	verdict->kind = ERR_FAILED;
	if (story->errors) {
		judge_errors(story, verdict);
	} else if (!str_eq(story->state, "COMPLETED")) {
		judge_job(story, verdict);
	} else if (!story->seen) {
		judge_without_workflow(story, verdict);
	} else if (missing) {
		verdict->what = mem_printf(
			"job %s ended COMPLETED, but its Workflow was never in "
			"%s",
			story->id, missing);
		advise_log(story, verdict);
	} else {
		verdict->kind = ERR_NONE;
		verdict->what = mem_printf("job %s went through its Workflow "
					   "to the end",
					   story->id);
	}
}

static void judge_held(const struct story *story, struct verdict *verdict)
{
	verdict->kind = ERR_FAILED;
	verdict->what = mem_printf("Slurm holds job %s (%s)%s%s", story->id,
				   or_unknown(story->reason),
				   story->errors || story->comment ? ": " : "",
				   story->errors  ? story->errors :
				   story->comment ? story->comment :
						    "");
	advise_hang(story, verdict);
}

void story_judge(const struct story *story, enum story_end end,
		 struct verdict *verdict)
{
	switch (end) {
	case STORY_ENDED:
		judge_ended(story, verdict);
		break;
	case STORY_HELD:
		judge_held(story, verdict);
		break;
	case STORY_LOST:
		verdict->kind = ERR_FAILED;
		judge_stopped(story, "slurmctld no longer knows the job",
			      verdict);
		break;
	case STORY_TIMED_OUT:
		verdict->kind = ERR_TIMEOUT;
		judge_stopped(story, "not at its end in time", verdict);
		break;
	case STORY_INTERRUPTED:
		verdict->kind = ERR_INTERRUPTED;
		judge_stopped(story, "interrupted", verdict);
		break;
	}
}

/* What Slurm does with a job that is cancelled before it runs, now and then. */
static void explain_race(const struct story *story, struct verdict *verdict)
{
	strs_addf(&verdict->next,
		  "slurmctld's log: where it has 'teardown for JobId=%s "
		  "terminated by slurmctld' Slurm killed its own teardown (a "
		  "race in its scancel); 'scontrol show burst' lists the "
		  "buffer until slurmctld is restarted",
		  story->id);
}

void story_judge_mended(const struct story *story, struct verdict *verdict)
{
	strs_addf(&verdict->next,
		  "job %s was cancelled, but Slurm left its Workflow, so this "
		  "command tore it down and deleted it: no storage stays",
		  story->id);
	explain_race(story, verdict);
}

void story_judge_stay(const struct story *story, const char *ns,
		      const struct err *failure, struct verdict *verdict)
{
	bool other = !str_eq(ns, "default");
	autofree char *option = mem_printf("%s%s", other ? " --namespace=" : "",
					   other ? ns : "");
	autofree char *place = workflow_place(story);

	if (!job_state_is_final(story->state)) {
		strs_addf(&verdict->next,
			  "job %s was cancelled, but does not end: its storage "
			  "is not torn down yet; 'scontrol show job %s', and "
			  "slurmctld's log",
			  story->id, story->id);
		return;
	}
	strs_addf(&verdict->next,
		  "job %s was cancelled, but its Workflow stays: %s%s%s",
		  story->id, place, failure ? "; cannot end it: " : "",
		  failure ? failure->msg : "");
	if (!story_is_left(story)) {
		advise_hang(story, verdict);
		return;
	}
	strs_addf(&verdict->next,
		  "its storage stays allocated until slurmctld is restarted, "
		  "or: 'dws-csm workflows set-state %s Teardown --hurry%s', "
		  "'dws-csm workflows wait %s Teardown%s', 'dws-csm workflows "
		  "delete %s%s' on a master node",
		  story->id, option, story->id, option, story->id, option);
	explain_race(story, verdict);
}

void verdict_release(struct verdict *verdict)
{
	free(verdict->what);
	strs_release(&verdict->next);
}

/*
 * workflow_call - what the commands share that serve a workload manager.
 *
 * They speak to programs: the answer, one line of JSON, is on standard output,
 * and so is what went wrong, {"error": {"kind", "message"}}, with the kinds of
 * txn/workflow.h and those that a command names. What is wrong in the command
 * line is ERR_USAGE and on standard error alone.
 */
#ifndef CMD_WORKFLOW_CALL_H
#define CMD_WORKFLOW_CALL_H

#include "cmd/connect.h"
#include "cmd/settings.h"
#include "txn/workflow.h"

struct workflow_call {
	const char *name; /* of the Workflow; NULL where none is named */
	struct workflow_client client;
	/* of this file */
	struct cluster cluster;
	char *name_made;
};

/* The Workflow that an argument names: itself, or that of a job, bb<number>.
 * The caller's. */
char *workflow_name(const char *arg) must_check;

/* Check what goes into paths, and get ready. `arg` names a Workflow, or is
 * NULL. What fails is told already, as by workflow_call_end. */
int workflow_call_open(struct workflow_call *call,
		       const struct settings *settings, const char *arg,
		       struct err *err) must_check;
void workflow_call_close(struct workflow_call *call);

/* Print `answer` (taken) and return 0; where it is NULL print the error, set
 * its kind for the exit code, and return -1. `fault` NULL = by workflow_fault. */
int workflow_call_end(struct jval *answer, const char *fault, struct err *err)
	must_check;

#define auto_workflow_call __attribute__((cleanup(workflow_call_close)))

#endif

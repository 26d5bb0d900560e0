/*
 * workflow - one job's Workflow, by the rights of a workload manager alone.
 *
 * For those who serve a job and cannot wait: nothing is asked of the server
 * beside the call itself, but the version that it prefers where the caller
 * names none (a rehearsal tries the likely one first); all goes over one
 * connection; no call is repeated. (custom.h is
 * for administrators: it reads the CRD, which a workload manager may not.)
 *
 * Source: DWS, Workflow resource; Kubernetes API concepts, "Resource versions",
 * "Dry-run".
 */
#ifndef TXN_WORKFLOW_H
#define TXN_WORKFLOW_H

#include "kube/client.h"

/* On the caller's stack; `kube` and `ns` are borrowed. */
struct workflow_client {
	struct kube *kube;
	const char *ns;
	char *version;	  /* owned; NULL = to be asked for */
	int64_t deadline; /* of all calls together (clock.h) */
};

void workflow_client_init(struct workflow_client *client, struct kube *kube,
			  const char *ns, const char *version,
			  int64_t timeout_ms);
void workflow_client_release(struct workflow_client *client);

/* "Proposal", ..., "Teardown" and NULL, in the order of a job's life. */
extern const char *const workflow_states[];

/* 0 for the first state, -1 for what is none. */
int workflow_state_rank(const char *state);

/* Create it; `dry_run`: the server and its webhooks try it, nothing stays.
 * apiVersion and kind may be missing; ERR_INVALID where they are another's. */
struct jval *workflow_create(struct workflow_client *client,
			     struct jval *workflow, bool dry_run,
			     struct err *err) must_check;

struct jval *workflow_get(struct workflow_client *client, const char *name,
			  struct err *err) must_check;

/* Ask for a state. `resource_version` not NULL: only where nobody changed it
 * since, else http 409. */
struct jval *workflow_set_state(struct workflow_client *client,
				const char *name, const char *state, bool hurry,
				const char *resource_version, struct err *err)
	must_check;

struct jval *workflow_delete(struct workflow_client *client, const char *name,
			     struct err *err) must_check;

/*
 * Watch it: calls `seen` with how it stands, then for each change, until `seen`
 * returns other than 0 (which is returned), the time is over (0), or watching
 * fails. `workflow` is NULL when it is gone.
 */
int workflow_follow(struct workflow_client *client, const char *name,
		    int (*seen)(void *ctx, struct jval *workflow,
				struct err *err),
		    void *ctx, struct err *err) must_check;

/* How it stands towards a state. */
enum workflow_stand {
	WORKFLOW_UNDERWAY,
	WORKFLOW_REACHED, /* complete there, or beyond it */
	WORKFLOW_FAILED	  /* a driver reported an error */
};
enum workflow_stand workflow_stand(const struct jval *workflow,
				   const char *state);

/* The errors of its drivers in one line, else its message; the caller's. */
char *workflow_errors(const struct jval *workflow) must_check;

/*
 * What a failure of the calls above means to a program:
 *   "gone"       there is no such Workflow
 *   "exists"     there is one of that name already
 *   "conflict"   it was changed meanwhile
 *   "denied"     the server or a webhook refuses what it says
 *   "transient"  may pass: no connection, a busy server, a webhook away
 *   "fatal"      no use to try again: no rights, no kubeconfig
 */
const char *workflow_fault(const struct err *err);

#define auto_workflow_client __attribute__((cleanup(workflow_client_release)))

#endif

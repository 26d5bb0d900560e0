#include "txn/workflow.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"
#include "kube/watch.h"
#include "txn/names.h"

#define GROUP_PATH "/apis/" DWS_GROUP
#define MERGE_PATCH "application/merge-patch+json"

const char *const workflow_states[] = { "Proposal", "Setup",   "DataIn",
					"PreRun",   "PostRun", "DataOut",
					"Teardown", NULL };

int workflow_state_rank(const char *state)
{
	for (int i = 0; workflow_states[i]; i++)
		if (str_eq(workflow_states[i], state))
			return i;
	return -1;
}

void workflow_client_init(struct workflow_client *client, struct kube *kube,
			  const char *ns, const char *version,
			  int64_t timeout_ms)
{
	client->kube = kube;
	client->ns = ns;
	client->version = version ? mem_strdup(version) : NULL;
	client->deadline = deadline_in_ms(timeout_ms);
	kube_set_patience(kube, 0);
}

void workflow_client_release(struct workflow_client *client)
{
	free(client->version);
}

static int call(struct workflow_client *client,
		const struct kube_request *request, struct jval **answer,
		struct err *err)
{
	int64_t left = deadline_left_ms(client->deadline);

	/* 0 would be no limit. */
	kube_set_call_timeout(client->kube, left > 0 ? left : 1);
	if (kube_request(client->kube, request, answer, err) >= 0)
		return 0;
	if (err->http == 0 && deadline_left_ms(client->deadline) == 0)
		err->transient = true;
	return -1;
}

/* The version to speak: a word that goes into paths. */
static int find_version(struct workflow_client *client, struct err *err)
{
	const struct kube_request request = { .path = GROUP_PATH };
	autojval struct jval *group = NULL;
	const char *version;

	if (client->version)
		return 0;
	if (call(client, &request, &group, err) < 0) {
		if (kube_is_not_found(err))
			err_hint(err, "is DWS installed in this cluster?");
		return -1;
	}
	version = jval_str(group, "preferredVersion.version");
	if (str_empty(version) || strchr(version, '/'))
		return err_set(err, ERR_API,
			       "the server names no version of '%s'",
			       DWS_GROUP);
	client->version = mem_strdup(version);
	return 0;
}

/* Of one, or of all (`name` NULL); `query` with its '?', or "". */
static char *path_of(struct workflow_client *client, const char *name,
		     const char *query, struct err *err)
{
	if (find_version(client, err) < 0)
		return NULL;
	return mem_printf(GROUP_PATH "/%s/namespaces/%s/workflows%s%s%s",
			  client->version, client->ns, name ? "/" : "",
			  name ? name : "", query);
}

/* One call about one Workflow. */
static struct jval *ask(struct workflow_client *client, const char *method,
			const char *name, const struct jval *patch,
			struct err *err)
{
	autofree char *path = path_of(client, name, "", err);
	struct kube_request request = {
		.method = method,
		.path = path,
		.content_type = patch ? MERGE_PATCH : NULL,
		.body = patch,
	};
	struct jval *answer = NULL;

	if (path == NULL || call(client, &request, &answer, err) < 0)
		return NULL;
	return answer;
}

/* What stands there as apiVersion and kind, where there is any, is ours. */
static int check_type(struct workflow_client *client,
		      const struct jval *workflow, struct err *err)
{
	const char *api = jval_str(workflow, "apiVersion");
	const char *version = api ? str_after(api, DWS_GROUP "/") : NULL;

	if (jval_get(workflow, "kind") &&
	    !str_eq(jval_str(workflow, "kind"), "Workflow"))
		return err_set(err, ERR_INVALID, "'kind' is not 'Workflow'");
	if (jval_get(workflow, "apiVersion") == NULL)
		return 0;
	if (str_empty(version) || strpbrk(version, "/?#%. "))
		return err_set(err, ERR_INVALID,
			       "'apiVersion' is no version of '%s'", DWS_GROUP);
	free(client->version);
	client->version = mem_strdup(version);
	return 0;
}

static struct jval *post(struct workflow_client *client, struct jval *workflow,
			 const char *query, struct err *err)
{
	autofree char *path = path_of(client, NULL, query, err);
	struct kube_request request = {
		.method = "POST",
		.path = path,
		.body = workflow,
	};
	struct jval *answer = NULL;
	autofree char *api = NULL;

	if (path == NULL)
		return NULL;
	api = mem_printf("%s/%s", DWS_GROUP, client->version);
	jval_set_str(workflow, "apiVersion", api);
	jval_set_str(workflow, "kind", "Workflow");
	if (call(client, &request, &answer, err) < 0)
		return NULL;
	return answer;
}

/* Somebody holds locks until a rehearsal is over, and a question costs as much
 * as a guess: the likely version is tried first. -1: it is another one. */
static int try_likely_version(struct workflow_client *client,
			      struct jval *workflow, struct jval **answer,
			      struct err *err)
{
	struct err failure = ERR_INIT;

	client->version = mem_strdup(DWS_NEWEST_VERSION);
	*answer = post(client, workflow, "?dryRun=All", &failure);
	if (*answer)
		return 0;
	if (failure.http == 404 &&
	    str_eq(workflow_fault(&failure), "transient")) {
		free(mem_steal(&client->version));
		return -1;
	}
	*err = failure;
	return 0;
}

struct jval *workflow_create(struct workflow_client *client,
			     struct jval *workflow, bool dry_run,
			     struct err *err)
{
	struct jval *answer;

	if (check_type(client, workflow, err) < 0)
		return NULL;
	if (dry_run && client->version == NULL &&
	    try_likely_version(client, workflow, &answer, err) == 0)
		return answer;
	return post(client, workflow, dry_run ? "?dryRun=All" : "", err);
}

struct jval *workflow_get(struct workflow_client *client, const char *name,
			  struct err *err)
{
	return ask(client, "GET", name, NULL, err);
}

struct jval *workflow_set_state(struct workflow_client *client,
				const char *name, const char *state, bool hurry,
				const char *resource_version, struct err *err)
{
	autojval struct jval *patch = jval_new_object();

	jval_set_str(patch, "spec.desiredState", state);
	if (hurry)
		jval_set_path(patch, "spec.hurry", jval_new_bool(true));
	if (resource_version)
		jval_set_str(patch, "metadata.resourceVersion",
			     resource_version);
	return ask(client, "PATCH", name, patch, err);
}

struct jval *workflow_delete(struct workflow_client *client, const char *name,
			     struct err *err)
{
	return ask(client, "DELETE", name, NULL, err);
}

int workflow_follow(struct workflow_client *client, const char *name,
		    int (*seen)(void *ctx, struct jval *workflow,
				struct err *err),
		    void *ctx, struct err *err)
{
	autofree char *path = path_of(client, NULL, "", err);
	autofree char *query =
		mem_printf("fieldSelector=metadata.name=%s", name);
	struct watch *watch;
	bool told = false;
	int result = 0;

	if (path == NULL)
		return -1;
	watch = watch_new(client->kube, path, query);
	while (result == 0) {
		autojval struct jval *workflow = NULL;
		const char *type;

		result = watch_next(watch, deadline_left_ms(client->deadline),
				    &type, &workflow, err);
		if (result <= 0)
			break;
		/* After the list without it: there is none. */
		result = 0;
		if (strcmp(type, "DELETED") == 0 || (workflow == NULL && !told))
			result = seen(ctx, NULL, err);
		else if (workflow)
			result = seen(ctx, workflow, err);
		told = true;
	}
	watch_free(watch);
	return result;
}

enum workflow_stand workflow_stand(const struct jval *workflow,
				   const char *state)
{
	const char *present = jval_str(workflow, "status.state");
	const char *status = jval_str(workflow, "status.status");
	int rank = workflow_state_rank(present);

	if (str_eq(status, "Error"))
		return WORKFLOW_FAILED;
	if (rank > workflow_state_rank(state) ||
	    (str_eq(present, state) && str_eq(status, "Completed")))
		return WORKFLOW_REACHED;
	return WORKFLOW_UNDERWAY;
}

char *workflow_errors(const struct jval *workflow)
{
	const struct jval *drivers = jval_path(workflow, "status.drivers");
	const char *message = jval_str(workflow, "status.message");
	auto_strs struct strs texts = STRS_INIT;

	for (size_t i = 0; i < jval_len(drivers); i++) {
		const struct jval *driver = jval_at(drivers, i);
		const char *id = jval_str(driver, "driverID");
		const char *text = jval_str(driver, "error");

		if (!str_empty(text))
			strs_addf(&texts, "driver %s: %s", id ? id : "-", text);
	}
	if (texts.nr == 0)
		strs_add(&texts,
			 str_empty(message) ? "DWS gives no reason" : message);
	return strs_join(&texts, "; ");
}

/* 404 has three causes; the server's words tell them apart. */
static const char *not_found_fault(const char *text)
{
	if (strstr(text, "workflows." DWS_GROUP " \""))
		return "gone";
	return strstr(text, "namespaces \"") ? "fatal" : "transient";
}

const char *workflow_fault(const struct err *err)
{
	bool denied = strstr(err->msg, "denied the request") != NULL;

	if (err->kind == ERR_API && err->transient)
		return "transient";
	switch (err->http) {
	case 400:
	case 422:
		return "denied";
	case 403:
		return denied ? "denied" : "fatal";
	case 404:
		return not_found_fault(err->msg);
	case 409:
		return strstr(err->msg, "already exists") ? "exists" :
							    "conflict";
	default:
		/* A webhook that cannot be reached is a 500, too. */
		if (denied)
			return "denied";
		return err->http >= 500 ? "transient" : "fatal";
	}
}

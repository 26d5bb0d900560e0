#include "cmd/job_workflow.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/client.h"
#include "kube/watch.h"
#include "slurm/conf.h"
#include "slurm/job.h"
#include "slurm/site.h"
#include "txn/names.h"
#include "txn/wlm_file.h"
#include "txn/workflow.h"

#define SETTINGS "dws-burst-buffer.conf"
#define SETTINGS_MAX_BYTES 65536
#define CREDENTIAL "/etc/slurm/slurm-dws.kubeconfig"
#define NAMESPACE "default"
#define PATIENCE_MS 5000
#define CALL_MS 15000
#define CONFLICTS 5
#define CONFLICT_MS 200
#define LOOK_MS 1000
#define ORIGIN "burst_buffer.lua"

struct job_workflow {
	char *id;
	char *name;
	char *ns;
	char *credential;
	struct wlm_file file;
	struct kube *kube;
	struct watch *watch; /* NULL: slurmctld is asked */
	char *uid;	     /* of the Workflow that was seen last, or NULL */
	char *complaint;     /* that was logged last */
};

/* A setting of the plugin, or its default; the caller's. */
static char *setting(const char *text, size_t len, const char *name,
		     const char *otherwise)
{
	char *value = text ? conf_value(text, len, name) : NULL;

	if (!str_empty(value))
		return value;
	free(value);
	return mem_strdup(otherwise);
}

/* They lie beside slurm.conf. */
static void read_settings(struct job_workflow *self)
{
	const char *conf = getenv("SLURM_CONF");
	const char *slash;
	autofree char *path = NULL;
	autofree char *text = NULL;
	struct err ignored = ERR_INIT;
	size_t len = 0;

	if (str_empty(conf))
		conf = SITE_CONF;
	slash = strrchr(conf, '/');
	path = mem_printf("%.*s%s", slash ? (int)(slash - conf) + 1 : 0, conf,
			  SETTINGS);
	/* All have defaults. */
	if (file_read_regular(path, SETTINGS_MAX_BYTES, &text, &len, &ignored) <
	    0)
		len = 0;
	self->ns = setting(text, len, "Namespace", NAMESPACE);
	self->credential = setting(text, len, "Kubeconfig", CREDENTIAL);
}

/* The version of Workflows that the server prefers, and the path of those in
 * our namespace. */
static char *find_path(struct job_workflow *self, struct err *err)
{
	autojval struct jval *group =
		kube_get(self->kube, "/apis/" DWS_GROUP, err);
	auto_buf struct buf path = BUF_INIT(4096);
	const char *version;

	if (group == NULL)
		return NULL;
	version = jval_str(group, "preferredVersion.version");
	buf_addstr(&path, "/apis/" DWS_GROUP "/");
	kube_add_query(&path, NULL, version ? version : "");
	buf_addstr(&path, "/namespaces/");
	kube_add_query(&path, NULL, self->ns);
	buf_addstr(&path, "/workflows");
	if (buf_check(&path, "path", err) < 0)
		return NULL;
	return buf_steal(&path);
}

static int watch_open(struct job_workflow *self, struct err *err)
{
	autofree char *query =
		mem_printf("fieldSelector=metadata.name=%s", self->name);
	autofree char *path = NULL;

	/* It belongs to Slurm's user: nothing in it is run or followed. */
	if (wlm_file_read(&self->file, self->credential, err) < 0)
		return -1;
	self->kube = kube_new(self->file.config);
	kube_set_patience(self->kube, PATIENCE_MS);
	path = find_path(self, err);
	if (path == NULL)
		return -1;
	self->watch = watch_new(self->kube, path, query);
	return 0;
}

struct job_workflow *job_workflow_open(const char *id)
{
	struct job_workflow *self = mem_alloc(sizeof(*self));
	struct err err = ERR_INIT;

	self->id = mem_strdup(id);
	self->name = mem_printf("bb%s", id);
	read_settings(self);
	if (watch_open(self, &err) < 0)
		log_info("the Workflow is looked at through slurmctld, so "
			 "states that pass quickly are not seen: %s",
			 err.msg);
	return self;
}

void job_workflow_close(struct job_workflow *self)
{
	watch_free(self->watch);
	kube_free(self->kube);
	wlm_file_release(&self->file);
	free(self->complaint);
	free(self->uid);
	free(self->credential);
	free(self->ns);
	free(self->name);
	free(self->id);
	free(self);
}

bool job_workflow_is_watched(const struct job_workflow *self)
{
	return self->watch != NULL;
}

const char *job_workflow_name(const struct job_workflow *self)
{
	return self->name;
}

const char *job_workflow_namespace(const struct job_workflow *self)
{
	return self->ns;
}

/* "rabbit-driver (Running: 3 of 4 file systems)", of those not done; the
 * caller's, NULL for none. */
static char *waiting_drivers(const struct jval *workflow)
{
	const struct jval *drivers = jval_path(workflow, "status.drivers");
	const char *state = jval_str(workflow, "status.state");
	auto_strs struct strs list = STRS_INIT;

	for (size_t i = 0; i < jval_len(drivers); i++) {
		const struct jval *driver = jval_at(drivers, i);
		const char *id = jval_str(driver, "driverID");
		const char *status = jval_str(driver, "status");
		const char *message = jval_str(driver, "message");

		if (jval_bool(driver, "completed", false) ||
		    !str_eq(jval_str(driver, "watchState"), state))
			continue;
		strs_addf(&list, "%s (%s%s%s)", id ? id : "-",
			  status ? status : "no status",
			  str_empty(message) ? "" : ": ",
			  message ? message : "");
	}
	return list.nr > 0 ? strs_join(&list, ", ") : NULL;
}

static const struct story_event *see_object(struct story *story, int64_t at_ms,
					    const struct jval *workflow)
{
	bool failed = str_eq(jval_str(workflow, "status.status"), "Error");
	autofree char *errors = failed ? workflow_errors(workflow) : NULL;
	autofree char *waiting = waiting_drivers(workflow);
	const struct story_view view = {
		.desired = jval_str(workflow, "spec.desiredState"),
		.state = jval_str(workflow, "status.state"),
		.status = jval_str(workflow, "status.status"),
		.errors = errors,
		.waiting = waiting,
	};

	return story_workflow(story, at_ms, &view);
}

/* The same complaint once. */
static void complain(struct job_workflow *self, const char *text)
{
	if (str_eq(self->complaint, text))
		return;
	free(self->complaint);
	self->complaint = mem_strdup(text);
	log_info("the Workflow cannot be seen: %s", text);
}

static void note_uid(struct job_workflow *self, const char *uid)
{
	if (uid == NULL || str_eq(self->uid, uid))
		return;
	free(self->uid);
	self->uid = mem_strdup(uid);
}

/* One event of the watch: 1, 0 or -1 as job_workflow_wait. */
static int wait_watch(struct job_workflow *self, struct story *story,
		      int64_t began, int64_t timeout_ms,
		      const struct story_event **event, struct err *err)
{
	autojval struct jval *workflow = NULL;
	struct err failure = ERR_INIT;
	const char *type;
	int result;

	result =
		watch_next(self->watch, timeout_ms, &type, &workflow, &failure);
	if (result < 0 && failure.kind == ERR_INTERRUPTED) {
		*err = failure;
		return -1;
	}
	if (result < 0) {
		complain(self, failure.msg);
		watch_free(mem_steal(&self->watch));
		story->whole = false;
		return 0;
	}
	if (result == 0 || workflow == NULL)
		return result;
	if (strcmp(type, "DELETED") == 0) {
		*event = story_workflow_gone(story, clock_now_ms() - began);
	} else {
		note_uid(self, jval_str(workflow, "metadata.uid"));
		*event = see_object(story, clock_now_ms() - began, workflow);
	}
	return 1;
}

/* Ask slurmctld once. */
static const struct story_event *see_bbstat(struct job_workflow *self,
					    struct story *story, int64_t began)
{
	struct err failure = ERR_INIT;
	autofree char *text = job_bbstat(self->id, &failure);
	autofree char *said = NULL;
	struct story_view view;

	if (text == NULL) {
		complain(self, failure.msg);
		return NULL;
	}
	said = mem_strdup(text);
	if (story_view_parse(text, &view))
		return story_workflow(story, clock_now_ms() - began, &view);
	if (strstr(said, "no Workflow"))
		return story_workflow_gone(story, clock_now_ms() - began);
	complain(self, str_empty(said) ? "the plugin says nothing" : said);
	return NULL;
}

int job_workflow_wait(struct job_workflow *self, struct story *story,
		      int64_t began, int64_t timeout_ms, job_event_fn *tell,
		      void *ctx, struct err *err)
{
	const struct story_event *event = NULL;
	int result;

	if (self->watch) {
		result =
			wait_watch(self, story, began, timeout_ms, &event, err);
	} else {
		result = clock_sleep(timeout_ms, err);
		if (result == 0)
			event = see_bbstat(self, story, began);
	}
	if (event) {
		tell(ctx, event);
		return 1;
	}
	return result;
}

/* --- ending it ------------------------------------------------------------ */

/* Whether it is what the plugin made for this job, and what we saw. */
static int check_own(const struct job_workflow *self,
		     const struct jval *workflow, struct err *err)
{
	autofree char *number =
		mem_printf("%" PRId64, jval_int(workflow, "spec.jobID", -1));

	if (str_eq(jval_str(workflow, "metadata.labels.origin"), ORIGIN) &&
	    str_eq(jval_str(workflow, "metadata.uid"), self->uid) &&
	    str_eq(number, self->id))
		return 0;
	return err_set(err, ERR_FAILED,
		       "Workflow '%s' in namespace '%s' is not the job's any "
		       "more: left as it is",
		       self->name, self->ns);
}

/* Teardown, or where it is complete there the deletion. 1: asked for; 0: it is
 * gone; -1: failed, perhaps since it was changed meanwhile. */
static int ask_once(struct job_workflow *self, struct workflow_client *client,
		    struct err *err)
{
	autojval struct jval *workflow = workflow_get(client, self->name, err);
	autojval struct jval *answer = NULL;

	if (workflow == NULL)
		return -1;
	if (check_own(self, workflow, err) < 0)
		return -1;
	if (str_eq(jval_str(workflow, "spec.desiredState"), "Teardown") &&
	    workflow_stand(workflow, "Teardown") == WORKFLOW_REACHED)
		answer = workflow_delete(client, self->name, err);
	else
		answer = workflow_set_state(
			client, self->name, "Teardown", true,
			jval_str(workflow, "metadata.resourceVersion"), err);
	return answer ? 1 : -1;
}

/* As ask_once. The controller may write to it at the same moment. */
static int ask_for_end(struct job_workflow *self, struct err *err)
{
	struct kube *kube = kube_new(self->file.config);
	struct workflow_client client;
	struct err failure = ERR_INIT;
	struct err ignored = ERR_INIT;
	int result;

	workflow_client_init(&client, kube, self->ns, NULL, CALL_MS);
	for (int i = 1;; i++) {
		err_clear(&failure);
		result = ask_once(self, &client, &failure);
		if (result > 0 || i == CONFLICTS ||
		    !str_eq(workflow_fault(&failure), "conflict") ||
		    clock_sleep(CONFLICT_MS, &ignored) < 0)
			break;
	}
	workflow_client_release(&client);
	kube_free(kube);
	if (result < 0 && str_eq(workflow_fault(&failure), "gone"))
		return 0;
	if (result < 0)
		*err = failure;
	return result;
}

int job_workflow_end(struct job_workflow *self, struct story *story,
		     int64_t began, int64_t deadline, job_event_fn *tell,
		     void *ctx, struct err *err)
{
	if (self->uid == NULL)
		return err_set(err, ERR_FAILED,
			       "the plugin's credential is not to be read "
			       "here");
	while (!story->gone) {
		int64_t left = deadline_left_ms(deadline);
		int asked = story_is_left(story) ? ask_for_end(self, err) : 1;

		if (asked < 0)
			return -1;
		if (asked == 0) {
			tell(ctx, story_workflow_gone(story,
						      clock_now_ms() - began));
			return 0;
		}
		if (left == 0)
			return err_set(err, ERR_TIMEOUT,
				       "Workflow '%s' was asked for Teardown, "
				       "and does not go",
				       self->name);
		if (job_workflow_wait(self, story, began,
				      left < LOOK_MS ? left : LOOK_MS, tell,
				      ctx, err) < 0)
			return -1;
	}
	return 0;
}

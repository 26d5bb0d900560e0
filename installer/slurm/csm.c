#include "slurm/csm.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/inquest.h"
#include "kube/object.h"
#include "slurm/csm_text.h"

#define CONFIG_PATH \
	"/api/v1/namespaces/" CSM_NAMESPACE "/configmaps/" CSM_CONFIG
#define JOBS_PATH "/apis/batch/v1/namespaces/%s/jobs"
#define SLURMCTLD_PATH                                  \
	"/apis/apps/v1/namespaces/" CSM_SLURM_NAMESPACE \
	"/deployments/" CSM_SLURMCTLD
#define MERGE_PATCH "application/merge-patch+json"
#define ANNOTATION "dws-csm.io/slurm-config"
#define KEPT_ANNOTATION "dws-csm.io/slurm-config-was"
#define PODS_PATH "/api/v1/namespaces/" CSM_SLURM_NAMESPACE "/pods"
#define POLL_MS 500
/* Of the time for a step: 10 s of 120 s. */
#define SETTLE_PART 12
#define NOT_HERE                                                          \
	"there is no %s: Slurm does not run in a pod of CSM here, or in " \
	"another way; do it by hand as 'dws-csm slurm enable --csm' says"

static struct jval *get(struct kube *kube, const char *path, const char *what,
			struct err *err)
{
	struct jval *object = kube_get(kube, path, err);

	if (object == NULL && kube_is_not_found(err))
		err_set(err, ERR_BLOCKED, NOT_HERE, what);
	return object;
}

static const char *annotation(const struct jval *config, const char *name)
{
	const struct jval *notes = jval_path(config, "metadata.annotations");

	return jval_string(jval_get(notes, name));
}

static const char *pending(const struct jval *config)
{
	return annotation(config, ANNOTATION);
}

/* What an earlier run was about to make anew when it was killed. */
static struct jval *pending_job(const struct jval *config)
{
	const char *text = pending(config);
	struct err err = ERR_INIT;

	return text ? jval_parse(text, strlen(text), &err) : NULL;
}

/* The Job is where the ConfigMap is, or where Slurm is. */
static struct jval *get_job(struct kube *kube, const struct jval *config,
			    struct err *err)
{
	static const char *const namespaces[] = { CSM_NAMESPACE,
						  CSM_SLURM_NAMESPACE };
	struct jval *job;

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		autofree char *path =
			mem_printf(JOBS_PATH "/" CSM_JOB, namespaces[i]);

		job = kube_get(kube, path, err);
		if (job || !kube_is_not_found(err))
			return job;
		err_clear(err);
	}
	job = pending_job(config);
	if (job == NULL)
		err_set(err, ERR_BLOCKED, NOT_HERE,
			"Job '" CSM_JOB "' in namespace '" CSM_NAMESPACE "'");
	return job;
}

int csm_read(struct csm *csm, struct kube *kube, struct err *err)
{
	*csm = (struct csm){ .kube = kube };
	csm->config = get(kube, CONFIG_PATH,
			  "ConfigMap '" CSM_CONFIG
			  "' in namespace '" CSM_NAMESPACE "'",
			  err);
	if (csm->config)
		csm->job = get_job(kube, csm->config, err);
	if (csm->job)
		csm->slurmctld = get(kube, SLURMCTLD_PATH,
				     "Deployment '" CSM_SLURMCTLD
				     "' in namespace '" CSM_SLURM_NAMESPACE "'",
				     err);
	if (csm->slurmctld)
		return 0;
	csm_release(csm);
	return -1;
}

void csm_release(struct csm *csm)
{
	jval_free(csm->config);
	jval_free(csm->job);
	jval_free(csm->slurmctld);
	memset(csm, 0, sizeof(*csm));
}

bool csm_is_current(const struct csm *csm, const struct jval *next)
{
	return jval_equal(jval_get(csm->config, "data"),
			  jval_get(next, "data")) &&
	       pending(csm->config) == NULL;
}

const char *csm_kept(const struct csm *csm)
{
	return annotation(csm->config, KEPT_ANNOTATION);
}

/* Whatever happens from here on, the next run knows that slurmctld has not
 * read it, and what the Job was. */
static struct jval *with_mark(const struct csm *csm, const struct jval *config,
			      const char *kept)
{
	autojval struct jval *job = csm_job(csm->job);
	autofree char *text = jval_text(job, false);
	struct jval *copy = jval_copy(config);
	struct jval *metadata = jval_get(copy, "metadata");

	if (!jval_is_object(jval_get(metadata, "annotations")))
		jval_set(metadata, "annotations", jval_new_object());
	jval_set(jval_get(metadata, "annotations"), ANNOTATION,
		 jval_new_str(text));
	jval_set(jval_get(metadata, "annotations"), KEPT_ANNOTATION,
		 jval_new_str(kept));
	return copy;
}

int csm_put(struct csm *csm, const struct jval *next, const char *kept,
	    struct err *err)
{
	autojval struct jval *marked = with_mark(csm, next, kept);
	struct jval *answer;

	/* It carries the resourceVersion of what it was made of. */
	if (kube_call(csm->kube, "PUT", CONFIG_PATH, NULL, marked, &answer,
		      err) < 0) {
		if (!kube_is_conflict(err))
			return -1;
		return err_set(err, ERR_LOCKED,
			       "somebody changed ConfigMap '" CSM_CONFIG
			       "' just now; run this again");
	}
	jval_free(csm->config);
	csm->config = answer;
	return 0;
}

static int take_mark(struct csm *csm, struct err *err)
{
	autojval struct jval *patch = jval_pack("{s:{s:{s:n, s:n}}}",
						"metadata", "annotations",
						ANNOTATION, KEPT_ANNOTATION);

	return kube_call(csm->kube, "PATCH", CONFIG_PATH, MERGE_PATCH, patch,
			 NULL, err);
}

int csm_put_back(struct csm *csm, const struct jval *old, const char *kept,
		 struct err *err)
{
	autojval struct jval *next = jval_copy(old);

	jval_set_str(next, "metadata.resourceVersion",
		     jval_str(csm->config, "metadata.resourceVersion"));
	return csm_put(csm, next, kept, err);
}

static char *job_path(const struct csm *csm)
{
	return mem_printf(JOBS_PATH "/" CSM_JOB, object_namespace(csm->job));
}

static int delete_job(struct csm *csm, int64_t deadline, struct err *err)
{
	autojval struct jval *options =
		jval_pack("{s:s}", "propagationPolicy", "Background");
	autofree char *path = job_path(csm);
	struct jval *seen;

	if (kube_call(csm->kube, "DELETE", path, NULL, options, NULL, err) <
		    0 &&
	    !kube_is_not_found(err))
		return -1;
	err_clear(err);
	while ((seen = kube_get(csm->kube, path, err))) {
		jval_free(seen);
		if (deadline_left_ms(deadline) == 0)
			return err_set(err, ERR_TIMEOUT,
				       "Job '" CSM_JOB "' does not go away; "
				       "look at its finalizers");
		if (clock_sleep(POLL_MS, err) < 0)
			return -1;
	}
	if (!kube_is_not_found(err))
		return -1;
	err_clear(err);
	return 0;
}

/* 1 done, 0 not yet, -1 failed. */
static int job_done(const struct jval *job, struct err *err)
{
	const struct jval *failed = object_condition(job, "Failed");
	const struct jval *complete = object_condition(job, "Complete");

	if (str_eq(jval_str(complete, "status"), "True"))
		return 1;
	if (!str_eq(jval_str(failed, "status"), "True"))
		return 0;
	return err_set(err, ERR_FAILED,
		       "Job '" CSM_JOB "' failed: %s; 'kubectl -n %s logs "
		       "job/" CSM_JOB "' tells more",
		       jval_str(failed, "message") ?
			       jval_str(failed, "message") :
			       "without a message",
		       object_namespace(job));
}

static int wait_job(struct csm *csm, int64_t deadline, struct err *err)
{
	autofree char *path = job_path(csm);

	for (;;) {
		autojval struct jval *job = kube_get(csm->kube, path, err);
		int done = job ? job_done(job, err) : -1;

		/* Some Jobs are removed when they are done. */
		if (job == NULL && kube_is_not_found(err)) {
			err_clear(err);
			return 0;
		}
		if (done)
			return done < 0 ? -1 : 0;
		if (deadline_left_ms(deadline) == 0)
			return err_set(err, ERR_TIMEOUT,
				       "Job '" CSM_JOB "' has not ended; "
				       "'kubectl -n %s describe job/" CSM_JOB
				       "' tells more",
				       object_namespace(csm->job));
		if (clock_sleep(POLL_MS, err) < 0)
			return -1;
	}
}

static int roll_job(struct csm *csm, int64_t timeout_ms, struct err *err)
{
	autojval struct jval *job = csm_job(csm->job);
	autofree char *path = mem_printf(JOBS_PATH, object_namespace(csm->job));
	int64_t deadline = deadline_in_ms(timeout_ms);

	log_info("making Job '" CSM_JOB "' anew");
	if (delete_job(csm, deadline, err) < 0)
		return -1;
	if (kube_call(csm->kube, "POST", path, NULL, job, NULL, err) < 0)
		return err_wrap(err, "make Job '" CSM_JOB "' anew");
	return wait_job(csm, deadline, err);
}

/* How often containers of its pods were started again; `*pod` (the caller's) is
 * one of them. */
static int64_t count_restarts(struct csm *csm, char **pod, struct err *err)
{
	autofree char *query = inquest_pod_query(csm->slurmctld);
	autojval struct jval *deployment = NULL;
	autojval struct jval *pods = NULL;
	int64_t nr = 0;

	deployment = kube_get(csm->kube, SLURMCTLD_PATH, err);
	if (deployment)
		pods = kube_list_all(csm->kube, PODS_PATH, query, err);
	if (pods == NULL)
		return -1;
	for (size_t i = 0; i < jval_len(pods); i++) {
		const struct jval *seen = jval_at(pods, i);
		const struct jval *list =
			jval_path(seen, "status.containerStatuses");
		int64_t before = nr;

		if (!inquest_is_current(csm->kube, deployment, seen))
			continue;
		for (size_t j = 0; j < jval_len(list); j++)
			nr += jval_int(jval_at(list, j), "restartCount", 0);
		if (nr > before) {
			free(*pod);
			*pod = mem_strdup(object_name(seen));
		}
	}
	return nr;
}

/* Without a readiness probe a pod is ready before its program has read a file:
 * it must live on for a while. What it went through before it was ready, while
 * others were not there yet, is no matter. */
static int watch_slurmctld(struct csm *csm, int64_t settle_ms, struct err *err)
{
	autofree char *pod = NULL;
	int64_t before = count_restarts(csm, &pod, err);
	int64_t after;

	log_info("looking whether slurmctld stays up");
	if (before < 0 || clock_sleep(settle_ms, err) < 0)
		return -1;
	after = count_restarts(csm, &pod, err);
	if (after <= before)
		return after < 0 ? -1 : 0;
	return err_set(err, ERR_FAILED,
		       "pod '%s' ended after it was ready; 'kubectl "
		       "-n " CSM_SLURM_NAMESPACE
		       " logs --previous %s' tells why",
		       pod, pod);
}

static int roll_slurmctld(struct csm *csm, const struct wait_options *wait,
			  struct err *err)
{
	autojval struct jval *patch = NULL;
	autojval struct jval *list = jval_new_array();
	struct jval *answer;
	char when[CLOCK_RFC3339_SIZE];

	log_info("restarting Deployment '" CSM_SLURMCTLD "'");
	clock_rfc3339(when, sizeof(when), clock_wall());
	patch = jval_pack("{s:{s:{s:{s:{s:s}}}}}", "spec", "template",
			  "metadata", "annotations",
			  "kubectl.kubernetes.io/restartedAt", when);
	if (kube_call(csm->kube, "PATCH", SLURMCTLD_PATH, MERGE_PATCH, patch,
		      &answer, err) < 0)
		return -1;
	jval_append(list, answer);
	if (wait_ready(wait, list, err) < 0 ||
	    watch_slurmctld(csm, wait->timeout_ms / SETTLE_PART, err) < 0)
		return -1;
	/* It may be between two of its lives. */
	return wait_ready(wait, list, err);
}

int csm_roll(struct csm *csm, const struct wait_options *wait, struct err *err)
{
	if (roll_job(csm, wait->timeout_ms, err) < 0 ||
	    roll_slurmctld(csm, wait, err) < 0)
		return -1;
	return take_mark(csm, err);
}

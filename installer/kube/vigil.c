#include "kube/vigil.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/inquest.h"
#include "kube/object.h"
#include "kube/stuck.h"
#include "kube/trouble.h"
#include "kube/wait.h"
#include "kube/watch.h"

#define DOOM_MS 10000
#define TURN_MS 100
/* A question about a doomed pod, and the pause before the next one. */
#define ASK_TIMEOUT_MS 5000
#define ASK_AGAIN_MS 3000
#define WHY_SIZE 256

struct scene {
	const struct vigil *vigil;
	struct kube *kube;	/* busy with the watch of the object */
	struct kube *pods_kube; /* with that of its pods */
	struct kube *ask_kube;	/* for questions in between */
	struct watch *watch;
	struct watch *pods_watch; /* or NULL: it has no pods */
	bool pods_hidden;	  /* they cannot be watched */
	bool pods_seen;		  /* had a first look at them */
	bool revived;		  /* stuck ones were deleted */
	struct jval *now;	  /* the object; NULL = not there */
	struct jval *pods;	  /* name -> pod */
	struct troubles *troubles;
	int64_t doom_ms;
	enum ready_state state;
	int64_t failed_at; /* when it came to be READY_FAILED */
	bool seen;	   /* had a first look at the object */
	bool stale;	   /* it has failed since before that */
	char why[WHY_SIZE];
};

/* "deployment 'x' in namespace 'y'". */
static void add_subject(struct buf *out, const struct jval *object)
{
	for (const char *c = object_kind(object); *c; c++)
		buf_addch(out, (char)tolower((unsigned char)*c));
	buf_addf(out, " '%s'", object_name(object));
	if (object_namespace(object))
		buf_addf(out, " in namespace '%s'", object_namespace(object));
}

static int scene_open(struct scene *scene, struct err *err)
{
	const struct jval *object = scene->vigil->object;
	struct kube_config *config = scene->vigil->config;
	struct buf auto_buf query = BUF_INIT(BUF_TEXT_MAX);
	autofree char *path = NULL;

	scene->kube = kube_new(config);
	scene->pods_kube = kube_new(config);
	scene->ask_kube = kube_new(config);
	/* A log that does not come at once is not worth waiting for. */
	kube_set_patience(scene->ask_kube, 0);
	kube_set_call_timeout(scene->ask_kube, ASK_TIMEOUT_MS);
	scene->doom_ms = scene->vigil->doom_ms ? scene->vigil->doom_ms :
						 DOOM_MS;
	scene->state = READY_PROGRESSING;
	scene->pods = jval_new_object();
	scene->troubles = troubles_new(scene->doom_ms);
	path = kube_object_path(scene->vigil->discovery, scene->kube, object,
				err);
	if (path == NULL)
		return -1;
	*strrchr(path, '/') = '\0';
	buf_addstr(&query, "fieldSelector=");
	kube_add_query(&query, NULL, "metadata.name=");
	kube_add_query(&query, NULL, object_name(object));
	scene->watch = watch_new(scene->kube, path, buf_str(&query));
	snprintf(scene->why, sizeof(scene->why), "it is not there");
	return 0;
}

static void scene_close(struct scene *scene)
{
	watch_free(scene->watch);
	watch_free(scene->pods_watch);
	kube_free(scene->kube);
	kube_free(scene->pods_kube);
	kube_free(scene->ask_kube);
	jval_free(scene->now);
	jval_free(scene->pods);
	troubles_free(scene->troubles);
}

/* Only what has a template of pods has pods by its selector. */
static void watch_pods(struct scene *scene)
{
	autofree char *query = NULL;
	autofree char *path = NULL;

	if (scene->pods_watch || scene->pods_hidden ||
	    !jval_path(scene->now, "spec.template.spec") ||
	    object_namespace(scene->now) == NULL)
		return;
	query = inquest_pod_query(scene->now);
	if (query == NULL)
		return;
	path = mem_printf("/api/v1/namespaces/%s/pods",
			  object_namespace(scene->now));
	scene->pods_watch = watch_new(scene->pods_kube, path, query);
}

/* A failure that stood there already may be an earlier run's. */
static void note_state(struct scene *scene, enum ready_state state)
{
	const struct jval *progressing =
		object_condition(scene->now, "Progressing");
	bool failing = state == READY_FAILED ||
		       str_eq(jval_str(progressing, "reason"),
			      "ProgressDeadlineExceeded");

	if (state == READY_FAILED && scene->state != READY_FAILED)
		scene->failed_at = clock_now_ms();
	scene->state = state;
	scene->stale = failing && (scene->stale || !scene->seen);
	scene->seen = true;
}

/* What the object itself has to tell within one turn; 1 ready, 0, -1. */
static int look_at_object(struct scene *scene, struct err *err)
{
	const struct vigil *vigil = scene->vigil;
	int64_t left = deadline_left_ms(vigil->deadline);
	struct jval *object = NULL;
	const char *type;
	int got = watch_next(scene->watch, left < TURN_MS ? left : TURN_MS,
			     &type, &object, err);

	if (got <= 0)
		return got;
	if (object == NULL) {
		scene->seen = true;
		return 0;
	}
	jval_free(scene->now);
	scene->now = NULL;
	if (strcmp(type, "DELETED") == 0) {
		jval_free(object);
		scene->state = READY_PROGRESSING;
		snprintf(scene->why, sizeof(scene->why), "it was deleted");
		return 0;
	}
	scene->now = object;
	note_state(scene, object_ready(object, scene->why, sizeof(scene->why)));
	progress_note(vigil->item, "%s", scene->why);
	watch_pods(scene);
	return scene->state == READY_YES;
}

static void note_pod(struct scene *scene, const char *type, struct jval *pod)
{
	autofree char *name = mem_strdup(object_name(pod));
	struct doom doom;

	if (strcmp(type, "DELETED") == 0) {
		troubles_forget(scene->troubles, pod);
		jval_del(scene->pods, name);
		jval_free(pod);
		return;
	}
	doom_of_pod(&doom, pod);
	troubles_note(scene->troubles, pod, &doom, clock_now_ms());
	jval_set(scene->pods, name, pod);
}

/* Pods tell why it takes so long: one can wait without. */
static int hide_pods(struct scene *scene, const struct err *failure,
		     struct err *err)
{
	if (failure->kind == ERR_INTERRUPTED) {
		*err = *failure;
		return -1;
	}
	log_verbose("%s; going on without a look at the pods", failure->msg);
	scene->pods_hidden = true;
	watch_free(mem_steal(&scene->pods_watch));
	jval_free(scene->pods);
	scene->pods = jval_new_object();
	return 0;
}

/* What is known of the pods, until there is nothing new for a moment. */
static int look_at_pods(struct scene *scene, struct err *err)
{
	if (scene->pods_watch == NULL)
		return 0;
	for (;;) {
		struct err failure = ERR_INIT;
		struct jval *pod = NULL;
		const char *type;
		int got = watch_next(scene->pods_watch, TURN_MS / 2, &type,
				     &pod, &failure);

		if (got < 0)
			return hide_pods(scene, &failure, err);
		if (got == 0)
			return 0;
		if (pod) {
			note_pod(scene, type, pod);
		} else if (!scene->pods_seen) {
			scene->pods_seen = true;
			scene->revived = stuck_retry(scene->ask_kube,
						     scene->now,
						     scene->pods) > 0;
		}
		if (clock_check_interrupt(err) < 0)
			return -1;
	}
}

static int tell_doom(struct scene *scene, const struct doom *doom,
		     const struct jval *culprit, struct err *err)
{
	struct buf auto_buf text = BUF_INIT(BUF_TEXT_MAX);

	add_subject(&text, scene->now);
	buf_addstr(&text, " can never become ready: ");
	doom_describe(&text, doom, culprit);
	inquest_doom(scene->ask_kube, &text, doom, culprit);
	return err_set(err, ERR_FAILED, "%s", buf_str(&text));
}

/* A last look: what a watch did not tell may have changed. NULL when the pod
 * is gone or its trouble is. */
static const struct jval *pod_in_trouble(struct scene *scene,
					 const struct jval *pod)
{
	autofree char *uid = mem_strdup(jval_str(pod, "metadata.uid"));
	autofree char *path = mem_printf("/api/v1/namespaces/%s/pods/%s",
					 object_namespace(pod),
					 object_name(pod));
	struct err failure = ERR_INIT;
	struct jval *now = kube_get(scene->ask_kube, path, &failure);

	if (now == NULL && !kube_is_not_found(&failure))
		return pod;
	if (now == NULL || !str_eq(jval_str(now, "metadata.uid"), uid)) {
		note_pod(scene, "DELETED", jval_copy(pod));
		if (now)
			note_pod(scene, "ADDED", now);
		return NULL;
	}
	note_pod(scene, "MODIFIED", now);
	return troubles_believe(scene->troubles, now, clock_now_ms()) ? now :
									NULL;
}

/* A pod whose trouble is believed: 0 when it does not matter, else -1. */
static int judge_pod(struct scene *scene, const struct jval *pod,
		     struct err *err)
{
	struct doom doom;

	pod = pod_in_trouble(scene, pod);
	if (pod == NULL)
		return 0;
	if (!inquest_is_current(scene->ask_kube, scene->now, pod)) {
		troubles_rest(scene->troubles, pod,
			      deadline_in_ms(ASK_AGAIN_MS));
		return 0;
	}
	doom_of_pod(&doom, pod);
	return tell_doom(scene, &doom, pod, err);
}

static void hear_events(struct scene *scene, const struct jval *pod)
{
	autojval struct jval *events = inquest_events(scene->ask_kube, pod);

	troubles_hear(scene->troubles, pod, events);
	if (!troubles_believe(scene->troubles, pod, clock_now_ms()))
		troubles_rest(scene->troubles, pod,
			      deadline_in_ms(ASK_AGAIN_MS));
}

/* Until its controller has seen it, its pods may be those of before. */
static bool is_observed(const struct jval *object)
{
	int64_t generation = jval_int(object, "metadata.generation", 0);
	bool always_told = strcmp(object_kind(object), "Deployment") == 0;

	return jval_int(object, "status.observedGeneration",
			always_told ? 0 : generation) >= generation;
}

/* Pods on their way out still hold their place. */
static bool some_pod_leaves(const struct scene *scene)
{
	for (void *it = jval_first(scene->pods); it;
	     it = jval_next(scene->pods, it))
		if (jval_str(jval_member_value(it),
			     "metadata.deletionTimestamp"))
			return true;
	return false;
}

/* There may be room for it soon. */
static bool waits_for_room(const struct scene *scene, const struct jval *pod)
{
	struct doom doom;

	doom_of_pod(&doom, pod);
	return doom.kind == DOOM_SCHEDULE && some_pod_leaves(scene);
}

/* Troubles that are to be believed end the wait. */
static int look_for_doom(struct scene *scene, struct err *err)
{
	int64_t now = clock_now_ms();
	struct doom doom;

	if (!is_observed(scene->now))
		return 0;
	doom_of_owner(&doom, scene->now);
	troubles_note(scene->troubles, scene->now, &doom, now);
	if (troubles_believe(scene->troubles, scene->now, now))
		return tell_doom(scene, &doom, scene->now, err);
	for (void *it = jval_first(scene->pods); it;
	     it = jval_next(scene->pods, it)) {
		const struct jval *pod = jval_member_value(it);

		if (waits_for_room(scene, pod)) {
			troubles_rest(scene->troubles, pod,
				      now + scene->doom_ms);
			continue;
		}
		if (troubles_doubt(scene->troubles, pod, now))
			hear_events(scene, pod);
		/* It may change the pods: the others have their turn. */
		if (troubles_believe(scene->troubles, pod, now))
			return judge_pod(scene, pod, err);
	}
	return 0;
}

/* The first pod that is not ready, or NULL. */
static const struct jval *unready_pod(const struct scene *scene)
{
	char why[WHY_SIZE];

	for (void *it = jval_first(scene->pods); it;
	     it = jval_next(scene->pods, it)) {
		const struct jval *pod = jval_member_value(it);

		if (object_ready(pod, why, sizeof(why)) != READY_YES)
			return pod;
	}
	return NULL;
}

/* A watch can be mute without a word: a last look before the verdict. */
static bool ready_after_all(struct scene *scene)
{
	const struct vigil *vigil = scene->vigil;
	struct err unused = ERR_INIT;
	autofree char *path = kube_object_path(
		vigil->discovery, scene->ask_kube, vigil->object, &unused);
	struct jval *now = path ? kube_get(scene->ask_kube, path, &unused) :
				  NULL;

	if (now == NULL)
		return false;
	jval_free(scene->now);
	scene->now = now;
	return object_ready(now, scene->why, sizeof(scene->why)) == READY_YES;
}

/* What is known of a pod that is not ready. */
static void add_unready_pod(struct scene *scene, struct buf *text)
{
	const struct jval *pod = unready_pod(scene);
	struct doom doom;

	if (pod == NULL)
		return;
	doom_of_pod(&doom, pod);
	if (doom.kind == DOOM_NONE) {
		inquest_unready(scene->ask_kube, text, pod);
		return;
	}
	buf_addstr(text, "; ");
	doom_describe(text, &doom, pod);
	inquest_doom(scene->ask_kube, text, &doom, pod);
}

static int tell_timeout(struct scene *scene, struct err *err)
{
	struct buf auto_buf text = BUF_INIT(BUF_TEXT_MAX);

	add_subject(&text, scene->vigil->object);
	buf_addf(&text, " is not ready after %lld seconds: %s",
		 (long long)(scene->vigil->timeout_ms / 1000), scene->why);
	add_unready_pod(scene, &text);
	return err_set(err, ERR_TIMEOUT, "%s", buf_str(&text));
}

/* The object says itself that it has failed. What it said before we came it
 * may take back, and new pods need their time. */
static int look_for_failure(struct scene *scene, struct err *err)
{
	struct buf auto_buf text = BUF_INIT(BUF_TEXT_MAX);
	int64_t patience = scene->stale ? scene->doom_ms : 0;

	if (scene->state != READY_FAILED)
		return 0;
	if (scene->stale && scene->revived && patience < TROUBLE_LASTING_MS)
		patience = TROUBLE_LASTING_MS;
	if (clock_now_ms() - scene->failed_at < patience)
		return 0;
	add_subject(&text, scene->now);
	buf_addf(&text, " can never become ready: %s", scene->why);
	add_unready_pod(scene, &text);
	return err_set(err, ERR_FAILED, "%s", buf_str(&text));
}

static int scene_run(struct scene *scene, struct err *err)
{
	const struct vigil *vigil = scene->vigil;

	for (;;) {
		int ready = look_at_object(scene, err);

		if (ready != 0)
			return ready < 0 ? -1 : 0;
		if (look_at_pods(scene, err) < 0)
			return -1;
		if (scene->now && (look_for_doom(scene, err) < 0 ||
				   look_for_failure(scene, err) < 0))
			return -1;
		if (atomic_load(vigil->stop))
			return 1;
		if (deadline_left_ms(vigil->deadline) == 0)
			return ready_after_all(scene) ?
				       0 :
				       tell_timeout(scene, err);
	}
}

int vigil_keep(const struct vigil *vigil, struct err *err)
{
	struct scene scene = { .vigil = vigil };
	int result = scene_open(&scene, err);

	if (result == 0)
		result = scene_run(&scene, err);
	scene_close(&scene);
	return result;
}

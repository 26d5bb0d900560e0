#include "kube/vigil.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/inquest.h"
#include "kube/object.h"
#include "kube/wait.h"
#include "kube/watch.h"

#define DOOM_MS 10000
#define TURN_MS 100
#define WHY_SIZE 256

struct scene {
	const struct vigil *vigil;
	struct kube *kube;	/* busy with the watch of the object */
	struct kube *pods_kube; /* with that of its pods */
	struct kube *ask_kube;	/* for questions in between */
	struct watch *watch;
	struct watch *pods_watch; /* or NULL: it has no pods */
	struct jval *now;	  /* the object; NULL = not there */
	struct jval *pods;	  /* name -> pod */
	struct jval *troubles;	  /* name/kind -> monotonic ms, first seen */
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
	scene->pods = jval_new_object();
	scene->troubles = jval_new_object();
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
	jval_free(scene->troubles);
}

/* Only what has a template of pods has pods by its selector. */
static void watch_pods(struct scene *scene)
{
	autofree char *query = NULL;
	autofree char *path = NULL;

	if (scene->pods_watch || !jval_path(scene->now, "spec.template.spec") ||
	    object_namespace(scene->now) == NULL)
		return;
	query = inquest_pod_query(scene->now);
	if (query == NULL)
		return;
	path = mem_printf("/api/v1/namespaces/%s/pods",
			  object_namespace(scene->now));
	scene->pods_watch = watch_new(scene->pods_kube, path, query);
}

/* What the object itself has to tell within one turn; 1 ready, 0, -1. */
static int look_at_object(struct scene *scene, struct err *err)
{
	const struct vigil *vigil = scene->vigil;
	int64_t left = deadline_left_ms(vigil->deadline);
	struct jval *object = NULL;
	const char *type;
	enum ready_state state;
	int got = watch_next(scene->watch, left < TURN_MS ? left : TURN_MS,
			     &type, &object, err);

	if (got <= 0 || object == NULL)
		return got < 0 ? -1 : 0;
	jval_free(scene->now);
	scene->now = NULL;
	if (strcmp(type, "DELETED") == 0) {
		jval_free(object);
		snprintf(scene->why, sizeof(scene->why), "it was deleted");
		return 0;
	}
	scene->now = object;
	state = object_ready(object, scene->why, sizeof(scene->why));
	progress_note(vigil->item, "%s", scene->why);
	if (state == READY_FAILED) {
		struct buf auto_buf subject = BUF_INIT(BUF_TEXT_MAX);

		add_subject(&subject, object);
		return err_set(err, ERR_FAILED, "%s can never become ready: %s",
			       buf_str(&subject), scene->why);
	}
	watch_pods(scene);
	return state == READY_YES;
}

/* What is known of the pods, until there is nothing new for a moment. */
static int look_at_pods(struct scene *scene, struct err *err)
{
	if (scene->pods_watch == NULL)
		return 0;
	for (;;) {
		struct jval *pod = NULL;
		const char *type;
		int got = watch_next(scene->pods_watch, TURN_MS / 2, &type,
				     &pod, err);

		if (got <= 0)
			return got;
		if (pod == NULL)
			continue;
		if (strcmp(type, "DELETED") == 0) {
			jval_del(scene->pods, object_name(pod));
			jval_free(pod);
		} else {
			autofree char *name = mem_strdup(object_name(pod));

			jval_set(scene->pods, name, pod);
		}
		if (clock_check_interrupt(err) < 0)
			return -1;
	}
}

/* Since when this trouble is seen, in ms; kept in `seen` for the next turn. */
static int64_t trouble_age(struct scene *scene, struct jval *seen,
			   const char *name, enum doom_kind kind)
{
	autofree char *key = mem_printf("%s/%d", name, (int)kind);
	int64_t now = clock_now_ms();
	const struct jval *since = jval_get(scene->troubles, key);
	int64_t begun = since ? jval_integer(since) : now;

	jval_set(seen, key, jval_new_int(begun));
	return now - begun;
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

/* Troubles that have lasted long enough end the wait. */
static int look_for_doom(struct scene *scene, struct err *err)
{
	int64_t patience = scene->vigil->doom_ms;
	autojval struct jval *before = NULL;
	autojval struct jval *seen = jval_new_object();
	struct doom doom;

	if (patience == 0)
		patience = DOOM_MS;
	doom_of_owner(&doom, scene->now);
	if (doom.kind != DOOM_NONE &&
	    trouble_age(scene, seen, "", doom.kind) >= patience)
		return tell_doom(scene, &doom, scene->now, err);
	for (void *it = jval_first(scene->pods); it;
	     it = jval_next(scene->pods, it)) {
		const struct jval *pod = jval_member_value(it);

		doom_of_pod(&doom, pod);
		if (doom.kind == DOOM_NONE ||
		    trouble_age(scene, seen, object_name(pod), doom.kind) <
			    patience)
			continue;
		if (inquest_is_current(scene->ask_kube, scene->now, pod))
			return tell_doom(scene, &doom, pod, err);
	}
	before = scene->troubles;
	scene->troubles = jval_ref(seen);
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

static int tell_timeout(struct scene *scene, struct err *err)
{
	struct buf auto_buf text = BUF_INIT(BUF_TEXT_MAX);
	const struct jval *pod = unready_pod(scene);
	struct doom doom = { .kind = DOOM_NONE };

	add_subject(&text, scene->vigil->object);
	buf_addf(&text, " is not ready after %lld seconds: %s",
		 (long long)(scene->vigil->timeout_ms / 1000), scene->why);
	if (pod)
		doom_of_pod(&doom, pod);
	if (doom.kind != DOOM_NONE) {
		buf_addstr(&text, "; ");
		doom_describe(&text, &doom, pod);
		inquest_doom(scene->ask_kube, &text, &doom, pod);
	} else if (pod) {
		inquest_unready(scene->ask_kube, &text, pod);
	}
	return err_set(err, ERR_TIMEOUT, "%s", buf_str(&text));
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
		if (scene->now && look_for_doom(scene, err) < 0)
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

#include "kube/trouble.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

struct trouble {
	char *uid;
	enum doom_kind kind; /* now; DOOM_NONE = it is well */
	int64_t begun;	     /* when it came to be of this kind */
	int64_t rest_until;
	/* Of the kind it had last, as crashing pods seem well in between. */
	enum doom_kind failing;
	unsigned int failures;
	int64_t restarts;
	int64_t heard;	  /* failures that events told of; -1 = not asked */
	bool pull_failed; /* the last state was ErrImagePull */
	bool sure;
};

struct troubles {
	int64_t doom_ms;
	struct trouble *item;
	size_t nr;
};

struct troubles *troubles_new(int64_t doom_ms)
{
	struct troubles *troubles = mem_alloc(sizeof(*troubles));

	troubles->doom_ms = doom_ms;
	return troubles;
}

void troubles_free(struct troubles *troubles)
{
	if (troubles == NULL)
		return;
	for (size_t i = 0; i < troubles->nr; i++)
		free(troubles->item[i].uid);
	free(troubles->item);
	free(troubles);
}

static const char *uid_of(const struct jval *object)
{
	const char *uid = jval_str(object, "metadata.uid");

	return uid ? uid : "";
}

static struct trouble *find(const struct troubles *troubles,
			    const struct jval *object)
{
	for (size_t i = 0; i < troubles->nr; i++)
		if (strcmp(troubles->item[i].uid, uid_of(object)) == 0)
			return &troubles->item[i];
	return NULL;
}

static struct trouble *add(struct troubles *troubles, const struct jval *object)
{
	struct trouble *trouble;

	troubles->item =
		mem_resize(troubles->item, troubles->nr + 1, sizeof(*trouble));
	trouble = &troubles->item[troubles->nr++];
	memset(trouble, 0, sizeof(*trouble));
	trouble->uid = mem_strdup(uid_of(object));
	return trouble;
}

static void note_pull(struct trouble *trouble, const struct doom *doom)
{
	bool failed = str_eq(doom->reason, "ErrImagePull");

	if (trouble->failures == 0 || (failed && !trouble->pull_failed))
		trouble->failures++;
	trouble->pull_failed = failed;
	/* A back-off seldom says why; a failure does, and perhaps another
	 * reason than the one before. */
	if (failed || doom_is_sure(doom))
		trouble->sure = doom_is_sure(doom);
}

static void note_crash(struct trouble *trouble, const struct doom *doom)
{
	if (trouble->failures == 0 || doom->restarts > trouble->restarts)
		trouble->failures++;
	trouble->restarts = doom->restarts;
	trouble->sure = doom_is_sure(doom);
}

void troubles_note(struct troubles *troubles, const struct jval *object,
		   const struct doom *doom, int64_t now)
{
	struct trouble *trouble = find(troubles, object);

	if (trouble == NULL && doom->kind == DOOM_NONE)
		return;
	if (trouble == NULL)
		trouble = add(troubles, object);
	if (doom->kind != trouble->kind)
		trouble->begun = now;
	trouble->kind = doom->kind;
	if (doom->kind == DOOM_NONE) {
		trouble->pull_failed = false;
		return;
	}
	if (doom->kind != trouble->failing) {
		trouble->failing = doom->kind;
		trouble->failures = 0;
		trouble->heard = -1;
		trouble->pull_failed = false;
		trouble->sure = false;
	}
	if (doom->kind == DOOM_PULL)
		note_pull(trouble, doom);
	else if (doom->kind == DOOM_CRASH)
		note_crash(trouble, doom);
	else
		trouble->sure = true;
}

bool troubles_believe(const struct troubles *troubles,
		      const struct jval *object, int64_t now)
{
	const struct trouble *trouble = find(troubles, object);
	int64_t age;

	if (trouble == NULL || trouble->kind == DOOM_NONE ||
	    now < trouble->rest_until)
		return false;
	age = now - trouble->begun;
	return age >= troubles->doom_ms &&
	       (trouble->sure || trouble->failures > 1 ||
		age >= TROUBLE_LASTING_MS);
}

bool troubles_doubt(const struct troubles *troubles, const struct jval *object,
		    int64_t now)
{
	const struct trouble *trouble = find(troubles, object);

	return trouble && trouble->kind == DOOM_PULL &&
	       now >= trouble->rest_until &&
	       now - trouble->begun >= troubles->doom_ms &&
	       !troubles_believe(troubles, object, now);
}

void troubles_hear(struct troubles *troubles, const struct jval *object,
		   const struct jval *events)
{
	struct trouble *trouble = find(troubles, object);
	int64_t failures = doom_pull_failures(events);

	if (trouble == NULL || trouble->kind != DOOM_PULL)
		return;
	if (trouble->heard >= 0 && failures > trouble->heard)
		trouble->failures++;
	trouble->heard = failures;
	if (doom_is_sure_pull(doom_event(events)))
		trouble->sure = true;
}

void troubles_rest(struct troubles *troubles, const struct jval *object,
		   int64_t until)
{
	struct trouble *trouble = find(troubles, object);

	if (trouble)
		trouble->rest_until = until;
}

void troubles_forget(struct troubles *troubles, const struct jval *object)
{
	struct trouble *trouble = find(troubles, object);

	if (trouble == NULL)
		return;
	free(trouble->uid);
	*trouble = troubles->item[--troubles->nr];
}

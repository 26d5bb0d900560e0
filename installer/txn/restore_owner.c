#include "txn/restore_owner.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"
#include "txn/carry.h"
#include "txn/custom.h"
#include "txn/names.h"

#define SLOTS 4096
/* Owners of owners; more than DWS has, and an end to those in a circle. */
#define MAX_DEPTH 8

/* "Kind/namespace/name", and its uid, "" = it is not there. */
struct slot {
	char *key;
	char *uid;
};

struct owners {
	pthread_mutex_t lock;
	const struct jval *crds;
	struct slot slot[SLOTS]; /* the later one of two with one hash stays */
};

struct owners *owners_new(const struct jval *crds)
{
	struct owners *self = mem_alloc(sizeof(*self));

	pthread_mutex_init(&self->lock, NULL);
	self->crds = crds;
	return self;
}

static void slot_clear(struct slot *slot)
{
	free(mem_steal(&slot->key));
	free(mem_steal(&slot->uid));
}

void owners_free(struct owners *self)
{
	if (self == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		slot_clear(&self->slot[i]);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

void owners_look_again(struct owners *self)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (self->slot[i].uid && *self->slot[i].uid == '\0')
			slot_clear(&self->slot[i]);
}

/* FNV-1a. */
static struct slot *slot_of(struct owners *self, const char *key)
{
	uint32_t hash = 2166136261u;

	for (const char *c = key; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return &self->slot[hash % SLOTS];
}

/* The caller's, or NULL when it is not known. */
static char *recall(struct owners *self, const char *key)
{
	struct slot *slot = slot_of(self, key);
	char *uid = NULL;

	pthread_mutex_lock(&self->lock);
	if (str_eq(slot->key, key))
		uid = mem_strdup(slot->uid);
	pthread_mutex_unlock(&self->lock);
	return uid;
}

static void remember(struct owners *self, const char *key, const char *uid)
{
	struct slot *slot = slot_of(self, key);

	pthread_mutex_lock(&self->lock);
	slot_clear(slot);
	slot->key = mem_strdup(key);
	slot->uid = mem_strdup(uid);
	pthread_mutex_unlock(&self->lock);
}

static bool is_ours(const struct jval *owner)
{
	char group[256];

	object_group(owner, group, sizeof(group));
	return str_eq(group, DWS_GROUP);
}

static int hold(struct owners *self, struct kube *kube, const struct jval *live,
		unsigned int depth, struct err *err);

static char *ask(struct owners *self, struct kube *kube, const char *path,
		 unsigned int depth, struct err *err)
{
	autojval struct jval *owner = kube_get(kube, path, err);
	const char *uid = jval_str(owner, "metadata.uid");
	int held;

	if (owner == NULL && !kube_is_not_found(err))
		return NULL;
	if (owner == NULL) {
		err_clear(err);
		return mem_strdup("");
	}
	held = hold(self, kube, owner, depth + 1, err);
	if (held < 0)
		return NULL;
	return mem_strdup(held && uid ? uid : "");
}

/* The uid of an owner in `ns`, "" when it is not there; NULL = failure. */
static char *uid_of(struct owners *self, struct kube *kube,
		    const struct jval *owner, const char *ns,
		    unsigned int depth, struct err *err)
{
	const char *kind = jval_str(owner, "kind");
	const char *name = jval_str(owner, "name");
	const struct jval *crd = carry_crd(self->crds, kind);
	autofree char *key = mem_printf("%s/%s/%s", kind ? kind : "",
					ns ? ns : "", name ? name : "");
	autofree char *path = NULL;
	char *uid;

	if (crd == NULL || str_empty(name))
		return mem_strdup("");
	uid = recall(self, key);
	if (uid)
		return uid;
	path = custom_path(crd, ns, name);
	uid = ask(self, kube, path, depth, err);
	if (uid)
		remember(self, key, uid);
	return uid;
}

static int hold(struct owners *self, struct kube *kube, const struct jval *live,
		unsigned int depth, struct err *err)
{
	const struct jval *list = jval_path(live, "metadata.ownerReferences");
	const char *ns = object_namespace(live);

	for (size_t i = 0; depth < MAX_DEPTH && i < jval_len(list); i++) {
		const struct jval *owner = jval_at(list, i);
		autofree char *uid = NULL;

		if (!is_ours(owner))
			continue;
		uid = uid_of(self, kube, owner, ns, depth, err);
		if (uid == NULL)
			return -1;
		if (!str_eq(uid, jval_str(owner, "uid")))
			return 0;
	}
	return 1;
}

int owners_hold(struct owners *self, struct kube *kube, const struct jval *live,
		struct err *err)
{
	return hold(self, kube, live, 0, err);
}

int owners_set(struct owners *self, struct kube *kube, struct jval *object,
	       bool drop, struct err *err)
{
	struct jval *list = jval_path(object, "metadata.ownerReferences");
	const char *ns = object_namespace(object);
	size_t nr = jval_len(list), missing = 0;

	for (size_t i = nr; i-- > 0;) {
		struct jval *owner = jval_at(list, i);
		autofree char *uid = NULL;

		if (!is_ours(owner))
			continue;
		uid = uid_of(self, kube, owner, ns, 0, err);
		if (uid == NULL)
			return err_wrap(err, "look for the owner of %s '%s'",
					object_kind(object),
					object_name(object));
		if (*uid) {
			jval_set(owner, "uid", jval_new_str(uid));
			continue;
		}
		missing++;
		if (drop)
			jval_remove_at(list, i);
	}
	return drop ? nr == 0 || missing < nr : missing == 0;
}

#include "txn/rest.h"

#include "base/log.h"
#include "base/mem.h"
#include "kube/object.h"
#include "txn/backup.h"
#include "txn/inventory.h"
#include "txn/journal.h"
#include "txn/lease.h"
#include "txn/names.h"

#define BACKUP_PREFIX "dws-csm.backup."

/* Ids of the backups that are in the cluster only. */
static int lone_backups(struct kube *kube, const struct state *state,
			struct strs *ids, struct err *err)
{
	autojval struct jval *list = backup_list(kube, state, err);

	for (size_t i = 0; i < jval_len(list); i++) {
		const struct jval *places =
			jval_get(jval_at(list, i), "places");

		if (jval_len(places) == 1 &&
		    str_eq(jval_string(jval_at(places, 0)), "cluster"))
			strs_add(ids, jval_str(jval_at(list, i), "id"));
	}
	return list ? 0 : -1;
}

/* "dws-csm.backup.ID" or "dws-csm.backup.ID.3" of one of them. */
static bool belongs_to(const struct jval *object, const struct strs *ids)
{
	const char *name = str_after(object_name(object), BACKUP_PREFIX);

	for (size_t i = 0; name && i < ids->nr; i++) {
		const char *end = str_after(name, ids->item[i]);

		if (end && (*end == '\0' || *end == '.'))
			return true;
	}
	return false;
}

static bool goes(const struct jval *object, const struct strs *lone)
{
	return !str_eq(object_name(object), JOURNAL_NAME) &&
	       !(str_eq(object_kind(object), "Lease") &&
		 str_eq(object_name(object), LEASE_NAME)) &&
	       inventory_part(object) != PART_DATA && !belongs_to(object, lone);
}

struct jval *rest_of(struct kube *kube, const struct state *state,
		     const struct jval *inventory, bool *kept, struct err *err)
{
	auto_strs struct strs lone = STRS_INIT;
	struct jval *rest;

	if (state && lone_backups(kube, state, &lone, err) < 0)
		return NULL;
	rest = jval_new_array();
	for (size_t i = 0; i < jval_len(inventory); i++)
		if (goes(jval_at(inventory, i), &lone))
			jval_append(rest, jval_ref(jval_at(inventory, i)));
	for (size_t i = 0; i < lone.nr; i++)
		log_warn("backup '%s' stays in the cluster, and Namespace "
			 "'%s' with it: this host has no copy of it",
			 lone.item[i], DWS_NAMESPACE);
	*kept = lone.nr > 0;
	return rest;
}

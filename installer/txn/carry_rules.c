#include "txn/carry_rules.h"

#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"

struct rule {
	const char *kind;
	const char *path; /* "*" = each element, or each member */
	/* Its value out of the rest; NULL = none can be made. */
	struct jval *(*make)(const struct jval *object);
	/* The text that says no more than its absence; NULL = any value: it
	 * is seen again by the controllers. */
	const char *idle;
};

static struct jval *all_mounts_ready(const struct jval *object)
{
	const struct jval *mounts = jval_path(object, "status.mounts");
	bool ready = true;

	for (size_t i = 0; i < jval_len(mounts); i++)
		ready &= jval_bool(jval_at(mounts, i), "ready", false);
	return jval_new_bool(ready);
}

static struct jval *all_servers_ready(const struct jval *object)
{
	return jval_new_bool(jval_bool(object, "status.ready", false));
}

static const struct rule rules[] = {
	/* 0.1.1 on. */
	{ "ClientMount", "status.allReady", all_mounts_ready, NULL },
	{ "Servers", "status.allocationSets.*.storage.*.ready",
	  all_servers_ready, NULL },
	/* Its default: live, as all of them were before. */
	{ "Storage", "spec.mode", NULL, "Live" },
	{ "SystemConfiguration", "status.error", NULL, NULL },
};

struct adaptation {
	const struct rule *rule;
	const struct jval *object;
};

static bool is_demanded(const struct jval *schema, const char *name)
{
	const struct jval *required = jval_get(schema, "required");

	for (size_t i = 0; i < jval_len(required); i++)
		if (str_eq(jval_string(jval_at(required, i)), name))
			return true;
	return false;
}

static void adapt_field(const struct adaptation *self, struct jval *value,
			const struct jval *schema, const char *name)
{
	const struct rule *rule = self->rule;
	const struct jval *field = jval_get(value, name);
	bool known = jval_get(jval_get(schema, "properties"), name) != NULL;

	if (!jval_is_object(value))
		return;
	if (field == NULL && known && rule->make && is_demanded(schema, name))
		jval_set(value, name, rule->make(self->object));
	else if (field && !known &&
		 (rule->idle == NULL || str_eq(jval_string(field), rule->idle)))
		jval_del(value, name);
}

static void adapt_below(const struct adaptation *self, struct jval *value,
			const struct jval *schema, const char *path);

static void adapt_each(const struct adaptation *self, struct jval *value,
		       const struct jval *schema, const char *path)
{
	const struct jval *items = jval_get(schema, "items");
	const struct jval *members = jval_get(schema, "additionalProperties");

	for (size_t i = 0; jval_is_array(value) && i < jval_len(value); i++)
		adapt_below(self, jval_at(value, i), items, path);
	for (void *it = jval_is_object(value) ? jval_first(value) : NULL; it;
	     it = jval_next(value, it))
		adapt_below(self, jval_member_value(it), members, path);
}

/* `path` is what is left to go. */
static void adapt_below(const struct adaptation *self, struct jval *value,
			const struct jval *schema, const char *path)
{
	const char *dot = strchrnul(path, '.');
	autofree char *name = mem_strndup(path, (size_t)(dot - path));

	if (*dot == '\0')
		adapt_field(self, value, schema, name);
	else if (str_eq(name, "*"))
		adapt_each(self, value, schema, dot + 1);
	else
		adapt_below(self, jval_get(value, name),
			    jval_get(jval_get(schema, "properties"), name),
			    dot + 1);
}

void carry_adapt(struct jval *object, const struct jval *schema)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct adaptation self = { &rules[i], object };

		if (str_eq(object_kind(object), rules[i].kind))
			adapt_below(&self, object, schema, rules[i].path);
	}
}

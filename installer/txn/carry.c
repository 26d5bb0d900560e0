#include "txn/carry.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "bundle/schema.h"
#include "kube/object.h"
#include "txn/carry_rules.h"
#include "txn/custom.h"
#include "txn/names.h"

#define PROBLEMS_TOLD 20

typedef void tell_problem(void *ctx, const char *field, const char *why);

const struct jval *carry_crd(const struct jval *objects, const char *kind)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);

		if (str_eq(object_kind(object), "CustomResourceDefinition") &&
		    str_eq(jval_str(object, "spec.group"), DWS_GROUP) &&
		    str_eq(jval_str(object, "spec.names.kind"), kind))
			return object;
	}
	return NULL;
}

static bool is_abandoned(const struct carry *carry, const char *kind)
{
	for (size_t i = 0; carry->abandon && i < carry->abandon->nr; i++)
		if (strcasecmp(carry->abandon->item[i], kind) == 0)
			return true;
	return false;
}

static void set_version(struct jval *object, const struct jval *crd)
{
	autofree char *version =
		mem_printf(DWS_GROUP "/%s", custom_storage_version(crd));

	jval_set_str(object, "apiVersion", version);
}

/* Owners are of the target's versions, too. */
static void set_owner_versions(const struct carry *carry, struct jval *object)
{
	struct jval *owners = jval_path(object, "metadata.ownerReferences");

	for (size_t i = 0; i < jval_len(owners); i++) {
		struct jval *owner = jval_at(owners, i);
		const struct jval *crd =
			carry_crd(carry->objects, jval_str(owner, "kind"));
		char group[256];

		object_group(owner, group, sizeof(group));
		if (crd && str_eq(group, DWS_GROUP))
			set_version(owner, crd);
	}
}

/* What a user may write of metadata; all else is the server's. */
static struct jval *kept_metadata(const struct jval *resource)
{
	static const char *const kept[] = { "name",	  "namespace",
					    "labels",	  "annotations",
					    "finalizers", "ownerReferences" };
	const struct jval *old = jval_get(resource, "metadata");
	struct jval *metadata = jval_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (jval_get(old, kept[i]))
			jval_set(metadata, kept[i],
				 jval_copy(jval_get(old, kept[i])));
	return metadata;
}

/* The resource as the target shall have it; each problem is told. */
static struct jval *rewrite(const struct carry *carry,
			    const struct jval *resource, tell_problem *tell,
			    void *ctx)
{
	const struct jval *crd =
		carry_crd(carry->objects, object_kind(resource));
	const struct jval *schema = schema_of(crd, NULL);
	struct jval *object = jval_copy(resource);

	jval_set(object, "metadata", kept_metadata(resource));
	if (crd == NULL) {
		tell(ctx, "kind", "is not known");
		return object;
	}
	set_version(object, crd);
	set_owner_versions(carry, object);
	if (schema) {
		carry_adapt(object, schema);
		schema_check(schema, object, tell, ctx);
	}
	return object;
}

struct first {
	char *field;
	char *why;
	size_t nr;
};

static void note_first(void *ctx, const char *field, const char *why)
{
	struct first *first = ctx;

	if (first->nr++ > 0)
		return;
	first->field = mem_strdup(field);
	first->why = mem_strdup(why);
}

static int refuse(const char *kind, const char *ns, const char *name,
		  const char *field, const char *why, struct err *err)
{
	return err_set(err, ERR_BLOCKED,
		       "the release does not take %s '%s' in namespace '%s': "
		       "'%s' %s",
		       kind, name, ns ? ns : "", field, why);
}

static int hint_abandon(const char *kind, struct err *err)
{
	return err_hint(err,
			"change it, or leave all of this kind behind with "
			"--abandon-resources %s",
			kind);
}

struct jval *carry_object(const struct carry *carry,
			  const struct jval *resource, struct err *err)
{
	const char *kind = object_kind(resource);
	autojval struct jval *object = NULL;
	struct first first = { .nr = 0 };

	if (str_eq(kind, "Workflow") || is_abandoned(carry, kind))
		return NULL;
	object = rewrite(carry, resource, note_first, &first);
	if (first.nr == 0)
		return mem_steal(&object);
	refuse(kind, object_namespace(resource), object_name(resource),
	       first.field, first.why, err);
	hint_abandon(kind, err);
	free(first.field);
	free(first.why);
	return NULL;
}

/* What is found out about one kind. */
struct survey {
	const struct carry *carry;
	const struct jval *resource; /* the one that is looked at */
	struct jval *problems;
	bool abandoned; /* so nothing of it is a problem */
	int64_t count;
	int64_t nr_problems;
};

static void note_problem(void *ctx, const char *field, const char *why)
{
	struct survey *self = ctx;
	struct jval *problem;

	if (self->nr_problems++ >= PROBLEMS_TOLD)
		return;
	problem = jval_new_object();
	jval_set_str(problem, "namespace", object_namespace(self->resource));
	jval_set_str(problem, "name", object_name(self->resource));
	jval_set_str(problem, "field", field);
	jval_set_str(problem, "why", why);
	jval_append(self->problems, problem);
}

static int survey_item(void *ctx, struct jval *object, struct err *err)
{
	struct survey *self = ctx;

	(void)err;
	self->resource = object;
	self->count++;
	if (self->abandoned)
		return 0;
	jval_free(rewrite(self->carry, object, note_problem, self));
	return 0;
}

static int survey_restart(void *ctx, struct err *err)
{
	struct survey *self = ctx;

	(void)err;
	jval_free(self->problems);
	self->problems = jval_new_array();
	self->count = 0;
	self->nr_problems = 0;
	return 0;
}

static struct jval *survey_kind(const struct carry *carry, struct kube *kube,
				const struct jval *crd, struct err *err)
{
	const char *kind = jval_str(crd, "spec.names.kind");
	const struct jval *target = carry_crd(carry->objects, kind);
	struct survey self = {
		.carry = carry,
		.abandoned = is_abandoned(carry, kind),
		.problems = jval_new_array(),
	};
	struct kube_visitor visitor = { survey_item, survey_restart, &self };

	if (custom_each(kube, crd, &visitor, err) < 0) {
		jval_free(self.problems);
		err_wrap(err, "list custom resources '%s'", object_name(crd));
		return NULL;
	}
	return jval_pack("{s:s, s:I, s:s, s:s?, s:b, s:I, s:o}", "kind", kind,
			 "count", self.count, "from",
			 custom_storage_version(crd), "to",
			 target ? custom_storage_version(target) : NULL,
			 "abandoned", self.abandoned, "nrProblems",
			 self.nr_problems, "problems", self.problems);
}

struct jval *carry_survey(const struct carry *carry, struct kube *kube,
			  const struct jval *crds, struct err *err)
{
	autojval struct jval *report = jval_new_array();

	for (size_t i = 0; i < jval_len(crds); i++) {
		const struct jval *crd = jval_at(crds, i);
		struct jval *kind;

		if (str_eq(jval_str(crd, "spec.names.kind"), "Workflow"))
			continue;
		kind = survey_kind(carry, kube, crd, err);
		if (kind == NULL)
			return NULL;
		jval_append(report, kind);
	}
	return mem_steal(&report);
}

int carry_refuse(const struct jval *report, struct err *err)
{
	const struct jval *problem = NULL;
	const char *kind = NULL;
	int64_t nr = 0;

	for (size_t i = 0; i < jval_len(report); i++) {
		const struct jval *one = jval_at(report, i);

		if (jval_int(one, "nrProblems", 0) == 0)
			continue;
		nr += jval_int(one, "nrProblems", 0);
		if (problem)
			continue;
		problem = jval_at(jval_get(one, "problems"), 0);
		kind = jval_str(one, "kind");
	}
	if (problem == NULL)
		return 0;
	refuse(kind, jval_str(problem, "namespace"), jval_str(problem, "name"),
	       jval_str(problem, "field"), jval_str(problem, "why"), err);
	if (nr > 1)
		err_hint(err, "and there %s %lld more", nr == 2 ? "is" : "are",
			 (long long)nr - 1);
	return hint_abandon(kind, err);
}

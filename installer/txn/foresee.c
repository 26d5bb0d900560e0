#include "txn/foresee.h"

#include "base/mem.h"
#include "kube/object.h"
#include "txn/diff.h"
#include "txn/prune.h"

static void add_step(struct plan *plan, const char *action, const char *why,
		     const struct jval *object)
{
	const char *ns = object_namespace(object);
	autofree char *label = object_label(object);

	plan_add(plan, action, why, "%s%s%s", label, ns ? " in " : "",
		 ns ? ns : "");
}

/* --- asked of the server ---------------------------------------------------- */

struct foresight {
	const struct jval *objects;
	bool namespace_stands;
	size_t *number; /* of each that is asked, among all */
	struct jval **live, **made;
	enum apply_result *result;
};

static void foresee_seen(void *ctx, size_t index, const struct jval *live,
			 const struct jval *made)
{
	struct foresight *self = ctx;
	size_t number = self->number[index];

	self->live[number] = live ? jval_copy(live) : NULL;
	self->made[number] = made ? jval_copy(made) : NULL;
}

static int foresee_ask(struct foresight *self, const struct deploy *deploy,
		       struct err *err)
{
	size_t nr = jval_len(self->objects);
	autojval struct jval *asked = jval_new_array();
	autofree enum apply_result *answers =
		mem_array(nr + 1, sizeof(*answers));
	const struct apply_options options = {
		.config = deploy->config,
		.discovery = deploy->discovery,
		.dry_run = true,
		.seen = foresee_seen,
		.seen_ctx = self,
	};

	for (size_t i = 0; i < nr; i++) {
		struct jval *object = jval_at(self->objects, i);

		self->result[i] = APPLY_CREATED;
		if (!self->namespace_stands && object_namespace(object))
			continue;
		self->number[jval_len(asked)] = i;
		jval_append(asked, jval_ref(object));
	}
	if (apply_objects(&options, asked, answers, err) < 0)
		return -1;
	for (size_t i = 0; i < jval_len(asked); i++)
		self->result[self->number[i]] = answers[i];
	return 0;
}

static int foresee_tell(const struct foresight *self, struct plan *plan)
{
	static const char *const actions[] = {
		[APPLY_CREATED] = "create",
		[APPLY_CHANGED] = "change",
		[APPLY_UNCHANGED] = "keep",
	};
	int changed = 0;

	for (size_t i = 0; i < jval_len(self->objects); i++) {
		enum apply_result result = self->result[i];
		auto_buf struct buf diff = BUF_INIT(BUF_TEXT_MAX);
		bool differs =
			result == APPLY_CHANGED &&
			diff_objects(&diff, self->live[i], self->made[i]);
		bool taken_over = result == APPLY_CHANGED && !differs;

		add_step(plan, actions[result],
			 taken_over ? "taken over from kubectl apply" : NULL,
			 jval_at(self->objects, i));
		if (differs)
			plan_set_diff(plan, buf_str(&diff));
		changed |= result != APPLY_UNCHANGED;
	}
	return changed;
}

int foresee_apply(const struct deploy *deploy, bool namespace_stands,
		  const struct jval *objects, struct plan *plan,
		  struct err *err)
{
	size_t nr = jval_len(objects);
	struct foresight self = {
		.objects = objects,
		.namespace_stands = namespace_stands,
		.number = mem_array(nr + 1, sizeof(*self.number)),
		.live = mem_array(nr + 1, sizeof(struct jval *)),
		.made = mem_array(nr + 1, sizeof(struct jval *)),
		.result = mem_array(nr + 1, sizeof(*self.result)),
	};
	int result = foresee_ask(&self, deploy, err);

	if (result == 0)
		result = foresee_tell(&self, plan);
	for (size_t i = 0; i < nr; i++) {
		jval_free(self.live[i]);
		jval_free(self.made[i]);
	}
	free(self.number);
	free(self.live);
	free(self.made);
	free(self.result);
	return result;
}

/* --- from records ----------------------------------------------------------- */

static const struct jval *find(const struct jval *objects,
			       const struct jval *object)
{
	for (size_t i = 0; i < jval_len(objects); i++)
		if (object_is_same(jval_at(objects, i), object))
			return jval_at(objects, i);
	return NULL;
}

static void foresee_one(const struct jval *before, const struct jval *after,
			struct plan *plan)
{
	auto_buf struct buf diff = BUF_INIT(BUF_TEXT_MAX);

	if (before == NULL) {
		add_step(plan, "create", NULL, after);
	} else if (diff_objects(&diff, before, after)) {
		add_step(plan, "change", NULL, after);
		plan_set_diff(plan, buf_str(&diff));
	} else {
		add_step(plan, "keep", NULL, after);
	}
}

void foresee_replace(const struct jval *now, const struct jval *next,
		     struct plan *plan)
{
	autojval struct jval *gone = prune_list(now, next);

	for (size_t i = 0; i < jval_len(gone); i++)
		add_step(plan, "delete", next ? "not part of it" : NULL,
			 jval_at(gone, i));
	for (size_t i = 0; i < jval_len(next); i++)
		foresee_one(find(now, jval_at(next, i)), jval_at(next, i),
			    plan);
}

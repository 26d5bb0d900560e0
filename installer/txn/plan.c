#include "txn/plan.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/version.h"
#include "format/yaml.h"

#define PLAN_MAX_BYTES ((size_t)64 << 20)
#define MOVED_TOLD 3 /* steps that are named of each sort */

void plan_release(struct plan *plan)
{
	jval_free(plan->steps);
	plan->steps = NULL;
	strs_release(&plan->notes);
	strs_release(&plan->problems);
	free(plan->back);
	plan->back = NULL;
	free(plan->bundle);
	plan->bundle = NULL;
}

void plan_add(struct plan *plan, const char *action, const char *why,
	      const char *fmt, ...)
{
	autofree char *thing = NULL;
	struct jval *step;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&thing, fmt, args) < 0)
		abort();
	va_end(args);
	/* A thing may be named by a path, which need not be UTF-8. */
	step = jval_new_object();
	jval_set_str(step, "action", action);
	jval_set_str(step, "thing", thing);
	if (why)
		jval_set_str(step, "why", why);
	if (plan->steps == NULL)
		plan->steps = jval_new_array();
	jval_append(plan->steps, step);
}

static struct jval *last_step(const struct plan *plan)
{
	return jval_at(plan->steps, jval_len(plan->steps) - 1);
}

void plan_set_diff(struct plan *plan, const char *diff)
{
	jval_set_str(last_step(plan), "diff", diff);
}

void plan_set_number(struct plan *plan, const char *name, int64_t number)
{
	jval_set(last_step(plan), name, jval_new_int(number));
}

void plan_append(struct plan *plan, const struct plan *more)
{
	if (plan->steps == NULL)
		plan->steps = jval_new_array();
	for (size_t i = 0; i < jval_len(more->steps); i++)
		jval_append(plan->steps, jval_ref(jval_at(more->steps, i)));
}

static struct jval *strs_value(const struct strs *list)
{
	struct jval *value = jval_new_array();

	for (size_t i = 0; i < list->nr; i++)
		jval_append(value, jval_new_str(list->item[i]));
	return value;
}

struct jval *plan_value(const struct plan *plan)
{
	struct jval *value = jval_pack(
		"{s:o, s:o, s:o, s:o}", "steps",
		plan->steps ? jval_ref(plan->steps) : jval_new_array(), "notes",
		strs_value(&plan->notes), "problems",
		strs_value(&plan->problems), "back", jval_new_str(plan->back));

	if (plan->bundle)
		jval_set_str(value, "bundle", plan->bundle);
	return value;
}

int plan_refuse(const struct plan *plan, struct err *err)
{
	size_t nr = plan->problems.nr;

	if (nr == 0)
		return 0;
	err_set(err, ERR_BLOCKED, "%s", plan->problems.item[0]);
	if (nr > 1)
		err_hint(err, "and %zu more problem%s", nr - 1,
			 nr == 2 ? "" : "s");
	return -1;
}

int plan_note_problem(struct plan *plan, struct err *err)
{
	if (err->kind != ERR_BLOCKED)
		return -1;
	strs_add(&plan->problems, err->msg);
	err_clear(err);
	return 0;
}

static char *steps_digest(const struct jval *steps)
{
	autofree char *text = steps ? jval_text(steps, true) : mem_strdup("[]");
	char digest[DIGEST_SIZE];

	digest_of(text, strlen(text), digest);
	return mem_strdup(digest);
}

char *plan_digest(const struct plan *plan)
{
	return steps_digest(plan->steps);
}

/* --- in a file -------------------------------------------------------------- */

static bool path_is_yaml(const char *path)
{
	return str_ends(path, ".yaml") || str_ends(path, ".yml");
}

int plan_save(const struct plan *plan, const struct jval *meta,
	      const char *path, struct err *err)
{
	autojval struct jval *value = jval_new_object();
	autofree char *digest = plan_digest(plan);
	autofree char *json = NULL;
	auto_buf struct buf yaml = BUF_INIT(PLAN_MAX_BYTES);
	const char *text;

	jval_set_str(value, "dws-csm", version_string());
	for (void *it = jval_first(meta); it; it = jval_next(meta, it))
		jval_set(value, jval_member_name(it),
			 jval_ref(jval_member_value(it)));
	jval_set_str(value, "digest", digest);
	jval_set(value, "plan", plan_value(plan));
	if (path_is_yaml(path)) {
		yaml_dump(&yaml, value);
		text = buf_str(&yaml);
	} else {
		json = jval_pretty(value);
		text = json;
	}
	if (buf_check(&yaml, path, err) < 0)
		return -1;
	return file_replace(AT_FDCWD, path, 0644, text, strlen(text), err);
}

static int check_file(const struct jval *value, struct err *err)
{
	const struct jval *steps = jval_path(value, "plan.steps");
	const char *version = jval_str(value, "dws-csm");
	autofree char *digest = NULL;

	if (!jval_str(value, "operation") || !version ||
	    !jval_str(value, "digest") || !jval_is_array(steps))
		return err_set(err, ERR_INVALID,
			       "it is no plan: 'dws-csm plan -o FILE' writes "
			       "one");
	if (!str_eq(version, version_string()))
		return err_set(err, ERR_BLOCKED,
			       "the plan was made by dws-csm %s, this is %s; "
			       "make it anew with 'dws-csm plan -o FILE'",
			       version, version_string());
	digest = steps_digest(steps);
	if (!str_eq(digest, jval_str(value, "digest")))
		return err_set(err, ERR_INVALID,
			       "its steps are not those its digest is of: it "
			       "was edited; make it anew with 'dws-csm plan -o "
			       "FILE'");
	return 0;
}

struct jval *plan_load(const char *path, struct err *err)
{
	autofree char *text = NULL;
	autojval struct jval *value = NULL;
	size_t len;

	if (file_read(AT_FDCWD, path, PLAN_MAX_BYTES, &text, &len, err) < 0)
		return NULL;
	value = path_is_yaml(path) ? yaml_parse(text, len, err) :
				     jval_parse(text, len, err);
	if (value == NULL || check_file(value, err) < 0) {
		err_wrap(err, "plan '%s'", path);
		return NULL;
	}
	return mem_steal(&value);
}

/* --- whether it still holds ------------------------------------------------- */

static void add_texts(struct strs *texts, const struct jval *steps)
{
	for (size_t i = 0; i < jval_len(steps); i++)
		strs_take(texts, jval_text(jval_at(steps, i), true));
}

/* The steps that the other has not: "change deployment.apps/x, ...". Empty
 * where there is none. */
static char *missing(const struct jval *steps, const struct jval *other)
{
	auto_strs struct strs texts = STRS_INIT, others = STRS_INIT;
	auto_buf struct buf list = BUF_INIT(BUF_TEXT_MAX);
	size_t nr = 0;

	add_texts(&texts, steps);
	add_texts(&others, other);
	for (size_t i = 0; i < texts.nr; i++) {
		const struct jval *step = jval_at(steps, i);

		if (strs_has(&others, texts.item[i]))
			continue;
		if (nr++ < MOVED_TOLD)
			buf_addf(&list, "%s%s %s", nr > 1 ? ", " : "",
				 jval_str(step, "action"),
				 jval_str(step, "thing"));
	}
	if (nr > MOVED_TOLD)
		buf_addf(&list, " and %zu more", nr - MOVED_TOLD);
	return buf_steal(&list);
}

static int check_bundle(const char *bundle, const char *planned,
			struct err *err)
{
	if (str_eq(bundle, planned))
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "nothing was changed: the plan was made with %s%s, and "
		       "this is %s%s; give the same one with --bundle, or make "
		       "the plan anew with 'dws-csm plan'",
		       planned ? "bundle " : "no bundle",
		       planned ? planned : "", bundle ? "bundle " : "none",
		       bundle ? bundle : "");
}

int plan_check_same(const struct plan *plan, const struct jval *saved,
		    struct err *err)
{
	const struct jval *steps = jval_path(saved, "plan.steps");
	autofree char *digest = plan_digest(plan);
	autofree char *comes = NULL, *goes = NULL;

	if (check_bundle(plan->bundle, jval_str(saved, "plan.bundle"), err) < 0)
		return -1;
	if (str_eq(digest, jval_str(saved, "digest")))
		return 0;
	comes = missing(plan->steps, steps);
	goes = missing(steps, plan->steps);
	return err_set(err, ERR_BLOCKED,
		       "nothing was changed: the cluster is not as it was when "
		       "the plan was made; now it would be [%s] in place of "
		       "[%s]; make the plan anew with 'dws-csm plan'",
		       comes, goes);
}

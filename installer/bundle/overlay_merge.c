#include "bundle/overlay_merge.h"

#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "bundle/overlay_place.h"
#include "kube/object.h"

#define DELETE_FROM "$deleteFromPrimitiveList/"

/* Where the merge is: a chain up to the object itself. */
struct at {
	const struct at *up; /* NULL = the object */
	const char *name;
	const char *kind;
	enum overlay_place place;
};

enum directive { MERGE, REPLACE, DELETE };

static struct at at_member(const struct at *up, const char *name)
{
	return (struct at){
		.up = up,
		.name = name,
		.kind = up->kind,
		.place = overlay_place_member(up->place, up->kind, name),
	};
}

static void path_add(struct buf *path, const struct at *at)
{
	if (at->up == NULL)
		return;
	path_add(path, at->up);
	buf_addf(path, "%s%s", path->len ? "." : "", at->name);
}

static int refuse(const struct at *at, struct err *err, const char *why)
{
	auto_buf struct buf path = BUF_INIT(BUF_TEXT_MAX);

	path_add(&path, at);
	return err_set(err, ERR_INVALID, "field '%s' %s", buf_str(&path), why);
}

static int directive_of(const struct at *at, const struct jval *patch,
			enum directive *directive, struct err *err)
{
	const struct jval *value = jval_get(patch, "$patch");
	const char *text = jval_string(value);

	*directive = MERGE;
	if (value == NULL || str_eq(text, "merge"))
		return 0;
	*directive = str_eq(text, "delete") ? DELETE : REPLACE;
	if (*directive == DELETE || str_eq(text, "replace"))
		return 0;
	return refuse(at, err,
		      "has a '$patch' that is not delete, replace or merge");
}

static bool is_alone(const struct jval *element)
{
	return jval_len(element) == 1 && jval_get(element, "$patch");
}

/* What the element {$patch: ...} of a list says. */
static int list_directive(const struct at *at, const struct jval *patch,
			  enum directive *directive, struct err *err)
{
	*directive = MERGE;
	for (size_t i = 0; i < jval_len(patch); i++)
		if (is_alone(jval_at(patch, i)))
			return directive_of(at, jval_at(patch, i), directive,
					    err);
	return 0;
}

static bool has_value(const struct jval *list, const struct jval *value)
{
	for (size_t i = 0; i < jval_len(list); i++)
		if (jval_equal(jval_at(list, i), value))
			return true;
	return false;
}

static int retain_keys(const struct at *at, struct jval *dst,
		       const struct jval *keys, struct err *err)
{
	auto_strs struct strs doomed = STRS_INIT;

	if (!jval_is_array(keys))
		return refuse(at, err, "has a '$retainKeys' that is no list");
	for (void *it = jval_first(dst); it; it = jval_next(dst, it)) {
		autojval struct jval *name = jval_new_str(jval_member_name(it));

		if (!has_value(keys, name))
			strs_add(&doomed, jval_member_name(it));
	}
	for (size_t i = 0; i < doomed.nr; i++)
		jval_del(dst, doomed.item[i]);
	return 0;
}

static int delete_values(const struct at *at, struct jval *dst,
			 const char *name, const struct jval *values,
			 struct err *err)
{
	struct jval *list = jval_get(dst, name);

	if (!jval_is_array(values))
		return refuse(at, err,
			      "has a '$deleteFromPrimitiveList' that is no "
			      "list");
	for (size_t i = jval_len(list); i-- > 0;)
		if (has_value(values, jval_at(list, i)))
			jval_remove_at(list, i);
	return 0;
}

/* 1 when the member of the patch was a directive. */
static int try_directive(const struct at *at, struct jval *dst,
			 const char *name, const struct jval *value,
			 struct err *err)
{
	const char *list = str_after(name, DELETE_FROM);

	if (strcmp(name, "$patch") == 0)
		return 1;
	if (strcmp(name, "$retainKeys") == 0)
		return retain_keys(at, dst, value, err) < 0 ? -1 : 1;
	if (list)
		return delete_values(at, dst, list, value, err) < 0 ? -1 : 1;
	if (str_starts(name, "$setElementOrder/"))
		return refuse(at, err,
			      "has '$setElementOrder', which is not supported");
	return 0;
}

static int merge_member(const struct at *at, struct jval *dst,
			const struct jval *patch, struct err *err);

static int merge_members(const struct at *at, struct jval *dst,
			 const struct jval *patch, struct err *err)
{
	for (void *it = jval_first(patch); it; it = jval_next(patch, it)) {
		const char *name = jval_member_name(it);
		const struct jval *value = jval_member_value(it);
		struct at member = at_member(at, name);
		int was = try_directive(at, dst, name, value, err);

		if (was < 0)
			return -1;
		if (was == 0 && merge_member(&member, dst, value, err) < 0)
			return -1;
	}
	return 0;
}

static bool same_keys(const struct overlay_keys *keys, const struct jval *a,
		      const struct jval *b)
{
	const struct jval *also_a, *also_b;

	if (!jval_is_object(a) || !jval_get(a, keys->key) ||
	    !jval_equal(jval_get(a, keys->key), jval_get(b, keys->key)))
		return false;
	if (keys->also == NULL)
		return true;
	also_a = jval_get(a, keys->also);
	also_b = jval_get(b, keys->also);
	return also_a == NULL || also_b == NULL || jval_equal(also_a, also_b);
}

/* Number of the element that `patch` means; that of `old` where none is. */
static size_t find_element(const struct jval *old,
			   const struct overlay_keys *keys,
			   const struct jval *patch)
{
	size_t i = 0;

	while (i < jval_len(old) && !same_keys(keys, jval_at(old, i), patch))
		i++;
	return i;
}

static bool any_has(const struct jval *list, const char *name)
{
	for (size_t i = 0; name && i < jval_len(list); i++)
		if (jval_get(jval_at(list, i), name))
			return true;
	return false;
}

struct merger {
	const struct at *at;
	const struct overlay_keys *keys;
	struct jval *result; /* what comes first */
	struct jval *old;    /* what follows it */
	bool stay;	     /* what is merged keeps its place in `old` */
};

static int merge_element(const struct merger *merger, const struct jval *patch,
			 struct err *err)
{
	size_t index = find_element(merger->old, merger->keys, patch);
	autojval struct jval *element = NULL;
	enum directive directive;

	if (directive_of(merger->at, patch, &directive, err) < 0)
		return -1;
	/* Some replace the element then, some the list, some nothing. */
	if (directive == REPLACE)
		return refuse(merger->at, err,
			      "has an element with '$patch: replace', which is "
			      "not supported");
	element = index < jval_len(merger->old) ?
			  jval_ref(jval_at(merger->old, index)) :
			  NULL;
	if (element && (directive == DELETE || !merger->stay))
		jval_remove_at(merger->old, index);
	if (directive == DELETE)
		return 0;
	if (element && merger->stay)
		return merge_members(merger->at, element, patch, err);
	if (element == NULL)
		element = jval_new_object();
	if (merge_members(merger->at, element, patch, err) < 0)
		return -1;
	jval_append(merger->result, mem_steal(&element));
	return 0;
}

static int merge_elements(const struct merger *merger, const struct jval *patch,
			  struct err *err)
{
	const char *key = merger->keys->key;
	autofree char *why = mem_printf("has an element without '%s'", key);
	struct jval *result = merger->result;

	for (size_t i = 0; i < jval_len(patch); i++) {
		struct jval *element = jval_at(patch, i);

		if (is_alone(element))
			continue;
		if (key[0] == '\0' && !has_value(result, element))
			jval_append(result, jval_copy(element));
		if (key[0] == '\0')
			continue;
		if (!jval_is_object(element) || !jval_get(element, key))
			return refuse(merger->at, err, why);
		if (merge_element(merger, element, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < jval_len(merger->old); i++)
		if (key[0] || !has_value(result, jval_at(merger->old, i)))
			jval_append(result, jval_ref(jval_at(merger->old, i)));
	return 0;
}

static int replace_list(const struct at *at, struct jval *dst,
			const struct jval *patch, struct err *err)
{
	autojval struct jval *list = jval_copy(patch);
	enum directive directive;

	if (list_directive(at, patch, &directive, err) < 0)
		return -1;
	for (size_t i = jval_len(list); i-- > 0;) {
		const struct jval *element = jval_at(list, i);

		if (is_alone(element) && directive == REPLACE)
			jval_remove_at(list, i);
		else if (jval_get(element, "$patch"))
			return refuse(at, err,
				      "is replaced as a whole: it cannot have "
				      "'$patch' in an element");
	}
	jval_set(dst, at->name, mem_steal(&list));
	return 0;
}

static int merge_list(const struct at *at, struct jval *dst,
		      const struct jval *patch, struct err *err)
{
	const struct overlay_keys *keys =
		overlay_place_keys(at->up->place, at->kind, at->name);
	autojval struct jval *result = jval_new_array();
	autojval struct jval *old = NULL;
	struct merger merger;
	enum directive directive;

	if (keys == NULL)
		return replace_list(at, dst, patch, err);
	if (list_directive(at, patch, &directive, err) < 0)
		return -1;
	if (directive == DELETE) {
		jval_del(dst, at->name);
		return 0;
	}
	if (directive == MERGE && jval_is_array(jval_get(dst, at->name)))
		old = jval_copy(jval_get(dst, at->name));
	merger.at = at;
	merger.keys = keys;
	merger.result = result;
	merger.old = old;
	/* kustomize does so where it tells elements apart by both keys. */
	merger.stay = any_has(old, keys->also) || any_has(patch, keys->also);
	if (merge_elements(&merger, patch, err) < 0)
		return -1;
	jval_set(dst, at->name, mem_steal(&result));
	return 0;
}

static int merge_object(const struct at *at, struct jval *dst,
			const struct jval *patch, struct err *err)
{
	enum directive directive;

	if (directive_of(at, patch, &directive, err) < 0)
		return -1;
	if (directive == DELETE) {
		jval_del(dst, at->name);
		return 0;
	}
	if (directive == REPLACE || !jval_is_object(jval_get(dst, at->name)))
		jval_set(dst, at->name, jval_new_object());
	return merge_members(at, jval_get(dst, at->name), patch, err);
}

static bool same_shape(const struct jval *a, const struct jval *b)
{
	return a == NULL || jval_is_null(a) ||
	       (jval_is_object(a) == jval_is_object(b) &&
		jval_is_array(a) == jval_is_array(b));
}

/* `patch` for the member at->name of `dst`. */
static int merge_member(const struct at *at, struct jval *dst,
			const struct jval *patch, struct err *err)
{
	autofree char *why = NULL;

	if (jval_is_null(patch)) {
		jval_del(dst, at->name);
		return 0;
	}
	if (!same_shape(jval_get(dst, at->name), patch)) {
		why = mem_printf("is of type %s, in the patch %s",
				 jval_type_name(jval_get(dst, at->name)),
				 jval_type_name(patch));
		return refuse(at, err, why);
	}
	if (jval_is_object(patch))
		return merge_object(at, dst, patch, err);
	if (jval_is_array(patch))
		return merge_list(at, dst, patch, err);
	jval_set(dst, at->name, jval_copy(patch));
	return 0;
}

static void keep_member(struct jval *object, const char *path,
			struct jval *value)
{
	if (value)
		jval_set_path(object, path, jval_ref(value));
	else
		jval_del_path(object, path);
}

int overlay_merge(struct jval *object, const struct jval *patch,
		  struct err *err)
{
	static const char *const identity[] = { "apiVersion", "kind",
						"metadata.name",
						"metadata.namespace" };
	autojval struct jval *before = jval_copy(object);
	struct at top = { .kind = object_kind(before),
			  .place = overlay_place_of(object) };
	enum directive directive;

	if (directive_of(&top, patch, &directive, err) < 0)
		return -1;
	if (directive == DELETE)
		return 0;
	if (directive == REPLACE) {
		autojval struct jval *nothing = jval_new_array();

		if (retain_keys(&top, object, nothing, err) < 0)
			return -1;
	}
	if (merge_members(&top, object, patch, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(identity); i++)
		keep_member(object, identity[i],
			    jval_path(before, identity[i]));
	return 1;
}

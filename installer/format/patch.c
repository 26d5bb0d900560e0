#include "format/patch.h"

#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

/* What all copies of one patch may add, roughly in bytes. */
#define PATCH_COPY_MAX ((size_t)16 << 20)

int patch_merge(struct jval **target, const struct jval *patch)
{
	if (!jval_is_object(patch)) {
		jval_free(*target);
		*target = jval_copy(patch);
		return 0;
	}
	if (!jval_is_object(*target)) {
		jval_free(*target);
		*target = jval_new_object();
	}
	for (void *it = jval_first(patch); it; it = jval_next(patch, it)) {
		const char *name = jval_member_name(it);
		const struct jval *with = jval_member_value(it);
		struct jval *member;

		if (jval_is_null(with)) {
			jval_del(*target, name);
			continue;
		}
		member = jval_get(*target, name);
		jval_ref(member);
		patch_merge(&member, with);
		jval_set(*target, name, member);
	}
	return 0;
}

/* One operation with its pointers taken apart. */
struct patch_op {
	const char *op;
	const struct jval *value;
	struct strs path;
	struct strs from;
};

/* "~1" is a slash and "~0" a tilde. */
static int token_unescape(char *token)
{
	char *to = token;

	for (const char *p = token; *p; p++) {
		if (*p != '~') {
			*to++ = *p;
			continue;
		}
		p++;
		if (*p != '0' && *p != '1')
			return -1;
		*to++ = *p == '0' ? '~' : '/';
	}
	*to = '\0';
	return 0;
}

static int pointer_parse(struct strs *tokens, const char *text, struct err *err)
{
	const char *p = text;

	while (*p == '/') {
		const char *end = strchrnul(++p, '/');
		char *token = mem_strndup(p, (size_t)(end - p));
		int result = token_unescape(token);

		strs_take(tokens, token);
		if (result < 0)
			break;
		p = end;
	}
	if (*p)
		return err_set(err, ERR_INVALID, "'%s' is not a JSON pointer",
			       text);
	return 0;
}

/* The index that a token tells, or SIZE_MAX; `-` is the one past the end. */
static size_t token_index(const char *token, size_t len)
{
	struct err ignored = ERR_INIT;
	uint64_t index;

	if (strcmp(token, "-") == 0)
		return len;
	if ((token[0] == '0' && token[1]) ||
	    str_u64(token, &index, &ignored) < 0)
		return SIZE_MAX;
	return (size_t)index;
}

static struct jval *child(const struct jval *value, const char *token)
{
	if (jval_is_array(value))
		return jval_at(value, token_index(token, jval_len(value)));
	return jval_get(value, token);
}

/* The value that the first `nr` tokens lead to, or NULL. */
static struct jval *walk(struct jval *doc, const struct strs *tokens, size_t nr)
{
	for (size_t i = 0; i < nr && doc; i++)
		doc = child(doc, tokens->item[i]);
	return doc;
}

static struct jval *find(struct jval *doc, const struct strs *tokens,
			 struct err *err)
{
	struct jval *value = walk(doc, tokens, tokens->nr);
	autofree char *path = NULL;

	if (value == NULL) {
		path = strs_join(tokens, "/");
		err_set(err, ERR_INVALID, "there is no '/%s'", path);
	}
	return value;
}

static void set_root(struct jval **doc, struct jval *take)
{
	jval_free(*doc);
	*doc = take;
}

/* Put a value where `path` leads; it is freed where it cannot go there. */
static int add(struct jval **doc, const struct strs *path, struct jval *take,
	       struct err *err)
{
	autojval struct jval *value = take;
	size_t weight = SIZE_MAX;
	struct jval *parent;
	const char *last;
	size_t index;

	if (path->nr > JVAL_MAX_DEPTH ||
	    !jval_within(value, JVAL_MAX_DEPTH - path->nr, &weight))
		return err_set(err, ERR_INVALID, "document gets too deep");
	if (path->nr == 0) {
		set_root(doc, mem_steal(&value));
		return 0;
	}
	parent = walk(*doc, path, path->nr - 1);
	last = path->item[path->nr - 1];
	if (jval_is_object(parent)) {
		jval_set(parent, last, mem_steal(&value));
		return 0;
	}
	if (!jval_is_array(parent))
		return err_set(err, ERR_INVALID,
			       "there is no object or array to put it in");
	index = token_index(last, jval_len(parent));
	if (index > jval_len(parent))
		return err_set(err, ERR_INVALID,
			       "'%s' is not an index of an array of %zu", last,
			       jval_len(parent));
	jval_insert_at(parent, index, mem_steal(&value));
	return 0;
}

static int take_out(struct jval *doc, const struct strs *path, struct err *err)
{
	struct jval *parent;
	const char *last;

	if (find(doc, path, err) == NULL)
		return -1;
	if (path->nr == 0)
		return err_set(err, ERR_INVALID,
			       "the whole document cannot be removed");
	parent = walk(doc, path, path->nr - 1);
	last = path->item[path->nr - 1];
	if (jval_is_array(parent))
		jval_remove_at(parent, token_index(last, jval_len(parent)));
	else
		jval_del(parent, last);
	return 0;
}

static int do_add(struct jval **doc, const struct patch_op *op, size_t *weight,
		  struct err *err)
{
	(void)weight;
	return add(doc, &op->path, jval_copy(op->value), err);
}

static int do_remove(struct jval **doc, const struct patch_op *op,
		     size_t *weight, struct err *err)
{
	(void)weight;
	return take_out(*doc, &op->path, err);
}

/* In an object the member keeps its place, in an array the element. */
static int do_replace(struct jval **doc, const struct patch_op *op,
		      size_t *weight, struct err *err)
{
	const struct jval *parent;

	(void)weight;
	if (find(*doc, &op->path, err) == NULL)
		return -1;
	if (op->path.nr > 0) {
		parent = walk(*doc, &op->path, op->path.nr - 1);
		if (jval_is_array(parent) && take_out(*doc, &op->path, err) < 0)
			return -1;
	}
	return add(doc, &op->path, jval_copy(op->value), err);
}

static bool is_prefix(const struct strs *tokens, const struct strs *of)
{
	for (size_t i = 0; i < tokens->nr; i++)
		if (i >= of->nr || strcmp(tokens->item[i], of->item[i]) != 0)
			return false;
	return true;
}

static int do_move(struct jval **doc, const struct patch_op *op, size_t *weight,
		   struct err *err)
{
	struct jval *value = find(*doc, &op->from, err);

	(void)weight;
	if (value == NULL)
		return -1;
	if (is_prefix(&op->from, &op->path)) {
		if (op->from.nr == op->path.nr)
			return 0;
		return err_set(err, ERR_INVALID,
			       "a value cannot be moved into itself");
	}
	jval_ref(value);
	if (take_out(*doc, &op->from, err) < 0) {
		jval_free(value);
		return -1;
	}
	return add(doc, &op->path, value, err);
}

static int do_copy(struct jval **doc, const struct patch_op *op, size_t *weight,
		   struct err *err)
{
	const struct jval *value = find(*doc, &op->from, err);

	if (value == NULL)
		return -1;
	if (!jval_within(value, JVAL_MAX_DEPTH, weight))
		return err_set(err, ERR_INVALID, "copies make too much of it");
	return add(doc, &op->path, jval_copy(value), err);
}

static int do_test(struct jval **doc, const struct patch_op *op, size_t *weight,
		   struct err *err)
{
	const struct jval *value = find(*doc, &op->path, err);

	(void)weight;
	if (value == NULL)
		return -1;
	if (!jval_equal(value, op->value))
		return err_set(err, ERR_INVALID, "the value is another one");
	return 0;
}

static const struct patch_verb {
	const char *name;
	bool has_value;
	bool has_from;
	int (*run)(struct jval **doc, const struct patch_op *op, size_t *weight,
		   struct err *err);
} patch_verbs[] = {
	{ "add", true, false, do_add },
	{ "remove", false, false, do_remove },
	{ "replace", true, false, do_replace },
	{ "move", false, true, do_move },
	{ "copy", false, true, do_copy },
	{ "test", true, false, do_test },
};

static const struct patch_verb *find_verb(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(patch_verbs); i++)
		if (strcmp(name, patch_verbs[i].name) == 0)
			return &patch_verbs[i];
	return NULL;
}

static int run_verb(struct jval **doc, const struct patch_verb *verb,
		    const struct jval *from, size_t *weight, struct err *err)
{
	struct patch_op op = { .value = jval_get(from, "value") };
	const char *path = jval_str(from, "path");
	const char *source = jval_str(from, "from");
	int result = -1;

	if (path == NULL)
		return err_set(err, ERR_INVALID, "'path' is missing");
	if (verb->has_value && op.value == NULL)
		return err_set(err, ERR_INVALID, "'value' is missing");
	if (verb->has_from && source == NULL)
		return err_set(err, ERR_INVALID, "'from' is missing");
	if (pointer_parse(&op.path, path, err) == 0 &&
	    (!verb->has_from || pointer_parse(&op.from, source, err) == 0))
		result = verb->run(doc, &op, weight, err);
	strs_release(&op.path);
	strs_release(&op.from);
	return result;
}

static int run_op(struct jval **doc, const struct jval *from, size_t *weight,
		  struct err *err)
{
	const char *name = jval_str(from, "op");
	const char *path = jval_str(from, "path");
	const struct patch_verb *verb = find_verb(name);

	if (verb == NULL)
		return err_set(err, ERR_INVALID,
			       "'op' is not add, remove, replace, move, copy "
			       "or test");
	if (run_verb(doc, verb, from, weight, err) < 0)
		return err_wrap(err, "%s '%s'", name, path ? path : "");
	return 0;
}

int patch_apply(struct jval **doc, const struct jval *ops, struct err *err)
{
	autojval struct jval *work = NULL;
	size_t weight = PATCH_COPY_MAX;

	if (!jval_is_array(ops))
		return err_set(err, ERR_INVALID,
			       "JSON patch is not an array but '%s'",
			       jval_type_name(ops));
	work = jval_copy(*doc);
	for (size_t i = 0; i < jval_len(ops); i++)
		if (run_op(&work, jval_at(ops, i), &weight, err) < 0)
			return err_wrap(err, "operation %zu of JSON patch",
					i + 1);
	set_root(doc, mem_steal(&work));
	return 0;
}

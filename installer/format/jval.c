#include "format/jval.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/codepoint.h"

/* What a value weighs besides its text. */
#define JVAL_WEIGHT ((size_t)16)

/* The library counts owners inside values that we only look at. */
static json_t *to_json(const struct jval *value)
{
	return (json_t *)value;
}

static struct jval *to_jval(json_t *json)
{
	return (struct jval *)json;
}

/* The library fails to make a value only without memory. */
static struct jval *have(json_t *json)
{
	if (json == NULL) {
		fputs("dws-csm: out of memory\n", stderr);
		abort();
	}
	return to_jval(json);
}

struct position {
	size_t line;
	size_t column;
};

/* Whether the text opens more than JVAL_MAX_DEPTH brackets, and where. */
static bool text_too_deep(const char *text, size_t len, struct position *at)
{
	bool in_string = false;
	size_t depth = 0;

	at->line = 1;
	at->column = 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		at->column++;
		if (c == '\n') {
			at->line++;
			at->column = 0;
		} else if (c == '"') {
			in_string = !in_string;
		} else if (in_string && c == '\\') {
			i++;
			at->column++;
		} else if (in_string) {
			continue;
		} else if (c == '{' || c == '[') {
			if (++depth > JVAL_MAX_DEPTH)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

struct jval *jval_parse(const char *text, size_t len, struct err *err)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	struct position at;
	json_error_t why;
	json_t *json;
	char *near;

	if (text_too_deep(text, len, &at)) {
		err_set(err, ERR_INVALID,
			"line %zu, column %zu: nested more than %d deep",
			at.line, at.column, JVAL_MAX_DEPTH);
		return NULL;
	}
	json = json_loadb(text, len, flags, &why);
	if (json)
		return to_jval(json);
	/* The library quotes the text, which may be a password. */
	near = strstr(why.text, " near '");
	if (near)
		*near = '\0';
	err_set(err, ERR_INVALID, "line %d, column %d: %s",
		why.line < 1 ? 1 : why.line, why.column < 0 ? 0 : why.column,
		why.text);
	return NULL;
}

static char *jval_dump(const struct jval *value, size_t flags)
{
	char *text = json_dumps(to_json(value), flags | JSON_ENCODE_ANY);

	if (text == NULL)
		have(NULL);
	return text;
}

char *jval_text(const struct jval *value, bool sorted)
{
	return jval_dump(value, JSON_COMPACT | (sorted ? JSON_SORT_KEYS : 0));
}

char *jval_pretty(const struct jval *value)
{
	autofree char *text = jval_dump(value, JSON_INDENT(2));

	return mem_printf("%s\n", text);
}

struct jval *jval_ref(struct jval *value)
{
	return to_jval(json_incref(to_json(value)));
}

void jval_free(struct jval *value)
{
	json_decref(to_json(value));
}

struct jval *jval_copy(const struct jval *value)
{
	return value ? have(json_deep_copy(to_json(value))) : NULL;
}

static bool objects_equal(const struct jval *a, const struct jval *b)
{
	if (jval_len(a) != jval_len(b))
		return false;
	for (void *it = jval_first(a); it; it = jval_next(a, it)) {
		const struct jval *other = jval_get(b, jval_member_name(it));

		if (!other || !jval_equal(jval_member_value(it), other))
			return false;
	}
	return true;
}

static bool arrays_equal(const struct jval *a, const struct jval *b)
{
	if (jval_len(a) != jval_len(b))
		return false;
	for (size_t i = 0; i < jval_len(a); i++)
		if (!jval_equal(jval_at(a, i), jval_at(b, i)))
			return false;
	return true;
}

bool jval_equal(const struct jval *a, const struct jval *b)
{
	if (a == b)
		return true;
	if (a == NULL || b == NULL)
		return false;
	if (jval_is_object(a) && jval_is_object(b))
		return objects_equal(a, b);
	if (jval_is_array(a) && jval_is_array(b))
		return arrays_equal(a, b);
	if ((jval_is_int(a) && jval_is_real(b)) ||
	    (jval_is_real(a) && jval_is_int(b)))
		return !(jval_number(a) < jval_number(b)) &&
		       !(jval_number(a) > jval_number(b));
	return json_equal(to_json(a), to_json(b));
}

static bool weight_take(size_t *weight, size_t more)
{
	if (more > *weight)
		return false;
	*weight -= more;
	return true;
}

bool jval_within(const struct jval *value, size_t depth, size_t *weight)
{
	size_t own = JVAL_WEIGHT + json_string_length(to_json(value));

	if (!weight_take(weight, own))
		return false;
	if (!jval_is_object(value) && !jval_is_array(value))
		return true;
	if (depth == 0)
		return false;
	for (size_t i = 0; jval_is_array(value) && i < jval_len(value); i++)
		if (!jval_within(jval_at(value, i), depth - 1, weight))
			return false;
	for (void *it = jval_first(value); it; it = jval_next(value, it))
		if (!weight_take(weight, strlen(jval_member_name(it))) ||
		    !jval_within(jval_member_value(it), depth - 1, weight))
			return false;
	return true;
}

struct jval *jval_new_object(void)
{
	return have(json_object());
}

struct jval *jval_new_array(void)
{
	return have(json_array());
}

struct jval *jval_new_strn(const char *s, size_t len)
{
	json_t *json = memchr(s, '\0', len) ? NULL : json_stringn(s, len);
	autofree char *repaired = NULL;

	if (json)
		return to_jval(json);
	repaired = codepoint_repair(s, len);
	return have(json_string(repaired));
}

struct jval *jval_new_str(const char *s)
{
	return s ? jval_new_strn(s, strlen(s)) : jval_new_null();
}

struct jval *jval_new_int(int64_t n)
{
	return have(json_integer(n));
}

struct jval *jval_new_real(double n)
{
	assert(isfinite(n));
	return have(json_real(n));
}

struct jval *jval_new_bool(bool b)
{
	return to_jval(json_boolean(b));
}

struct jval *jval_new_null(void)
{
	return to_jval(json_null());
}

struct jval *jval_pack(const char *fmt, ...)
{
	json_error_t why;
	json_t *json;
	va_list args;

	va_start(args, fmt);
	json = json_vpack_ex(&why, 0, fmt, args);
	va_end(args);
	if (json == NULL) {
		fprintf(stderr, "dws-csm: bug: jval_pack '%s': %s\n", fmt,
			why.text);
		abort();
	}
	return to_jval(json);
}

bool jval_is_object(const struct jval *value)
{
	return json_is_object(to_json(value));
}

bool jval_is_array(const struct jval *value)
{
	return json_is_array(to_json(value));
}

bool jval_is_str(const struct jval *value)
{
	return json_is_string(to_json(value));
}

bool jval_is_int(const struct jval *value)
{
	return json_is_integer(to_json(value));
}

bool jval_is_real(const struct jval *value)
{
	return json_is_real(to_json(value));
}

bool jval_is_bool(const struct jval *value)
{
	return json_is_boolean(to_json(value));
}

bool jval_is_true(const struct jval *value)
{
	return json_is_true(to_json(value));
}

bool jval_is_null(const struct jval *value)
{
	return json_is_null(to_json(value));
}

const char *jval_type_name(const struct jval *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "object", [JSON_ARRAY] = "array",
		[JSON_STRING] = "string", [JSON_INTEGER] = "integer",
		[JSON_REAL] = "number",	  [JSON_TRUE] = "boolean",
		[JSON_FALSE] = "boolean", [JSON_NULL] = "null",
	};

	return value ? names[json_typeof(to_json(value))] : "nothing";
}

static struct jval *get_n(const struct jval *object, const char *name,
			  size_t len)
{
	return to_jval(json_object_getn(to_json(object), name, len));
}

struct jval *jval_get(const struct jval *object, const char *name)
{
	return to_jval(json_object_get(to_json(object), name));
}

struct jval *jval_path(const struct jval *object, const char *path)
{
	for (;;) {
		const char *dot = strchrnul(path, '.');
		struct jval *value = get_n(object, path, (size_t)(dot - path));

		if (value == NULL || *dot == '\0')
			return value;
		object = value;
		path = dot + 1;
	}
}

const char *jval_str(const struct jval *object, const char *path)
{
	return jval_string(jval_path(object, path));
}

int64_t jval_int(const struct jval *object, const char *path, int64_t otherwise)
{
	const struct jval *value = jval_path(object, path);

	return jval_is_int(value) ? jval_integer(value) : otherwise;
}

bool jval_bool(const struct jval *object, const char *path, bool otherwise)
{
	const struct jval *value = jval_path(object, path);

	return jval_is_bool(value) ? jval_is_true(value) : otherwise;
}

const char *jval_string(const struct jval *value)
{
	return json_string_value(to_json(value));
}

int64_t jval_integer(const struct jval *value)
{
	return json_integer_value(to_json(value));
}

double jval_number(const struct jval *value)
{
	return json_number_value(to_json(value));
}

size_t jval_len(const struct jval *value)
{
	return jval_is_array(value) ? json_array_size(to_json(value)) :
				      json_object_size(to_json(value));
}

struct jval *jval_at(const struct jval *array, size_t index)
{
	return to_jval(json_array_get(to_json(array), index));
}

static void must_do(int result)
{
	if (result != 0) {
		fputs("dws-csm: bug: a JSON value cannot be changed\n", stderr);
		abort();
	}
}

static void set_n(struct jval *object, const char *name, size_t len,
		  struct jval *take)
{
	autofree char *repaired = codepoint_repair(name, len);

	must_do(json_object_set_new(to_json(object), repaired, to_json(take)));
}

void jval_set(struct jval *object, const char *name, struct jval *take)
{
	set_n(object, name, strlen(name), take);
}

void jval_set_path(struct jval *object, const char *path, struct jval *take)
{
	for (;;) {
		const char *dot = strchrnul(path, '.');
		size_t len = (size_t)(dot - path);

		if (*dot == '\0') {
			set_n(object, path, len, take);
			return;
		}
		if (!jval_is_object(get_n(object, path, len)))
			set_n(object, path, len, jval_new_object());
		object = get_n(object, path, len);
		path = dot + 1;
	}
}

void jval_set_str(struct jval *object, const char *path, const char *s)
{
	jval_set_path(object, path, jval_new_str(s));
}

void jval_del(struct jval *object, const char *name)
{
	/* Says only whether there was such a member. */
	json_object_del(to_json(object), name);
}

void jval_del_path(struct jval *object, const char *path)
{
	const char *dot = strrchr(path, '.');
	autofree char *parent = NULL;

	if (dot == NULL) {
		jval_del(object, path);
		return;
	}
	parent = mem_strndup(path, (size_t)(dot - path));
	jval_del(jval_path(object, parent), dot + 1);
}

void jval_append(struct jval *array, struct jval *take)
{
	must_do(json_array_append_new(to_json(array), to_json(take)));
}

void jval_insert_at(struct jval *array, size_t index, struct jval *take)
{
	must_do(json_array_insert_new(to_json(array), index, to_json(take)));
}

void jval_remove_at(struct jval *array, size_t index)
{
	json_array_remove(to_json(array), index);
}

void jval_set_at(struct jval *array, size_t index, struct jval *take)
{
	must_do(json_array_set_new(to_json(array), index, to_json(take)));
}

void *jval_first(const struct jval *object)
{
	return json_object_iter(to_json(object));
}

void *jval_next(const struct jval *object, void *it)
{
	return json_object_iter_next(to_json(object), it);
}

const char *jval_member_name(void *it)
{
	return json_object_iter_key(it);
}

struct jval *jval_member_value(void *it)
{
	return to_jval(json_object_iter_value(it));
}

const char *jval_library_version(void)
{
	return jansson_version_str();
}

/*
 * jval - JSON values: what Kubernetes and registries speak.
 *
 * A thin face over the JSON library, which only jval.c knows. Values are
 * counted: a function that "takes" a value owns it afterwards, one that
 * "borrows" leaves it; jval_ref makes one more owner. Integers are 64 bits,
 * exact. Members keep the order in which they were set. A value that two
 * threads read must not be changed by either.
 *
 * A `path` is a list of member names with dots between ("metadata.name");
 * a name that has dots itself is reached with jval_get. A path that leads
 * nowhere, or through something that is not an object, gives NULL or the
 * default: a caller that must know asks for the type.
 *
 * Strings are UTF-8 without NUL. Where one that is not comes in (an argument
 * of the command line), its wrong bytes become U+FFFD.
 *
 * Source: RFC 8259; RFC 7493 for duplicate names.
 */
#ifndef FORMAT_JVAL_H
#define FORMAT_JVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct jval;

/* How deep what we read may be nested. */
#define JVAL_MAX_DEPTH 512

/* Parse text of `len` bytes: one value, no trailing garbage, no duplicate
 * member names, depth at most JVAL_MAX_DEPTH, no \u0000. ERR_INVALID with line
 * and column; what the text holds is not told, it may be secret. */
struct jval *jval_parse(const char *text, size_t len, struct err *err)
	must_check;

struct jval *jval_ref(struct jval *value);
void jval_free(struct jval *value); /* NULL allowed; drops one owner */
struct jval *jval_copy(const struct jval *value) must_check; /* deep */

/* Whether both say the same: members in any order, numbers by value. NULL is
 * equal to NULL. */
bool jval_equal(const struct jval *a, const struct jval *b);

/* Whether `value` is nested at most `depth` deep (a scalar is 0 deep) and
 * weighs at most `*weight`, which it is then taken from: roughly its bytes.
 * For those who multiply values, such as YAML aliases. */
bool jval_within(const struct jval *value, size_t depth, size_t *weight);

/* Compact JSON; with `sorted` the members by name (canonical, for digests).
 * The caller owns the text. */
char *jval_text(const struct jval *value, bool sorted) must_check;
/* Indented by two, newline at the end. */
char *jval_pretty(const struct jval *value) must_check;

struct jval *jval_new_object(void) must_check;
struct jval *jval_new_array(void) must_check;
struct jval *jval_new_str(const char *s) must_check; /* NULL gives null */
struct jval *jval_new_strn(const char *s, size_t len) must_check;
struct jval *jval_new_int(int64_t n) must_check;
struct jval *jval_new_real(double n) must_check; /* finite */
struct jval *jval_new_bool(bool b) must_check;
struct jval *jval_new_null(void) must_check;

/* Build a value from a format: the JSON library's pack language, in which
 * {s:s, s:i} is an object, [o] an array that takes a value, `O` one that
 * refs it, `I` an int64_t, `b` a bool, `s?` a string that may be NULL. A wrong
 * format aborts: it is our bug. So does a string that is not UTF-8: what the
 * user typed goes in as `o` with jval_new_str. */
struct jval *jval_pack(const char *fmt, ...) must_check;

bool jval_is_object(const struct jval *value); /* all: false for NULL */
bool jval_is_array(const struct jval *value);
bool jval_is_str(const struct jval *value);
bool jval_is_int(const struct jval *value);
bool jval_is_real(const struct jval *value);
bool jval_is_bool(const struct jval *value);
bool jval_is_true(const struct jval *value);
bool jval_is_null(const struct jval *value);
const char *jval_type_name(const struct jval *value); /* "object", ... */

/* Borrowed results. */
struct jval *jval_get(const struct jval *object, const char *name);
struct jval *jval_path(const struct jval *object, const char *path);
const char *jval_str(const struct jval *object, const char *path); /* or NULL */
int64_t jval_int(const struct jval *object, const char *path,
		 int64_t otherwise);
bool jval_bool(const struct jval *object, const char *path, bool otherwise);
const char *jval_string(const struct jval *value); /* of a string, or NULL */
int64_t jval_integer(const struct jval *value);	   /* of an int, or 0 */
double jval_number(const struct jval *value);	   /* of int or real */
size_t jval_len(const struct jval *value);	   /* elements or members; 0 */
struct jval *jval_at(const struct jval *array, size_t index);

/* Changing. `jval_set*path` and jval_set_str make the objects on a path that
 * are missing, and put one in the place of null or any other thing that
 * stands in the way. Setting in what is not an object, or beyond the end of
 * an array, is our bug. Deleting what is not there does nothing. */
void jval_set(struct jval *object, const char *name, struct jval *take);
void jval_set_path(struct jval *object, const char *path, struct jval *take);
void jval_set_str(struct jval *object, const char *path, const char *s);
void jval_del(struct jval *object, const char *name);
void jval_del_path(struct jval *object, const char *path);
void jval_append(struct jval *array, struct jval *take);
void jval_insert_at(struct jval *array, size_t index, struct jval *take);
void jval_remove_at(struct jval *array, size_t index);
void jval_set_at(struct jval *array, size_t index, struct jval *take);

/* Members in order; the member under the cursor must not be deleted.
 *
 *	for (void *it = jval_first(o); it; it = jval_next(o, it))
 *		use(jval_member_name(it), jval_member_value(it));
 */
void *jval_first(const struct jval *object);
void *jval_next(const struct jval *object, void *it);
const char *jval_member_name(void *it);
struct jval *jval_member_value(void *it);

const char *jval_library_version(void);

static inline void jval_autofree(struct jval **value)
{
	jval_free(*value);
}

#define autojval __attribute__((cleanup(jval_autofree)))

#endif

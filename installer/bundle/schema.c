#include "bundle/schema.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/strs.h"

#define FIELD_MAX_BYTES ((size_t)4096)

/* Where we are in the object: a member of what is above, or an element. */
struct place {
	const struct place *above; /* NULL = the object itself */
	const char *name;	   /* NULL = element `index` */
	size_t index;
};

struct check {
	void (*tell)(void *ctx, const char *field, const char *why);
	void *ctx;
	size_t nr;
	bool values_only; /* within anyOf and its kind nothing is pruned */
};

static void check_value(struct check *check, const struct place *place,
			const struct jval *schema, const struct jval *value);

static void place_text(const struct place *place, struct buf *out)
{
	if (place == NULL || place->above == NULL)
		return;
	place_text(place->above, out);
	if (place->name == NULL)
		buf_addf(out, "[%zu]", place->index);
	else
		buf_addf(out, "%s%s", out->len > 0 ? "." : "", place->name);
}

printf_like(3, 4) static void complain(struct check *check,
				       const struct place *place,
				       const char *fmt, ...)
{
	auto_buf struct buf field = BUF_INIT(FIELD_MAX_BYTES);
	char why[512];
	va_list args;

	check->nr++;
	if (check->tell == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	place_text(place, &field);
	check->tell(check->ctx, buf_str(&field), why);
}

/* What has no fraction; doubles of that size have none anyway. */
static bool is_round(double number)
{
	return number > 9e15 || number < -9e15 ||
	       (double)(int64_t)number == number;
}

static bool is_whole(const struct jval *value)
{
	return jval_is_int(value) ||
	       (jval_is_real(value) && is_round(jval_number(value)));
}

static bool type_matches(const char *type, const struct jval *value)
{
	if (str_eq(type, "integer"))
		return is_whole(value);
	if (str_eq(type, "number"))
		return jval_is_int(value) || jval_is_real(value);
	return str_eq(type, jval_type_name(value));
}

static bool check_type(struct check *check, const struct place *place,
		       const struct jval *schema, const struct jval *value)
{
	const char *type = jval_str(schema, "type");

	if (jval_is_null(value) && jval_bool(schema, "nullable", false))
		return true;
	if (jval_bool(schema, "x-kubernetes-int-or-string", false)) {
		if (jval_is_int(value) || jval_is_str(value))
			return true;
		complain(check, place, "must be an integer or a string");
		return false;
	}
	if (type == NULL || type_matches(type, value))
		return true;
	complain(check, place, "must be of type %s, and is %s", type,
		 jval_type_name(value));
	return false;
}

static void check_enum(struct check *check, const struct place *place,
		       const struct jval *schema, const struct jval *value)
{
	const struct jval *list = jval_get(schema, "enum");
	autofree char *is = NULL;
	autofree char *all = NULL;

	if (!jval_is_array(list))
		return;
	for (size_t i = 0; i < jval_len(list); i++)
		if (jval_equal(jval_at(list, i), value))
			return;
	is = jval_text(value, false);
	all = jval_text(list, false);
	complain(check, place, "is %s, but must be one of %s", is, all);
}

/* A bound that is there is a number. */
static bool bound(const struct jval *schema, const char *name, double *limit)
{
	const struct jval *value = jval_get(schema, name);

	*limit = jval_number(value);
	return jval_is_int(value) || jval_is_real(value);
}

static void check_number(struct check *check, const struct place *place,
			 const struct jval *schema, const struct jval *value)
{
	double is = jval_number(value), limit;
	bool edge = jval_bool(schema, "exclusiveMinimum", false);

	if (bound(schema, "minimum", &limit) &&
	    (is < limit || (edge && is == limit)))
		complain(check, place, "must be %s %g",
			 edge ? "greater than" : "at least", limit);
	edge = jval_bool(schema, "exclusiveMaximum", false);
	if (bound(schema, "maximum", &limit) &&
	    (is > limit || (edge && is == limit)))
		complain(check, place, "must be %s %g",
			 edge ? "less than" : "at most", limit);
	if (bound(schema, "multipleOf", &limit) && limit > 0 &&
	    !is_round(is / limit))
		complain(check, place, "must be a multiple of %g", limit);
}

static void check_count(struct check *check, const struct place *place,
			const struct jval *schema, const char *least,
			const char *most, size_t nr, const char *what)
{
	int64_t limit = jval_int(schema, least, 0);

	if (limit > 0 && nr < (size_t)limit)
		complain(check, place, "must have at least %lld %s",
			 (long long)limit, what);
	limit = jval_int(schema, most, -1);
	if (limit >= 0 && nr > (size_t)limit)
		complain(check, place, "must have at most %lld %s",
			 (long long)limit, what);
}

/* The classes that the server's expressions know and ours do not. */
static char *pattern_text(const char *pattern)
{
	auto_buf struct buf out = BUF_INIT(FIELD_MAX_BYTES);

	for (const char *c = pattern; *c; c++) {
		if (*c != '\\' || c[1] == '\0')
			buf_addch(&out, *c);
		else if (*++c == 'd')
			buf_addstr(&out, "[0-9]");
		else if (*c == 'D')
			buf_addstr(&out, "[^0-9]");
		else
			buf_addf(&out, "\\%c", *c);
	}
	return buf_steal(&out);
}

static void check_pattern(struct check *check, const struct place *place,
			  const char *pattern, const char *text)
{
	autofree char *ours = pattern_text(pattern);
	regex_t regex;

	if (regcomp(&regex, ours, REG_EXTENDED | REG_NOSUB) != 0) {
		complain(check, place, "cannot be checked against pattern '%s'",
			 pattern);
		return;
	}
	if (regexec(&regex, text, 0, NULL, 0) != 0)
		complain(check, place, "must match pattern '%s'", pattern);
	regfree(&regex);
}

static void check_string(struct check *check, const struct place *place,
			 const struct jval *schema, const struct jval *value)
{
	const char *text = jval_string(value);
	const char *pattern = jval_str(schema, "pattern");
	struct err why = ERR_INIT;
	size_t length = 0;
	time_t t;

	for (const char *c = text; *c; c++)
		length += ((unsigned char)*c & 0xc0) != 0x80;
	check_count(check, place, schema, "minLength", "maxLength", length,
		    "characters");
	if (pattern)
		check_pattern(check, place, pattern, text);
	if (str_eq(jval_str(schema, "format"), "date-time") &&
	    clock_parse_rfc3339(text, &t, &why) < 0)
		complain(check, place, "must be a time (RFC 3339)");
}

static void check_array(struct check *check, const struct place *place,
			const struct jval *schema, const struct jval *value)
{
	const struct jval *items = jval_get(schema, "items");

	check_count(check, place, schema, "minItems", "maxItems",
		    jval_len(value), "elements");
	for (size_t i = 0; items && i < jval_len(value); i++) {
		struct place element = { .above = place, .index = i };

		check_value(check, &element, items, jval_at(value, i));
	}
}

static bool is_object_head(const char *name)
{
	return str_eq(name, "apiVersion") || str_eq(name, "kind") ||
	       str_eq(name, "metadata");
}

/* Whether apiVersion, kind and metadata are the server's own business. */
static bool is_object_itself(const struct place *place,
			     const struct jval *schema)
{
	return place->above == NULL ||
	       jval_bool(schema, "x-kubernetes-embedded-resource", false);
}

/* The server takes a null that may not be one for nothing. */
static bool is_absent(const struct jval *value, const struct jval *schema)
{
	return value == NULL || (jval_is_null(value) && schema &&
				 !jval_bool(schema, "nullable", false));
}

static void check_required(struct check *check, const struct place *place,
			   const struct jval *schema, const struct jval *value)
{
	const struct jval *required = jval_get(schema, "required");
	const struct jval *properties = jval_get(schema, "properties");

	for (size_t i = 0; i < jval_len(required); i++) {
		const char *name = jval_string(jval_at(required, i));
		struct place member = { .above = place, .name = name };

		if (!is_absent(jval_get(value, name),
			       jval_get(properties, name)) ||
		    jval_get(jval_get(properties, name), "default") ||
		    (is_object_itself(place, schema) && is_object_head(name)))
			continue;
		complain(check, &member, "is required");
	}
}

static void check_member(struct check *check, const struct place *member,
			 const struct jval *schema, const struct jval *value)
{
	const struct jval *known =
		jval_get(jval_get(schema, "properties"), member->name);
	const struct jval *others = jval_get(schema, "additionalProperties");

	if (known == NULL && jval_is_object(others))
		known = others;
	if (known && is_absent(value, known))
		return;
	if (known)
		check_value(check, member, known, value);
	else if (!jval_is_true(others) && !check->values_only &&
		 !jval_bool(schema, "x-kubernetes-preserve-unknown-fields",
			    false))
		complain(check, member, "is not known");
}

static void check_object(struct check *check, const struct place *place,
			 const struct jval *schema, const struct jval *value)
{
	bool itself = is_object_itself(place, schema);

	check_count(check, place, schema, "minProperties", "maxProperties",
		    jval_len(value), "members");
	check_required(check, place, schema, value);
	for (void *it = jval_first(value); it; it = jval_next(value, it)) {
		struct place member = {
			.above = place,
			.name = jval_member_name(it),
		};

		if (!itself || !is_object_head(member.name))
			check_member(check, &member, schema,
				     jval_member_value(it));
	}
}

/* How many of `list` take the value. */
static size_t takers(const struct place *place, const struct jval *list,
		     const struct jval *value)
{
	size_t nr = 0;

	for (size_t i = 0; i < jval_len(list); i++) {
		struct check silent = { .values_only = true };

		check_value(&silent, place, jval_at(list, i), value);
		nr += silent.nr == 0;
	}
	return nr;
}

static void check_combined(struct check *check, const struct place *place,
			   const struct jval *schema, const struct jval *value)
{
	const struct jval *any = jval_get(schema, "anyOf");
	const struct jval *all = jval_get(schema, "allOf");
	const struct jval *one = jval_get(schema, "oneOf");
	struct jval *not = jval_get(schema, "not");
	struct check silent = { .values_only = true };

	if (any && takers(place, any, value) == 0)
		complain(check, place, "must be as one of 'anyOf' says");
	if (all && takers(place, all, value) != jval_len(all))
		complain(check, place, "must be as all of 'allOf' say");
	if (one && takers(place, one, value) != 1)
		complain(check, place, "must be as just one of 'oneOf' says");
	if (not == NULL)
		return;
	check_value(&silent, place, not, value);
	if (silent.nr == 0)
		complain(check, place, "must not be as 'not' says");
}

static void check_value(struct check *check, const struct place *place,
			const struct jval *schema, const struct jval *value)
{
	if (!check_type(check, place, schema, value) || jval_is_null(value))
		return;
	check_enum(check, place, schema, value);
	if (jval_is_object(value))
		check_object(check, place, schema, value);
	else if (jval_is_array(value))
		check_array(check, place, schema, value);
	else if (jval_is_str(value))
		check_string(check, place, schema, value);
	else if (jval_is_int(value) || jval_is_real(value))
		check_number(check, place, schema, value);
	check_combined(check, place, schema, value);
}

const struct jval *schema_of(const struct jval *crd, const char *version)
{
	const struct jval *versions = jval_path(crd, "spec.versions");

	for (size_t i = 0; i < jval_len(versions); i++) {
		const struct jval *one = jval_at(versions, i);

		if (version ? str_eq(jval_str(one, "name"), version) :
			      jval_bool(one, "storage", false))
			return jval_path(one, "schema.openAPIV3Schema");
	}
	return NULL;
}

size_t schema_check(const struct jval *schema, const struct jval *object,
		    void (*tell)(void *ctx, const char *field, const char *why),
		    void *ctx)
{
	struct check check = { .tell = tell, .ctx = ctx };
	struct place top = { .above = NULL };

	check_value(&check, &top, schema, object);
	return check.nr;
}

#include "format/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "format/yaml_scalar.h"

/* What all aliases of a text may expand to, roughly in bytes. */
#define YAML_ALIAS_MAX ((size_t)4 << 20)

struct yaml_reader {
	yaml_parser_t parser;
	yaml_event_t event;   /* the one that is looked at */
	struct jval *anchors; /* of this document, by name */
	size_t weight;	      /* that aliases may still add */
	const char *text;
	size_t len;
	struct err *err;
};

static int fail_at(struct yaml_reader *reader, yaml_mark_t mark,
		   const char *what)
{
	return err_set(reader->err, ERR_INVALID, "line %zu, column %zu: %s",
		       mark.line + 1, mark.column + 1, what);
}

static struct jval *fail_here(struct yaml_reader *reader, const char *what)
{
	fail_at(reader, reader->event.start_mark, what);
	return NULL;
}

/* Wrong bytes are found ahead of the place where the parser is. */
static yaml_mark_t mark_of_offset(const struct yaml_reader *reader)
{
	yaml_mark_t mark = { 0 };
	size_t end = reader->parser.problem_offset;

	for (size_t i = 0; i < end && i < reader->len; i++) {
		mark.column++;
		if (reader->text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

static int next(struct yaml_reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;

	yaml_event_delete(&reader->event);
	if (yaml_parser_parse(&reader->parser, &reader->event))
		return 0;
	memset(&reader->event, 0, sizeof(reader->event));
	if (parser->error == YAML_MEMORY_ERROR)
		abort();
	return fail_at(reader,
		       parser->error == YAML_READER_ERROR ?
			       mark_of_offset(reader) :
			       parser->problem_mark,
		       parser->problem ? parser->problem : "not YAML");
}

static void remember(struct yaml_reader *reader, const char *anchor,
		     struct jval *value)
{
	if (anchor && value)
		jval_set(reader->anchors, anchor, jval_ref(value));
}

static struct jval *read_node(struct yaml_reader *reader, size_t depth);

/* A value of its own: who changes one place must not change the other. */
static struct jval *read_alias(struct yaml_reader *reader, size_t depth)
{
	const char *name = (const char *)reader->event.data.alias.anchor;
	const struct jval *value = jval_get(reader->anchors, name);

	if (value == NULL)
		return fail_here(reader, "alias of an unknown anchor");
	if (!jval_within(value, depth, &reader->weight))
		return fail_here(reader, "aliases expand to too much");
	return jval_copy(value);
}

/* Take `value`, and give it as what its tag says it is, or NULL. */
static struct jval *as_tagged(struct jval *take, const char *tag)
{
	autojval struct jval *value = take;

	if (strcmp(tag, YAML_FLOAT_TAG) == 0 && jval_is_int(value))
		return jval_new_real(jval_number(value));
	if ((strcmp(tag, YAML_NULL_TAG) == 0 && jval_is_null(value)) ||
	    (strcmp(tag, YAML_BOOL_TAG) == 0 && jval_is_bool(value)) ||
	    (strcmp(tag, YAML_INT_TAG) == 0 && jval_is_int(value)) ||
	    (strcmp(tag, YAML_FLOAT_TAG) == 0 && jval_is_real(value)))
		return mem_steal(&value);
	return NULL;
}

static bool is_scalar_tag(const char *tag)
{
	static const char *const tags[] = {
		YAML_NULL_TAG,
		YAML_BOOL_TAG,
		YAML_INT_TAG,
		YAML_FLOAT_TAG,
	};

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (strcmp(tag, tags[i]) == 0)
			return true;
	return false;
}

/* "!" says "not resolved": a string. */
static bool is_string_tag(const char *tag)
{
	return strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0;
}

static struct jval *scalar_value(struct yaml_reader *reader)
{
	const char *text = (const char *)reader->event.data.scalar.value;
	size_t len = reader->event.data.scalar.length;
	const char *tag = (const char *)reader->event.data.scalar.tag;
	struct jval *value;
	struct err err = ERR_INIT;

	if (memchr(text, '\0', len))
		return fail_here(reader, "text holds a NUL character");
	if (tag ? is_string_tag(tag) :
		  !reader->event.data.scalar.plain_implicit)
		return jval_new_strn(text, len);
	if (tag && !is_scalar_tag(tag))
		return fail_here(reader, "this tag is not supported");
	value = yaml_resolve(text, &err);
	if (value == NULL)
		return fail_here(reader, err.msg);
	if (tag == NULL)
		return value;
	value = as_tagged(value, tag);
	return value ? value : fail_here(reader, "value does not fit its tag");
}

static struct jval *read_scalar(struct yaml_reader *reader)
{
	struct jval *value = scalar_value(reader);

	remember(reader, (const char *)reader->event.data.scalar.anchor, value);
	return value;
}

static bool tag_allowed(const yaml_char_t *tag, const char *kind)
{
	return tag == NULL || strcmp((const char *)tag, "!") == 0 ||
	       strcmp((const char *)tag, kind) == 0;
}

static struct jval *read_sequence(struct yaml_reader *reader, size_t depth)
{
	autojval struct jval *array = jval_new_array();
	autofree char *anchor = mem_strdup(
		(const char *)reader->event.data.sequence_start.anchor);

	if (!tag_allowed(reader->event.data.sequence_start.tag, YAML_SEQ_TAG))
		return fail_here(reader, "this tag is not supported");
	for (;;) {
		struct jval *value;

		if (next(reader) < 0)
			return NULL;
		if (reader->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		value = read_node(reader, depth - 1);
		if (value == NULL)
			return NULL;
		jval_append(array, value);
	}
	remember(reader, anchor, array);
	return mem_steal(&array);
}

static bool is_merge_key(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT &&
	       event->data.scalar.plain_implicit &&
	       strcmp((const char *)event->data.scalar.value, "<<") == 0;
}

/* The members of `from` that `object` has not yet. */
static int merge_one(struct jval *object, const struct jval *from)
{
	if (!jval_is_object(from))
		return -1;
	for (void *it = jval_first(from); it; it = jval_next(from, it))
		if (!jval_get(object, jval_member_name(it)))
			jval_set(object, jval_member_name(it),
				 jval_ref(jval_member_value(it)));
	return 0;
}

/* An earlier mapping of the list wins over a later one. */
static int merge_all(struct jval *object, const struct jval *from)
{
	if (!jval_is_array(from))
		return merge_one(object, from);
	for (size_t i = 0; i < jval_len(from); i++)
		if (merge_one(object, jval_at(from, i)) < 0)
			return -1;
	return 0;
}

/* The name of the member at hand, owned by the caller. */
static char *read_key(struct yaml_reader *reader, const struct jval *object)
{
	autojval struct jval *key = NULL;

	if (reader->event.type == YAML_SCALAR_EVENT) {
		key = read_scalar(reader);
		if (key == NULL)
			return NULL;
	}
	if (!jval_is_str(key)) {
		fail_here(reader, "key is not a string; quote it");
		return NULL;
	}
	if (jval_get(object, jval_string(key))) {
		fail_here(reader, "duplicate key");
		err_hint(reader->err, "'%s' was set before", jval_string(key));
		return NULL;
	}
	return mem_strdup(jval_string(key));
}

static int read_member(struct yaml_reader *reader, struct jval *object,
		       struct jval **merged, size_t depth)
{
	bool merge = is_merge_key(&reader->event);
	yaml_mark_t mark = reader->event.start_mark;
	autofree char *name = NULL;
	struct jval *value;

	if (merge && *merged)
		return fail_at(reader, mark, "duplicate merge key '<<'");
	if (!merge) {
		name = read_key(reader, object);
		if (name == NULL)
			return -1;
	}
	if (next(reader) < 0)
		return -1;
	value = read_node(reader, depth - 1);
	if (value == NULL)
		return -1;
	if (merge)
		*merged = value;
	else
		jval_set(object, name, value);
	return 0;
}

static struct jval *read_mapping(struct yaml_reader *reader, size_t depth)
{
	autojval struct jval *object = jval_new_object();
	autojval struct jval *merged = NULL;
	autofree char *anchor = mem_strdup(
		(const char *)reader->event.data.mapping_start.anchor);
	yaml_mark_t mark = reader->event.start_mark;

	if (!tag_allowed(reader->event.data.mapping_start.tag, YAML_MAP_TAG))
		return fail_here(reader, "this tag is not supported");
	for (;;) {
		if (next(reader) < 0)
			return NULL;
		if (reader->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (read_member(reader, object, &merged, depth) < 0)
			return NULL;
	}
	if (merged && merge_all(object, merged) < 0) {
		fail_at(reader, mark, "merge key '<<' is not of mappings");
		return NULL;
	}
	remember(reader, anchor, object);
	return mem_steal(&object);
}

/* The node that begins with the event at hand; ends at its last event. A
 * collection may be `depth` deep. */
static struct jval *read_node(struct yaml_reader *reader, size_t depth)
{
	switch (reader->event.type) {
	case YAML_ALIAS_EVENT:
		return read_alias(reader, depth);
	case YAML_SCALAR_EVENT:
		return read_scalar(reader);
	default:
		break;
	}
	if (depth == 0)
		return fail_here(reader, "nested too deep");
	if (reader->event.type == YAML_SEQUENCE_START_EVENT)
		return read_sequence(reader, depth);
	return read_mapping(reader, depth);
}

static bool is_empty(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT &&
	       event->data.scalar.plain_implicit &&
	       event->data.scalar.length == 0;
}

static int read_document(struct yaml_reader *reader, struct jval *all)
{
	struct jval *value;
	bool empty;

	jval_free(reader->anchors);
	reader->anchors = jval_new_object();
	if (next(reader) < 0)
		return -1;
	empty = is_empty(&reader->event);
	value = read_node(reader, JVAL_MAX_DEPTH);
	if (value == NULL)
		return -1;
	if (empty)
		jval_free(value);
	else
		jval_append(all, value);
	return next(reader); /* the end of the document */
}

static int read_stream(struct yaml_reader *reader, struct jval *all)
{
	if (next(reader) < 0) /* the start of the stream */
		return -1;
	for (;;) {
		if (next(reader) < 0)
			return -1;
		if (reader->event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (read_document(reader, all) < 0)
			return -1;
	}
}

/* JSON allows what this YAML library does not: surrogate pairs, long keys. */
static struct jval *parse_json(const char *text, size_t len)
{
	struct err ignored = ERR_INIT;
	size_t blank = 0;

	while (blank < len && strchr(" \t\r\n", text[blank]) && text[blank])
		blank++;
	if (blank == len || text[blank] != '{')
		return NULL;
	return jval_parse(text, len, &ignored);
}

struct jval *yaml_parse_all(const char *text, size_t len, struct err *err)
{
	struct yaml_reader reader = {
		.text = text, .len = len, .weight = YAML_ALIAS_MAX, .err = err
	};
	autojval struct jval *all = jval_new_array();
	struct jval *json = parse_json(text, len);
	int result;

	if (json) {
		jval_append(all, json);
		return mem_steal(&all);
	}
	if (!yaml_parser_initialize(&reader.parser))
		abort();
	yaml_parser_set_input_string(&reader.parser,
				     (const unsigned char *)text, len);
	result = read_stream(&reader, all);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	jval_free(reader.anchors);
	return result < 0 ? NULL : mem_steal(&all);
}

struct jval *yaml_parse(const char *text, size_t len, struct err *err)
{
	autojval struct jval *all = yaml_parse_all(text, len, err);

	if (all == NULL)
		return NULL;
	if (jval_len(all) != 1) {
		err_set(err, ERR_INVALID,
			"there are %zu YAML documents instead of one",
			jval_len(all));
		return NULL;
	}
	return jval_ref(jval_at(all, 0));
}

const char *yaml_library_version(void)
{
	return yaml_get_version_string();
}

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strs.h"
#include "format/codepoint.h"
#include "format/yaml.h"
#include "format/yaml_scalar.h"

#define YAML_INDENT ((size_t)2)

/* A key of 1024 characters or more must be announced with "? "; each byte
 * may be written as four. */
#define YAML_PLAIN_KEY_MAX 250

static void dump_mapping(struct buf *out, const struct jval *value,
			 size_t indent, bool pad_first);
static void dump_sequence(struct buf *out, const struct jval *value,
			  size_t indent, bool pad_first);

static void add_indent(struct buf *out, size_t indent)
{
	while (indent-- > 0)
		buf_addch(out, ' ');
}

static bool printable(uint32_t c)
{
	if (c < 0xa0)
		return c >= ' ' && c <= '~';
	return c != 0x2028 && c != 0x2029 && c != 0xfeff &&
	       (c & 0xfffe) != 0xfffe;
}

static bool all_printable(const char *text, const char *besides)
{
	size_t len = strlen(text);
	uint32_t c = 0;

	while (len > 0) {
		size_t n = codepoint_next(text, len, &c);

		if (!printable(c) && (c >= 0x80 || !strchr(besides, (int)c)))
			return false;
		text += n;
		len -= n;
	}
	return true;
}

static void add_escaped(struct buf *out, const char *s, size_t n, uint32_t c)
{
	if (c == '\n')
		buf_addstr(out, "\\n");
	else if (c == '\t')
		buf_addstr(out, "\\t");
	else if (c == '"' || c == '\\')
		buf_addf(out, "\\%c", (int)c);
	else if (printable(c))
		buf_add(out, s, n);
	else if (c < 0x100)
		buf_addf(out, "\\x%02" PRIX32, c);
	else if (c < 0x10000)
		buf_addf(out, "\\u%04" PRIX32, c);
	else
		buf_addf(out, "\\U%08" PRIX32, c);
}

static void add_double_quoted(struct buf *out, const char *text)
{
	size_t len = strlen(text);
	uint32_t c = 0;

	buf_addch(out, '"');
	while (len > 0) {
		size_t n = codepoint_next(text, len, &c);

		add_escaped(out, text, n, c);
		text += n;
		len -= n;
	}
	buf_addch(out, '"');
}

static void add_single_quoted(struct buf *out, const char *text)
{
	buf_addch(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_addch(out, '\'');
		buf_addch(out, *text);
	}
	buf_addch(out, '\'');
}

/* On one line. */
static void add_inline(struct buf *out, const char *text)
{
	if (yaml_plain_safe(text))
		buf_addstr(out, text);
	else if (strpbrk(text, "\"\\") && all_printable(text, ""))
		add_single_quoted(out, text);
	else
		add_double_quoted(out, text);
}

/* A first line that is empty or indented would need an explicit indentation,
 * a last one of blanks is read differently by different readers. */
static bool fits_literal(const char *text)
{
	const char *last = strrchr(text, '\n');

	if (last == NULL || strchr(" \t\n", *text) ||
	    !all_printable(text, "\n\t"))
		return false;
	return last[1] == '\0' || last[1 + strspn(last + 1, " \t")] != '\0';
}

static void add_literal(struct buf *out, const char *text, size_t indent)
{
	if (!str_ends(text, "\n"))
		buf_addstr(out, "|-\n");
	else if (str_ends(text, "\n\n"))
		buf_addstr(out, "|+\n");
	else
		buf_addstr(out, "|\n");
	while (*text) {
		const char *end = strchrnul(text, '\n');

		if (end > text)
			add_indent(out, indent + YAML_INDENT);
		buf_add(out, text, (size_t)(end - text));
		buf_addch(out, '\n');
		text = *end ? end + 1 : end;
	}
}

/* The fewest digits that give the same number again, and a point, without
 * which some readers see no float. */
static void add_real(struct buf *out, double n)
{
	char text[40];
	size_t whole;

	for (int digits = 15; digits <= 17; digits++) {
		double again;

		snprintf(text, sizeof(text), "%.*g", digits, n);
		again = strtod(text, NULL);
		if (!(again < n) && !(again > n))
			break;
	}
	whole = strspn(text, "-0123456789");
	buf_add(out, text, whole);
	if (text[whole] != '.')
		buf_addstr(out, ".0");
	buf_addstr(out, text + whole);
}

static void dump_scalar(struct buf *out, const struct jval *value,
			size_t indent)
{
	const char *text = jval_string(value);

	if (text && fits_literal(text)) {
		add_literal(out, text, indent);
		return;
	}
	if (text)
		add_inline(out, text);
	else if (jval_is_int(value))
		buf_addf(out, "%" PRId64, jval_integer(value));
	else if (jval_is_real(value))
		add_real(out, jval_number(value));
	else if (jval_is_bool(value))
		buf_addstr(out, jval_is_true(value) ? "true" : "false");
	else if (jval_is_object(value))
		buf_addstr(out, "{}");
	else if (jval_is_array(value))
		buf_addstr(out, "[]");
	else
		buf_addstr(out, "null");
	buf_addch(out, '\n');
}

/* After "- " or "? ", on the same line. */
static void dump_compact(struct buf *out, const struct jval *value,
			 size_t indent)
{
	if (jval_is_object(value) && jval_len(value) > 0)
		dump_mapping(out, value, indent + YAML_INDENT, false);
	else if (jval_is_array(value) && jval_len(value) > 0)
		dump_sequence(out, value, indent + YAML_INDENT, false);
	else
		dump_scalar(out, value, indent);
}

static void dump_member(struct buf *out, const char *name,
			const struct jval *value, size_t indent)
{
	if (strlen(name) > YAML_PLAIN_KEY_MAX) {
		buf_addstr(out, "? ");
		add_inline(out, name);
		buf_addch(out, '\n');
		add_indent(out, indent);
		buf_addstr(out, ": ");
		dump_compact(out, value, indent);
		return;
	}
	add_inline(out, name);
	if (jval_is_object(value) && jval_len(value) > 0) {
		buf_addstr(out, ":\n");
		dump_mapping(out, value, indent + YAML_INDENT, true);
	} else if (jval_is_array(value) && jval_len(value) > 0) {
		buf_addstr(out, ":\n");
		dump_sequence(out, value, indent, true);
	} else {
		buf_addstr(out, ": ");
		dump_scalar(out, value, indent);
	}
}

static void dump_mapping(struct buf *out, const struct jval *value,
			 size_t indent, bool pad_first)
{
	for (void *it = jval_first(value); it; it = jval_next(value, it)) {
		if (pad_first)
			add_indent(out, indent);
		pad_first = true;
		dump_member(out, jval_member_name(it), jval_member_value(it),
			    indent);
	}
}

static void dump_sequence(struct buf *out, const struct jval *value,
			  size_t indent, bool pad_first)
{
	for (size_t i = 0; i < jval_len(value); i++) {
		if (pad_first)
			add_indent(out, indent);
		pad_first = true;
		buf_addstr(out, "- ");
		dump_compact(out, jval_at(value, i), indent);
	}
}

void yaml_dump(struct buf *out, const struct jval *value)
{
	if (jval_is_object(value) && jval_len(value) > 0)
		dump_mapping(out, value, 0, true);
	else if (jval_is_array(value) && jval_len(value) > 0)
		dump_sequence(out, value, 0, true);
	else
		dump_scalar(out, value, 0);
}

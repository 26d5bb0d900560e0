#include "slurm/conf.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/strs.h"

#define INCLUDE "include"

void conf_reader_init(struct conf_reader *reader, const char *text, size_t len)
{
	memset(reader, 0, sizeof(*reader));
	reader->text = text;
	reader->len = len;
	buf_init(&reader->joined, len + 1);
	buf_init(&reader->comment, len + 1);
}

void conf_reader_release(struct conf_reader *reader)
{
	buf_release(&reader->joined);
	buf_release(&reader->comment);
}

static bool is_blank(char c)
{
	return isspace((unsigned char)c) != 0;
}

/* Where the comment of `line` begins, or its end. */
static size_t code_len(const char *line, size_t len)
{
	bool escaped = false;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '#' && !escaped)
			return i;
		escaped = line[i] == '\\' && !escaped;
	}
	return len;
}

/* Whether the next line goes on: then `*len` is what there is before the
 * backslash. Blanks behind it do not count. */
static bool is_continued(const char *line, size_t *len)
{
	size_t end = *len, first;

	while (end > 0 && is_blank(line[end - 1]))
		end--;
	for (first = end; first > 0 && line[first - 1] == '\\';)
		first--;
	if ((end - first) % 2 == 0)
		return false;
	/* Slurm drops the last of them, and those before escape each other. */
	*len = end - 1;
	return true;
}

/* Append without the backslashes that escape. */
static void add_unescaped(struct buf *out, const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\' && i + 1 < len)
			i++;
		else if (line[i] == '\\')
			break;
		buf_addch(out, line[i]);
	}
}

static size_t name_len(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '_' ||
	       text[len] == '.')
		len++;
	return len;
}

/* The value at `p`: in quotes, or up to a blank; where it ends, or NULL. */
static char *value_end(char *p, char **value)
{
	char *end = *p == '"' ? strchr(p + 1, '"') : NULL;

	if (end && (end[1] == '\0' || is_blank(end[1]))) {
		*value = p + 1;
		return end;
	}
	for (end = p; *end && !is_blank(*end);)
		end++;
	*value = p;
	return end > p ? end : NULL;
}

/* NAME=VALUE at the start of `text`, which gets NULs; what follows. NULL where
 * there is none. */
static char *split_pair(char *text, char **name, char **value)
{
	char *p = text, *end;

	while (is_blank(*p))
		p++;
	*name = p;
	end = p += name_len(p);
	while (is_blank(*p))
		p++;
	if (*p && strchr("-*+/", *p))
		p++;
	if (end == *name || *p++ != '=')
		return NULL;
	while (is_blank(*p))
		p++;
	p = value_end(p, value);
	if (p == NULL)
		return NULL;
	*end = '\0';
	end = *p ? p + 1 : p;
	*p = '\0';
	return end;
}

/* The file of "Include FILE". */
static char *split_include(char *text, char **name, char **value)
{
	char *p = text + strlen(INCLUDE);
	char *end;

	if (strncasecmp(text, INCLUDE, strlen(INCLUDE)) != 0 || !is_blank(*p))
		return NULL;
	*p++ = '\0';
	while (is_blank(*p))
		p++;
	for (end = p; *end && !is_blank(*end);)
		end++;
	*name = text;
	*value = p;
	p = *end ? end + 1 : end;
	*end = '\0';
	return p;
}

static bool only_blanks(const char *text)
{
	while (is_blank(*text))
		text++;
	return *text == '\0';
}

/* NAME of "# NAME=...", or NULL; the comment gets a NUL. */
static const char *commented_name(struct buf *comment)
{
	char *name = comment->data, *end;
	size_t len;

	if (comment->len == 0)
		return NULL;
	name += strspn(name, "# \t");
	len = name_len(name);
	end = name + len + strspn(name + len, " \t");
	if (len == 0 || *end != '=')
		return NULL;
	name[len] = '\0';
	return name;
}

static void line_read(struct conf_reader *reader, struct conf_line *line)
{
	char *name = NULL, *value = NULL, *rest = NULL;
	char *text = reader->joined.data;

	if (text)
		rest = split_include(text, &name, &value);
	if (text && rest == NULL)
		rest = split_pair(text, &name, &value);
	if (rest) {
		line->name = name;
		line->value = value;
		line->more = !only_blanks(rest);
	}
	line->commented = commented_name(&reader->comment);
}

bool conf_next(struct conf_reader *reader, struct conf_line *line)
{
	bool more = true;

	if (reader->at >= reader->len)
		return false;
	buf_clear(&reader->joined);
	buf_clear(&reader->comment);
	*line = (struct conf_line){ .at = reader->at,
				    .number = reader->number + 1 };
	while (more && reader->at < reader->len) {
		const char *start = reader->text + reader->at;
		size_t left = reader->len - reader->at;
		const char *end = memchr(start, '\n', left);
		size_t len = end ? (size_t)(end - start) + 1 : left;
		size_t code = code_len(start, len);

		reader->at += len;
		reader->number++;
		buf_clear(&reader->comment);
		buf_add(&reader->comment, start + code, len - code);
		more = is_continued(start, &code);
		add_unescaped(&reader->joined, start, code);
	}
	line->len = reader->at - line->at;
	line->open = more;
	line_read(reader, line);
	return true;
}

bool conf_is(const struct conf_line *line, const char *name)
{
	return line->name && strcasecmp(line->name, name) == 0;
}

char *conf_value(const char *text, size_t len, const char *name)
{
	struct conf_reader reader;
	struct conf_line line;
	char *value = NULL;

	conf_reader_init(&reader, text, len);
	while (conf_next(&reader, &line)) {
		if (!conf_is(&line, name))
			continue;
		free(value);
		value = mem_strdup(line.value);
	}
	conf_reader_release(&reader);
	return value;
}

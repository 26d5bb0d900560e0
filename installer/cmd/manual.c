#include "cmd/manual.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

#define CODE_INDENT "    "

void manual_heading(struct manual *manual, const char *text)
{
	manual->in_list = false;
	manual->form->heading(manual, text);
}

void manual_paragraph(struct manual *manual, const char *text)
{
	manual->in_list = false;
	manual->form->paragraph(manual, text);
}

void manual_bullet(struct manual *manual, const char *text)
{
	manual->form->bullet(manual, text, !manual->in_list);
	manual->in_list = true;
}

void manual_term(struct manual *manual, const char *term, const char *text)
{
	manual->form->term(manual, term, text, !manual->in_list);
	manual->in_list = true;
}

void manual_code(struct manual *manual, const char *lines)
{
	manual->in_list = false;
	manual->form->code(manual, lines);
}

/* The style that a mark at `text` toggles, and the length of the mark. */
static enum manual_style mark_at(const char *text, size_t *len)
{
	*len = 1;
	if (*text == '`')
		return MANUAL_CODE;
	if (text[0] == '*' && text[1] == '*') {
		*len = 2;
		return MANUAL_BOLD;
	}
	return *text == '*' ? MANUAL_EMPHASIS : MANUAL_PLAIN;
}

void manual_inline(const char *text,
		   void (*emit)(void *ctx, enum manual_style style,
				const char *run, size_t len),
		   void *ctx)
{
	enum manual_style style = MANUAL_PLAIN;

	while (*text) {
		size_t len;
		enum manual_style mark = mark_at(text, &len);

		/* In code only its own mark counts. */
		if (mark != MANUAL_PLAIN &&
		    (style != MANUAL_CODE || mark == MANUAL_CODE)) {
			style = style == mark ? MANUAL_PLAIN : mark;
			text += len;
			continue;
		}
		if (*text == '\\' && text[1] && style != MANUAL_CODE) {
			emit(ctx, style, text + 1, 1);
			text += 2;
			continue;
		}
		len = 1 + strcspn(text + 1, "`*\\");
		emit(ctx, style, text, len);
		text += len;
	}
}

char *manual_escape(const char *text)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	for (; *text; text++) {
		if (strchr("`*\\", *text))
			buf_addch(&out, '\\');
		buf_addch(&out, *text);
	}
	return buf_steal(&out);
}

/* What a source is read into, line by line. */
struct reader {
	struct manual *manual;
	void (*after)(struct manual *manual, const char *heading, void *ctx);
	void *ctx;
	char *heading;
	enum { NOTHING, PARAGRAPH, ITEM, CODE } block;
	struct buf text; /* of the block */
};

/* The colon behind "`term`:" or "`term`, `term`:" at the start of an item, or
 * NULL. */
static const char *item_colon(const char *text)
{
	const char *rest = text;

	while (rest && *rest == '`') {
		const char *end = strchr(rest + 1, '`');

		if (end && end[1] == ':')
			return end + 1;
		rest = end ? str_after(end + 1, ", ") : NULL;
	}
	return NULL;
}

static void reader_end_item(struct reader *r)
{
	const char *text = buf_str(&r->text);
	const char *colon = item_colon(text);
	autofree char *term = NULL;

	if (colon == NULL) {
		manual_bullet(r->manual, text);
		return;
	}
	term = mem_strndup(text, (size_t)(colon - text));
	colon++;
	manual_term(r->manual, term, colon + strspn(colon, " "));
}

static void reader_end_block(struct reader *r)
{
	if (r->block == PARAGRAPH)
		manual_paragraph(r->manual, buf_str(&r->text));
	else if (r->block == ITEM)
		reader_end_item(r);
	else if (r->block == CODE)
		manual_code(r->manual, buf_str(&r->text));
	buf_clear(&r->text);
	r->block = NOTHING;
}

static void reader_end_section(struct reader *r)
{
	reader_end_block(r);
	if (r->heading && r->after)
		r->after(r->manual, r->heading, r->ctx);
	free(r->heading);
	r->heading = NULL;
}

/* Another line of the block that goes on, or a new one of that kind. */
static void reader_add(struct reader *r, const char *text)
{
	text += strspn(text, " ");
	if (r->block == NOTHING)
		r->block = PARAGRAPH;
	if (r->text.len > 0)
		buf_addch(&r->text, ' ');
	buf_addstr(&r->text, text);
}

static void reader_add_code(struct reader *r, const char *text)
{
	if (r->block != CODE)
		reader_end_block(r);
	r->block = CODE;
	buf_addf(&r->text, "%s\n", text);
}

static void reader_line(struct reader *r, const char *line)
{
	const char *heading = str_after(line, "## ");
	const char *item = str_after(line, "- ");
	const char *code = str_after(line, CODE_INDENT);

	if (heading) {
		reader_end_section(r);
		r->heading = mem_strdup(heading);
		manual_heading(r->manual, heading);
	} else if (r->heading == NULL) {
		return;
	} else if (item) {
		reader_end_block(r);
		r->block = ITEM;
		buf_addstr(&r->text, item);
	} else if (code && r->block != ITEM && r->block != PARAGRAPH) {
		reader_add_code(r, code);
	} else if (*line == '\0') {
		reader_end_block(r);
	} else {
		if (r->block == CODE)
			reader_end_block(r);
		reader_add(r, line);
	}
}

void manual_markdown(struct manual *manual, const char *source,
		     void (*after)(struct manual *manual, const char *heading,
				   void *ctx),
		     void *ctx)
{
	struct reader r = {
		.manual = manual,
		.after = after,
		.ctx = ctx,
		.text = BUF_INIT(BUF_TEXT_MAX),
	};

	while (*source) {
		size_t len = strcspn(source, "\n");
		autofree char *line = mem_strndup(source, len);

		reader_line(&r, line);
		source += len + (source[len] == '\n');
	}
	reader_end_section(&r);
	buf_release(&r.text);
}

char *manual_summary(const char *source)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (str_starts(source, "# "))
		source += strcspn(source, "\n");
	source += strspn(source, "\n");
	if (*source == '#')
		return buf_steal(&out);
	while (*source && *source != '\n') {
		size_t len = strcspn(source, "\n");

		if (out.len > 0)
			buf_addch(&out, ' ');
		buf_add(&out, source, len);
		source += len + (source[len] == '\n');
	}
	return buf_steal(&out);
}

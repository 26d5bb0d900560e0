/*
 * manual - long help from one source: a page of markdown, shown in a terminal
 * or written as a man page.
 *
 * The source is a small part of markdown: "# title", which is skipped with
 * all before the first "## HEADING"; paragraphs; lists of "- item", of which
 * "- `term`: text" is a term and its meaning, as is "- `term`, `term`: text";
 * code, indented by four blanks;
 * within text `code`, **bold** and *emphasis*. A backslash takes the
 * meaning of the character after it away.
 *
 *	struct manual manual = { .out = &text, .form = &manual_terminal };
 *
 *	manual_heading(&manual, "NAME");
 *	manual_paragraph(&manual, "dws-csm - ...");
 *	manual_markdown(&manual, source, add_options, command);
 *
 * Source: man(7).
 */
#ifndef CMD_MANUAL_H
#define CMD_MANUAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum manual_style { MANUAL_PLAIN, MANUAL_CODE, MANUAL_BOLD, MANUAL_EMPHASIS };

struct manual;

/* How a form writes each kind of block; `text` is inline markdown. */
struct manual_form {
	void (*heading)(struct manual *manual, const char *text);
	void (*paragraph)(struct manual *manual, const char *text);
	void (*bullet)(struct manual *manual, const char *text, bool first);
	void (*term)(struct manual *manual, const char *term, const char *text,
		     bool first);
	void (*code)(struct manual *manual, const char *lines);
};

extern const struct manual_form manual_terminal; /* 78 columns */
extern const struct manual_form manual_roff;

struct manual {
	struct buf *out;
	const struct manual_form *form;
	bool bold;    /* the terminal can: use it */
	bool in_list; /* private: the last block was an item */
};

void manual_heading(struct manual *manual, const char *text);
void manual_paragraph(struct manual *manual, const char *text);
void manual_bullet(struct manual *manual, const char *text);
void manual_term(struct manual *manual, const char *term, const char *text);
void manual_code(struct manual *manual, const char *lines);

/* Render a source. `after`, when not NULL, is called at the end of each
 * section with its heading, and may add sections. */
void manual_markdown(struct manual *manual, const char *source,
		     void (*after)(struct manual *manual, const char *heading,
				   void *ctx),
		     void *ctx);

/* The first paragraph below "# title", in one line, or "" when the first
 * section comes at once; owned by the caller. */
char *manual_summary(const char *source) must_check;

/* For forms: walk through inline markdown, run by run of one style. */
void manual_inline(const char *text,
		   void (*emit)(void *ctx, enum manual_style style,
				const char *run, size_t len),
		   void *ctx);

/* For forms: text in which markdown marks nothing (an argument's name). */
char *manual_escape(const char *text) must_check;

#endif

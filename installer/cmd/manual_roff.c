/* The roff form: what man(1) reads. Source: man(7), groff_char(7). */
#include <string.h>

#include "cmd/manual.h"

#define LINE_WIDTH 72

struct roff {
	struct buf *out;
	size_t column;
};

static void roff_add_char(struct buf *out, char c)
{
	switch (c) {
	case '\\':
		buf_addstr(out, "\\e");
		break;
	case '-': /* to be copied, not typeset */
		buf_addstr(out, "\\-");
		break;
	case '\'':
		buf_addstr(out, "\\(aq");
		break;
	case '`':
		buf_addstr(out, "\\(ga");
		break;
	case '^':
		buf_addstr(out, "\\(ha");
		break;
	case '~':
		buf_addstr(out, "\\(ti");
		break;
	default:
		buf_addch(out, c);
	}
}

static void roff_emit(void *ctx, enum manual_style style, const char *run,
		      size_t len)
{
	static const char *const fonts[] = {
		[MANUAL_PLAIN] = NULL,
		[MANUAL_CODE] = "\\fB",
		[MANUAL_BOLD] = "\\fB",
		[MANUAL_EMPHASIS] = "\\fI",
	};
	struct roff *roff = ctx;

	if (fonts[style])
		buf_addstr(roff->out, fonts[style]);
	for (size_t i = 0; i < len; i++) {
		/* Never a blank at the end of a line of one style. */
		if (run[i] == ' ' && roff->column > LINE_WIDTH &&
		    style == MANUAL_PLAIN) {
			buf_addch(roff->out, '\n');
			roff->column = 0;
			continue;
		}
		/* What a request begins with. */
		if (roff->column == 0 && (run[i] == '.' || run[i] == '\''))
			buf_addstr(roff->out, "\\&");
		roff_add_char(roff->out, run[i]);
		roff->column++;
	}
	if (fonts[style])
		buf_addstr(roff->out, "\\fR");
}

static void roff_text(struct manual *manual, const char *text)
{
	struct roff roff = { .out = manual->out };

	manual_inline(text, roff_emit, &roff);
	buf_addch(manual->out, '\n');
}

static void roff_heading(struct manual *manual, const char *text)
{
	buf_addf(manual->out, ".SH %s\n", text);
}

/* A heading makes its own distance. */
static bool roff_after_heading(const struct manual *manual)
{
	const char *text = buf_str(manual->out);
	size_t len = manual->out->len;
	const char *line;

	if (len == 0)
		return false;
	line = memrchr(text, '\n', len - 1);
	return strncmp(line ? line + 1 : text, ".SH ", 4) == 0;
}

static void roff_paragraph(struct manual *manual, const char *text)
{
	if (!roff_after_heading(manual))
		buf_addstr(manual->out, ".PP\n");
	roff_text(manual, text);
}

static void roff_bullet(struct manual *manual, const char *text, bool first)
{
	(void)first;
	buf_addstr(manual->out, ".IP \\(bu 2\n");
	roff_text(manual, text);
}

static void roff_term(struct manual *manual, const char *term, const char *text,
		      bool first)
{
	(void)first;
	buf_addstr(manual->out, ".TP\n");
	roff_text(manual, term);
	roff_text(manual, text);
}

static void roff_code(struct manual *manual, const char *lines)
{
	buf_addstr(manual->out, roff_after_heading(manual) ?
					".RS 4\n.nf\n" :
					".PP\n.RS 4\n.nf\n");
	for (bool start = true; *lines; lines++) {
		if (start && (*lines == '.' || *lines == '\''))
			buf_addstr(manual->out, "\\&");
		start = *lines == '\n';
		roff_add_char(manual->out, *lines);
	}
	buf_addstr(manual->out, ".fi\n.RE\n");
}

const struct manual_form manual_roff = {
	.heading = roff_heading,
	.paragraph = roff_paragraph,
	.bullet = roff_bullet,
	.term = roff_term,
	.code = roff_code,
};

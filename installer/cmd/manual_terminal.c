/* The terminal form: wrapped, indented, bold where that can be seen. */
#include <string.h>

#include "base/utf8.h"
#include "cmd/manual.h"

#define WIDTH 78
#define INDENT 4
#define TERM_COLUMN 24

/* Words on their way into lines. */
struct wrap {
	struct manual *manual;
	size_t indent; /* of every line but the first */
	size_t column; /* on the line under way */
	size_t blanks; /* due before the next word */
	struct buf word;
	size_t word_width;
	enum manual_style style;
};

static void blanks_add(struct buf *out, size_t nr)
{
	buf_addf(out, "%*s", (int)nr, "");
}

static void wrap_start(struct wrap *wrap, struct manual *manual, size_t indent,
		       size_t column)
{
	*wrap = (struct wrap){
		.manual = manual,
		.indent = indent,
		.column = column,
		.word = BUF_INIT(BUF_TEXT_MAX),
	};
}

static void wrap_end_word(struct wrap *wrap)
{
	struct buf *out = wrap->manual->out;

	if (wrap->word_width > 0) {
		if (wrap->column + wrap->blanks + wrap->word_width > WIDTH &&
		    wrap->column > wrap->indent) {
			buf_addch(out, '\n');
			wrap->column = 0;
		}
		if (wrap->column == 0)
			wrap->blanks = wrap->indent;
		blanks_add(out, wrap->blanks);
		wrap->column += wrap->blanks + wrap->word_width;
	}
	/* Without width it may still be a change of style. */
	buf_add(out, buf_str(&wrap->word), wrap->word.len);
	if (wrap->word_width > 0)
		wrap->blanks = 1;
	buf_clear(&wrap->word);
	wrap->word_width = 0;
}

static void wrap_set_style(struct wrap *wrap, enum manual_style style)
{
	static const char *const codes[] = {
		[MANUAL_PLAIN] = "\033[m",
		[MANUAL_CODE] = "\033[1m",
		[MANUAL_BOLD] = "\033[1m",
		[MANUAL_EMPHASIS] = "\033[4m",
	};

	if (style == wrap->style || !wrap->manual->bold)
		return;
	if (wrap->style != MANUAL_PLAIN)
		buf_addstr(&wrap->word, codes[MANUAL_PLAIN]);
	if (style != MANUAL_PLAIN)
		buf_addstr(&wrap->word, codes[style]);
	wrap->style = style;
}

static void wrap_emit(void *ctx, enum manual_style style, const char *run,
		      size_t len)
{
	struct wrap *wrap = ctx;

	wrap_set_style(wrap, style);
	for (size_t i = 0; i < len; i++) {
		if (run[i] == ' ') {
			wrap_end_word(wrap);
			continue;
		}
		buf_addch(&wrap->word, run[i]);
		wrap->word_width += ((unsigned char)run[i] & 0xc0) != 0x80;
	}
}

/* The column where it ended. */
static size_t wrap_text(struct wrap *wrap, const char *text)
{
	manual_inline(text, wrap_emit, wrap);
	wrap_set_style(wrap, MANUAL_PLAIN);
	wrap_end_word(wrap);
	buf_release(&wrap->word);
	return wrap->column;
}

static void terminal_space(struct manual *manual)
{
	size_t len = manual->out->len;

	if (len > 1 && strncmp(buf_str(manual->out) + len - 2, "\n\n", 2) != 0)
		buf_addch(manual->out, '\n');
}

static void terminal_heading(struct manual *manual, const char *text)
{
	terminal_space(manual);
	buf_addf(manual->out, manual->bold ? "\033[1m%s\033[m\n" : "%s\n",
		 text);
}

/* A blank line, unless a heading stands right above. */
static void terminal_space_block(struct manual *manual)
{
	const char *text = buf_str(manual->out);
	size_t len = manual->out->len;
	const char *line;

	if (len < 2)
		return;
	line = memrchr(text, '\n', len - 1);
	line = line ? line + 1 : text;
	if (*line == ' ')
		terminal_space(manual);
}

static void terminal_paragraph(struct manual *manual, const char *text)
{
	struct wrap wrap;

	terminal_space_block(manual);
	wrap_start(&wrap, manual, INDENT, 0);
	wrap_text(&wrap, text);
	buf_addch(manual->out, '\n');
}

static void terminal_bullet(struct manual *manual, const char *text, bool first)
{
	struct wrap wrap;

	if (first)
		terminal_space_block(manual);
	blanks_add(manual->out, INDENT);
	buf_addstr(manual->out, "- ");
	wrap_start(&wrap, manual, INDENT + 2, INDENT + 2);
	wrap_text(&wrap, text);
	buf_addch(manual->out, '\n');
}

static void terminal_term(struct manual *manual, const char *term,
			  const char *text, bool first)
{
	struct wrap wrap;
	size_t column;

	if (first)
		terminal_space_block(manual);
	wrap_start(&wrap, manual, INDENT, 0);
	column = wrap_text(&wrap, term);
	if (column + 2 > TERM_COLUMN) {
		buf_addch(manual->out, '\n');
		column = 0;
	}
	blanks_add(manual->out, TERM_COLUMN - column);
	wrap_start(&wrap, manual, TERM_COLUMN, TERM_COLUMN);
	wrap_text(&wrap, text);
	buf_addch(manual->out, '\n');
}

static void terminal_code(struct manual *manual, const char *lines)
{
	terminal_space_block(manual);
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		blanks_add(manual->out, INDENT + 4);
		buf_add(manual->out, lines, len);
		buf_addch(manual->out, '\n');
		lines += len + (lines[len] == '\n');
	}
}

const struct manual_form manual_terminal = {
	.heading = terminal_heading,
	.paragraph = terminal_paragraph,
	.bullet = terminal_bullet,
	.term = terminal_term,
	.code = terminal_code,
};

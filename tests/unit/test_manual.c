#include "unit.h"

#include "base/mem.h"
#include "cmd/manual.h"

static const char source[] =
	"# title\n"
	"\n"
	"what it\n"
	"is about\n"
	"\n"
	"## DESCRIPTION\n"
	"\n"
	"A **bold** word, `code` and\n"
	"*emphasis*; 2 \\* 3, and a text that is long enough for two lines.\n"
	"\n"
	"- first item\n"
	"  goes on\n"
	"- second item\n"
	"\n"
	"- `term`: its meaning\n"
	"- `a term that is too long`: below\n"
	"- `ONE`, `TWO`: both\n"
	"- `code` begins an item\n"
	"\n"
	"    code line\n"
	"    .dot 'quote'\n"
	"Text right after.\n"
	"\n"
	"## LAST\n"
	"\n"
	"The end\n";

static char *render(const struct manual_form *form, bool bold,
		    void (*after)(struct manual *manual, const char *heading,
				  void *ctx))
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	struct manual manual = { .out = &out, .form = form, .bold = bold };

	manual_markdown(&manual, source, after, NULL);
	return buf_steal(&out);
}

static void manual_fits_a_terminal(void **state)
{
	autofree char *text = render(&manual_terminal, false, NULL);

	(void)state;
	assert_string_equal(
		text,
		"DESCRIPTION\n"
		"    A bold word, code and emphasis; 2 * 3, and a text that "
		"is long enough for\n"
		"    two lines.\n"
		"\n"
		"    - first item goes on\n"
		"    - second item\n"
		"    term                its meaning\n"
		"    a term that is too long\n"
		"                        below\n"
		"    ONE, TWO            both\n"
		"    - code begins an item\n"
		"\n"
		"        code line\n"
		"        .dot 'quote'\n"
		"\n"
		"    Text right after.\n"
		"\n"
		"LAST\n"
		"    The end\n");
}

static void manual_is_bold_where_that_can_be_seen(void **state)
{
	autofree char *text = render(&manual_terminal, true, NULL);

	(void)state;
	assert_non_null(strstr(text, "\033[1mDESCRIPTION\033[m\n"));
	assert_non_null(strstr(text, "A \033[1mbold\033[m word, "
				     "\033[1mcode\033[m and "
				     "\033[4memphasis\033[m; 2 * 3, and a text "
				     "that is long enough for\n    two"));
}

static void manual_is_roff_without_accidents(void **state)
{
	autofree char *text = render(&manual_roff, false, NULL);

	(void)state;
	assert_string_equal(text,
			    ".SH DESCRIPTION\n"
			    "A \\fBbold\\fR word, \\fBcode\\fR and "
			    "\\fIemphasis\\fR; 2 * 3, and a text that is long "
			    "enough for\n"
			    "two lines.\n"
			    ".IP \\(bu 2\n"
			    "first item goes on\n"
			    ".IP \\(bu 2\n"
			    "second item\n"
			    ".TP\n"
			    "\\fBterm\\fR\n"
			    "its meaning\n"
			    ".TP\n"
			    "\\fBa term that is too long\\fR\n"
			    "below\n"
			    ".TP\n"
			    "\\fBONE\\fR, \\fBTWO\\fR\n"
			    "both\n"
			    ".IP \\(bu 2\n"
			    "\\fBcode\\fR begins an item\n"
			    ".PP\n"
			    ".RS 4\n"
			    ".nf\n"
			    "code line\n"
			    "\\&.dot \\(aqquote\\(aq\n"
			    ".fi\n"
			    ".RE\n"
			    ".PP\n"
			    "Text right after.\n"
			    ".SH LAST\n"
			    "The end\n");
}

static void add_section(struct manual *manual, const char *heading, void *ctx)
{
	(void)ctx;
	if (strcmp(heading, "DESCRIPTION") != 0)
		return;
	manual_heading(manual, "ADDED");
	manual_term(manual, "**--all**", "everything");
}

static void manual_takes_sections_in_between(void **state)
{
	autofree char *text = render(&manual_terminal, false, add_section);

	(void)state;
	assert_non_null(strstr(text, "    Text right after.\n"
				     "\n"
				     "ADDED\n"
				     "    --all               everything\n"
				     "\n"
				     "LAST\n"));
}

static void manual_summary_is_the_first_paragraph(void **state)
{
	autofree char *summary = manual_summary(source);
	autofree char *none = manual_summary("# t\n\n## DESCRIPTION\n\nx\n");

	(void)state;
	assert_string_equal(summary, "what it is about");
	assert_string_equal(none, "");
}

static void manual_escaped_text_is_shown_as_it_is(void **state)
{
	autofree char *escaped = manual_escape("a*b`c\\d **e");
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	struct manual manual = { .out = &out, .form = &manual_terminal };

	(void)state;
	manual_paragraph(&manual, escaped);
	assert_string_equal(buf_str(&out), "    a*b`c\\d **e\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual_fits_a_terminal),
		cmocka_unit_test(manual_is_bold_where_that_can_be_seen),
		cmocka_unit_test(manual_is_roff_without_accidents),
		cmocka_unit_test(manual_takes_sections_in_between),
		cmocka_unit_test(manual_summary_is_the_first_paragraph),
		cmocka_unit_test(manual_escaped_text_is_shown_as_it_is),
	};

	return cmocka_run_group_tests_name("manual", tests, NULL, NULL);
}

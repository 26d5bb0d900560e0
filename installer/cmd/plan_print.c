#include "cmd/plan_print.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cmd/output.h"

/* Lines of one difference that a reader is spared: JSON has all. */
#define DIFF_MAX_LINES 60

#define COLOUR_OFF "\033[m"

/* What is known of a step's extent and reason: "12 MiB, 3 layers lacking". */
static char *step_why(const struct jval *step)
{
	auto_strs struct strs parts = STRS_INIT;
	int64_t bytes = jval_int(step, "bytes", -1);
	int64_t count = jval_int(step, "count", -1);
	const char *why = jval_str(step, "why");
	char text[16];

	if (count >= 0)
		strs_addf(&parts, "%lld", (long long)count);
	if (bytes >= 0) {
		str_bytes(text, sizeof(text), (uint64_t)bytes);
		strs_add(&parts, text);
	}
	if (why)
		strs_add(&parts, why);
	return strs_join(&parts, ", ");
}

static void print_steps(const struct plan *plan, struct buf *out)
{
	static const char *const heads[] = { "ACTION", "THING", "WHY", NULL };
	struct table *table = table_new(heads);

	for (size_t i = 0; i < jval_len(plan->steps); i++) {
		const struct jval *step = jval_at(plan->steps, i);
		autofree char *why = step_why(step);
		const char *const cells[] = { jval_str(step, "action"),
					      jval_str(step, "thing"), why };

		table_row(table, cells);
	}
	table_print(table, out);
	table_free(table);
}

static const char *line_colour(char sign)
{
	switch (sign) {
	case '-':
		return "\033[31m";
	case '+':
		return "\033[32m";
	case '@':
		return "\033[36m";
	default:
		return NULL;
	}
}

static void print_line(const char *line, size_t len, bool colour,
		       struct buf *out)
{
	autofree char *text = mem_strndup(line, len);
	const char *on = colour ? line_colour(*line) : NULL;

	utf8_clean(text);
	buf_addf(out, "%s%s%s\n", on ? on : "", text, on ? COLOUR_OFF : "");
}

static size_t count_lines(const char *text)
{
	size_t nr = 0;

	for (; *text; nr++)
		text += strcspn(text, "\n") + (strchr(text, '\n') != NULL);
	return nr;
}

static void print_diff(const struct jval *step, bool colour, struct buf *out)
{
	const char *diff = jval_str(step, "diff");

	buf_addf(out, "\n%s %s\n", jval_str(step, "action"),
		 jval_str(step, "thing"));
	for (size_t nr = 0; *diff && nr < DIFF_MAX_LINES; nr++) {
		size_t len = strcspn(diff, "\n");

		print_line(diff, len, colour, out);
		diff += len + (diff[len] == '\n');
	}
	if (*diff)
		buf_addf(out, "... %zu more lines: -o json has them\n",
			 count_lines(diff));
}

static void print_list(const char *name, const struct strs *list,
		       struct buf *out)
{
	for (size_t i = 0; i < list->nr; i++)
		buf_addf(out, "%s: %s\n", name, list->item[i]);
}

void plan_table(const struct plan *plan, bool colour, struct buf *out)
{
	bool differs = false;

	print_steps(plan, out);
	for (size_t i = 0; i < jval_len(plan->steps); i++) {
		const struct jval *step = jval_at(plan->steps, i);

		if (!jval_str(step, "diff"))
			continue;
		differs = true;
		print_diff(step, colour, out);
	}
	if (differs)
		buf_addch(out, '\n');
	print_list("note", &plan->notes, out);
	print_list("problem", &plan->problems, out);
	if (plan->back)
		buf_addf(out, "back: %s\n", plan->back);
}

int plan_print(const struct plan *plan, const char *format, struct err *err)
{
	bool colour = isatty(STDOUT_FILENO) && str_empty(getenv("NO_COLOR"));
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	autojval struct jval *value = NULL;

	if (output_format(format)) {
		value = plan_value(plan);
		return output_value(value, format, err);
	}
	plan_table(plan, colour, &out);
	return output_text(buf_str(&out), err);
}

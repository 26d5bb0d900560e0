#include "cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/strs.h"
#include "base/utf8.h"
#include "format/yaml.h"

#define GAP 3

#define DIGEST_PREFIX "sha256:"
#define DIGEST_DIGITS 64
#define DIGEST_SHORT (sizeof(DIGEST_PREFIX) - 1 + 12)

struct table {
	struct strs cell; /* row after row, the headings first */
	size_t columns;
};

static void table_add(struct table *table, const char *text)
{
	char *cell = mem_strdup(text ? text : "");

	/* A name or a message may hold anything, even an escape sequence. */
	utf8_clean(cell);
	strs_take(&table->cell, cell);
}

struct table *table_new(const char *const *heads)
{
	struct table *table = mem_alloc(sizeof(*table));

	while (heads[table->columns])
		table_add(table, heads[table->columns++]);
	return table;
}

void table_row(struct table *table, const char *const *cells)
{
	for (size_t i = 0; i < table->columns; i++)
		table_add(table, cells[i]);
}

static size_t table_width(const struct table *table, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < table->cell.nr; i += table->columns) {
		size_t width = utf8_width(table->cell.item[i]);

		if (width > widest)
			widest = width;
	}
	return widest;
}

/* "sha256:" and 64 digits. */
static bool is_digest(const char *text)
{
	const char *digits = str_after(text, DIGEST_PREFIX);

	return digits && strlen(digits) == DIGEST_DIGITS &&
	       strspn(digits, "0123456789abcdef") == DIGEST_DIGITS;
}

void table_fit(struct table *table, size_t columns)
{
	size_t width = GAP * (table->columns - 1);

	for (size_t i = 0; i < table->columns; i++)
		width += table_width(table, i);
	if (columns == 0 || width <= columns)
		return;
	for (size_t i = 0; i < table->cell.nr; i++)
		if (is_digest(table->cell.item[i]))
			table->cell.item[i][DIGEST_SHORT] = '\0';
}

static void table_print_row(const struct table *table, char *const *cell,
			    const size_t *width, struct buf *out)
{
	size_t blanks = 0;

	/* Blanks only before something: no line ends in them. */
	for (size_t i = 0; i < table->columns; i++) {
		if (*cell[i]) {
			buf_addf(out, "%*s%s", (int)blanks, "", cell[i]);
			blanks = 0;
		}
		blanks += width[i] - utf8_width(cell[i]) + GAP;
	}
	buf_addch(out, '\n');
}

/* Of standard output; 0 where it is no terminal. */
static size_t output_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

void table_print(struct table *table, struct buf *out)
{
	autofree size_t *width = mem_array(table->columns, sizeof(*width));

	table_fit(table, output_columns());
	for (size_t i = 0; i < table->columns; i++)
		width[i] = table_width(table, i);
	for (size_t i = 0; i < table->cell.nr; i += table->columns)
		table_print_row(table, table->cell.item + i, width, out);
}

void table_free(struct table *table)
{
	if (table)
		strs_release(&table->cell);
	free(table);
}

const char *output_format(const char *output)
{
	return str_eq(output, "table") ? NULL : output;
}

int output_value(const struct jval *value, const char *format, struct err *err)
{
	auto_buf struct buf out = BUF_INIT((size_t)256 << 20);
	autofree char *text = NULL;

	if (str_eq(format, "json")) {
		text = jval_pretty(value);
		return output_text(text, err);
	}
	yaml_dump(&out, value);
	if (buf_check(&out, "output", err) < 0)
		return -1;
	return output_text(buf_str(&out), err);
}

int output_text(const char *text, struct err *err)
{
	if (io_write_all(STDOUT_FILENO, text, strlen(text), err) == 0)
		return 0;
	if (err->sys != EPIPE)
		return err_wrap(err, "write to standard output");
	err_clear(err);
	return 0;
}

void output_keep_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The way it is not used, so that using it fails. */
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		/* Those below are open, so it gets just this number. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags) < 0)
			return;
	}
}

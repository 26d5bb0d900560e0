#include "txn/edit.h"

#include <string.h>

#include "base/mem.h"

/* Rows take a fourth of this squared in bytes, times eight: 18 MB. */
#define EDIT_MAX_CHANGES 3000

/* A list without what both begin and end with. */
struct side {
	char *const *line;
	int nr;
};

/*
 * Row d holds, for each diagonal k = x - y of -d, -d + 2 ... d, the furthest x
 * that d changes reach.
 */
struct edit {
	struct side a, b;
	int **row;
	int nr_rows;
	int x, y; /* where the rows end */
};

static int row_at(const struct edit *edit, int d, int k)
{
	return edit->row[d][(k + d) / 2];
}

/* Whether diagonal `k` is reached from above: a line comes. */
static bool comes_from_above(const struct edit *edit, int d, int k)
{
	return k == -d || (k != d && row_at(edit, d - 1, k - 1) <
					     row_at(edit, d - 1, k + 1));
}

static int furthest(const struct edit *edit, int d, int k)
{
	int x = 0;

	if (d > 0)
		x = comes_from_above(edit, d, k) ?
			    row_at(edit, d - 1, k + 1) :
			    row_at(edit, d - 1, k - 1) + 1;
	while (x < edit->a.nr && x - k < edit->b.nr &&
	       strcmp(edit->a.line[x], edit->b.line[x - k]) == 0)
		x++;
	return x;
}

/* The point of a row that lies furthest; whether it is the end. */
static bool reached(struct edit *edit, int d)
{
	edit->x = 0;
	edit->y = 0;
	for (int k = -d; k <= d; k += 2) {
		int x = row_at(edit, d, k);
		int y = x - k;

		if (x <= edit->a.nr && y <= edit->b.nr &&
		    x + y >= edit->x + edit->y) {
			edit->x = x;
			edit->y = y;
		}
	}
	return edit->x == edit->a.nr && edit->y == edit->b.nr;
}

static void search(struct edit *edit)
{
	int max = edit->a.nr + edit->b.nr;

	if (max > EDIT_MAX_CHANGES)
		max = EDIT_MAX_CHANGES;
	edit->row = mem_array((size_t)max + 1, sizeof(*edit->row));
	for (int d = 0; d <= max; d++) {
		edit->row[d] = mem_array((size_t)d + 1, sizeof(int));
		edit->nr_rows = d + 1;
		for (int k = -d; k <= d; k += 2)
			edit->row[d][(k + d) / 2] = furthest(edit, d, k);
		if (reached(edit, d))
			return;
	}
}

/* Write the script from its end to its beginning; where that is. */
static char *trace(const struct edit *edit, char *end)
{
	int x = edit->x, y = edit->y;

	for (int i = edit->b.nr; i > y; i--)
		*--end = '+';
	for (int i = edit->a.nr; i > x; i--)
		*--end = '-';
	for (int d = edit->nr_rows - 1; d > 0; d--) {
		int k = x - y;
		bool above = comes_from_above(edit, d, k);
		int from = row_at(edit, d - 1, above ? k + 1 : k - 1);

		for (; x > from + !above; x--)
			*--end = ' ';
		*--end = above ? '+' : '-';
		x = from;
		y = from - (above ? k + 1 : k - 1);
	}
	for (; x > 0; x--)
		*--end = ' ';
	return end;
}

/* Of lines that change together those that go come first. */
static void order(char *script)
{
	while (*script) {
		size_t run = strspn(script, "+-");
		size_t gone = 0;

		for (size_t i = 0; i < run; i++)
			gone += script[i] == '-';
		memset(script, '-', gone);
		memset(script + gone, '+', run - gone);
		script += run + strspn(script + run, " ");
	}
}

static size_t common_start(const struct strs *a, const struct strs *b)
{
	size_t nr = 0;

	while (nr < a->nr && nr < b->nr && str_eq(a->item[nr], b->item[nr]))
		nr++;
	return nr;
}

static size_t common_end(const struct strs *a, const struct strs *b,
			 size_t start)
{
	size_t nr = 0;

	while (start + nr < a->nr && start + nr < b->nr &&
	       str_eq(a->item[a->nr - 1 - nr], b->item[b->nr - 1 - nr]))
		nr++;
	return nr;
}

static struct side side_of(const struct strs *list, size_t start, size_t end)
{
	return (struct side){
		.line = list->item + start,
		.nr = (int)(list->nr - start - end),
	};
}

char *edit_script(const struct strs *before, const struct strs *after)
{
	size_t start = common_start(before, after);
	size_t end = common_end(before, after, start);
	size_t max = before->nr + after->nr;
	autofree char *text = mem_alloc(max + 1);
	struct edit edit = {
		.a = side_of(before, start, end),
		.b = side_of(after, start, end),
	};
	char *first = text + max;

	search(&edit);
	first -= end;
	memset(first, ' ', end);
	first = trace(&edit, first) - start;
	memset(first, ' ', start);
	for (int i = 0; i < edit.nr_rows; i++)
		free(edit.row[i]);
	free(edit.row);
	order(first);
	return mem_strdup(first);
}

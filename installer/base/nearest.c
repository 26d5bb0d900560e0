#include "base/nearest.h"

#include <stdint.h>
#include <string.h>

static size_t min3(size_t a, size_t b, size_t c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

size_t nearest_distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > NEAREST_MAX || b_len > NEAREST_MAX)
		return SIZE_MAX;
	memset(rows, 0, sizeof(rows));
	for (size_t j = 0; j <= b_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			bool same = a[i - 1] == b[j - 1];

			row[j] = min3(row[j - 1] + 1, last[j] + 1,
				      last[j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b_len];
}

const char *nearest_word(const char *word, const struct strs *known)
{
	const char *nearest = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < known->nr; i++) {
		const char *name = known->item[i];
		size_t distance = nearest_distance(word, name);
		size_t limit = strlen(name) < 4 ? 1 : (strlen(name) + 2) / 3;

		if (strlen(word) >= 4 && str_starts(name, word))
			return name;
		if (distance <= limit && distance < least) {
			least = distance;
			nearest = name;
		}
	}
	return nearest;
}

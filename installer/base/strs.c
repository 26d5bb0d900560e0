#include "base/strs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

void strs_clear(struct strs *list)
{
	for (size_t i = 0; i < list->nr; i++)
		free(list->item[i]);
	list->nr = 0;
}

void strs_release(struct strs *list)
{
	strs_clear(list);
	free(list->item);
	memset(list, 0, sizeof(*list));
}

void strs_take(struct strs *list, char *s)
{
	if (list->nr + 1 >= list->cap) {
		list->cap = list->cap ? list->cap * 2 : 8;
		list->item = mem_resize(list->item, list->cap, sizeof(char *));
	}
	list->item[list->nr++] = s;
	list->item[list->nr] = NULL;
}

void strs_add(struct strs *list, const char *s)
{
	strs_take(list, mem_strdup(s));
}

void strs_addf(struct strs *list, const char *fmt, ...)
{
	va_list args;
	char *s;
	int n;

	va_start(args, fmt);
	n = vasprintf(&s, fmt, args);
	va_end(args);
	if (n < 0)
		abort();
	strs_take(list, s);
}

bool strs_has(const struct strs *list, const char *s)
{
	for (size_t i = 0; i < list->nr; i++)
		if (strcmp(list->item[i], s) == 0)
			return true;
	return false;
}

static int strs_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strs_sort(struct strs *list)
{
	if (list->nr > 1)
		qsort(list->item, list->nr, sizeof(char *), strs_compare);
}

void strs_split(struct strs *list, const char *s, char sep)
{
	while (*s) {
		const char *end = strchrnul(s, sep);

		if (end > s)
			strs_take(list, mem_strndup(s, (size_t)(end - s)));
		s = *end ? end + 1 : end;
	}
}

char *strs_join(const struct strs *list, const char *sep)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);

	for (size_t i = 0; i < list->nr; i++) {
		if (i > 0)
			buf_addstr(&text, sep);
		buf_addstr(&text, list->item[i]);
	}
	return buf_steal(&text);
}

bool str_eq(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

const char *str_after(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) == 0 ? s + len : NULL;
}

bool str_starts(const char *s, const char *prefix)
{
	return str_after(s, prefix) != NULL;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), end = strlen(suffix);

	return len >= end && strcmp(s + len - end, suffix) == 0;
}

bool str_empty(const char *s)
{
	return s == NULL || *s == '\0';
}

int str_u64(const char *s, uint64_t *value, struct err *err)
{
	char *end;

	errno = 0;
	if (*s < '0' || *s > '9')
		return err_set(err, ERR_INVALID, "'%s' is not a number", s);
	*value = strtoull(s, &end, 10);
	if (errno || *end)
		return err_set(err, ERR_INVALID, "'%s' is not a number", s);
	return 0;
}

static int64_t duration_unit_ms(const char **s)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60000 },
		{ "h", 3600000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		const char *rest = str_after(*s, units[i].name);

		if (rest) {
			*s = rest;
			return units[i].ms;
		}
	}
	return **s == '\0' ? 1000 : 0;
}

int str_duration_ms(const char *s, int64_t *ms, struct err *err)
{
	const char *p = s;
	int64_t sum = 0;

	do {
		char *end;
		int64_t unit;
		long n;

		errno = 0;
		n = *p >= '0' && *p <= '9' ? strtol(p, &end, 10) : -1;
		if (n < 0 || errno || n > 100000000)
			goto invalid;
		p = end;
		/* Without a unit only where the number stands alone. */
		if (*p == '\0' && strspn(s, "0123456789") != strlen(s))
			goto invalid;
		unit = duration_unit_ms(&p);
		if (unit == 0 || sum > INT64_MAX / 2)
			goto invalid;
		sum += n * unit;
	} while (*p);
	*ms = sum;
	return 0;
invalid:
	return err_set(err, ERR_INVALID,
		       "'%s' is not a duration such as 90s, 2m or 1h30m", s);
}

/* What the unit `s` is worth, or 0. */
static int64_t size_unit(const char *s)
{
	static const char letters[] = "KMGT";
	const char *letter = *s ? strchr(letters, *s) : NULL;
	int64_t base = *s && str_eq(s + 1, "B") ? 1000 : 1024;
	int64_t unit = 1;

	if (*s == '\0')
		return 1;
	if (letter == NULL ||
	    (s[1] && strcmp(s + 1, "B") != 0 && strcmp(s + 1, "iB") != 0))
		return 0;
	for (const char *p = letters; p <= letter; p++)
		unit *= base;
	return unit;
}

int str_size(const char *s, int64_t *bytes, struct err *err)
{
	size_t digits = strspn(s, "0123456789");
	autofree char *number = mem_strndup(s, digits);
	int64_t unit = size_unit(s + digits);
	struct err ignored = ERR_INIT;
	uint64_t n;

	if (unit == 0 || str_u64(number, &n, &ignored) < 0 ||
	    n > (uint64_t)(INT64_MAX / unit))
		return err_set(err, ERR_INVALID,
			       "'%s' is not a size such as 700M or 4700000000",
			       s);
	*bytes = (int64_t)n * unit;
	return 0;
}

void str_bytes(char *text, size_t size, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes;
	size_t i = 0;

	while (n >= 1024 && i + 1 < ARRAY_SIZE(units)) {
		n /= 1024;
		i++;
	}
	if (i == 0)
		snprintf(text, size, "%" PRIu64 " B", bytes);
	else
		snprintf(text, size, "%.1f %s", n, units[i]);
}

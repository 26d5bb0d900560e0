/*
 * strs - a list of strings, and the few questions asked of one string.
 */
#ifndef BASE_STRS_H
#define BASE_STRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct strs {
	char **item; /* may be read; NULL-terminated once not empty */
	size_t nr;   /* may be read */
	size_t cap;
};

#define STRS_INIT            \
	{                    \
		.item = NULL \
	}

void strs_release(struct strs *list);
void strs_clear(struct strs *list);
void strs_add(struct strs *list, const char *s);
void strs_addf(struct strs *list, const char *fmt, ...) printf_like(2, 3);
void strs_take(struct strs *list, char *s); /* takes s */
bool strs_has(const struct strs *list, const char *s);
void strs_sort(struct strs *list);

/* Split `s` at each `sep`, empty parts left out, and add the parts. */
void strs_split(struct strs *list, const char *s, char sep);

/* All joined with `sep` between; owned by the caller. */
char *strs_join(const struct strs *list, const char *sep) must_check;

#define auto_strs __attribute__((cleanup(strs_release)))

bool str_eq(const char *a, const char *b); /* NULLs are equal to NULL only */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_empty(const char *s); /* NULL or "" */

/* What follows `prefix` in `s`, or NULL. */
const char *str_after(const char *s, const char *prefix);

/* A decimal number without sign or blanks, the whole of `s`. */
int str_u64(const char *s, uint64_t *value, struct err *err) must_check;

/* A duration as kubectl takes it: 90s, 2m, 1h30m, 500ms, or plain seconds;
 * result in milliseconds. */
int str_duration_ms(const char *s, int64_t *ms, struct err *err) must_check;

/* A size as split(1) takes it: 4700000000, 700M (also MiB: powers of 1024),
 * 700MB (powers of 1000); K, M, G or T. */
int str_size(const char *s, int64_t *bytes, struct err *err) must_check;

/* "1.5 GiB" into `text` (at least 16 bytes). */
void str_bytes(char *text, size_t size, uint64_t bytes);

#endif

/*
 * utf8 - text that goes to a terminal: its columns, and what must not go.
 *
 * Every code point counts as one column; names and messages of this field
 * are plain enough for that.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Columns that `s` takes. */
size_t utf8_width(const char *s);

/* Bytes of the first `columns` columns of `s`, of all when it is shorter. */
size_t utf8_prefix(const char *s, size_t columns);

/* Make `s` safe to show, in place: tabs and line ends become blanks, other
 * control characters (C0, C1, DEL) and bytes that are not UTF-8 become '?'.
 * An escape sequence in the name of a thing must not reach a terminal. */
void utf8_clean(char *s);

/* Whether the environment asks for UTF-8: the first of LC_ALL, LC_CTYPE and
 * LANG that is not empty decides. Source: POSIX, 8.2 "Internationalization
 * Variables". */
bool utf8_locale(void);

#endif

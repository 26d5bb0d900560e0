/*
 * nearest - what somebody probably meant who mistyped a word.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

#include "base/strs.h"

/* The word of `known` that is nearest to `word`: one that `word` begins
 * (four letters at least), or the one with the fewest edits, no more than a
 * third of its letters. NULL when none is near. Borrowed from `known`.
 * Source: optimal string alignment distance (Damerau, Levenshtein). */
const char *nearest_word(const char *word, const struct strs *known);

/* The distance itself: insertions, deletions, changes, and swaps of
 * neighbours. Words longer than NEAREST_MAX letters are infinitely far. */
#define NEAREST_MAX 63
size_t nearest_distance(const char *a, const char *b);

#endif

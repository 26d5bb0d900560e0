/*
 * mem - memory that is there or the program ends.
 *
 * Out of memory aborts: no caller could do better. Sizes that come from
 * input go through mem_array, which checks the product.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

#include "base/err.h"

/* Zeroed memory of `size` bytes. */
void *mem_alloc(size_t size) must_check;

/* Zeroed memory for `nr` elements; aborts when nr * size overflows. */
void *mem_array(size_t nr, size_t size) must_check;

/* As realloc for `nr` elements of `size` bytes; new bytes are not zeroed. */
void *mem_resize(void *p, size_t nr, size_t size) must_check;

char *mem_strdup(const char *s) must_check; /* NULL gives NULL */
char *mem_strndup(const char *s, size_t len) must_check;
void *mem_dup(const void *p, size_t len) must_check;
char *mem_printf(const char *fmt, ...) must_check printf_like(1, 2);

/* Overwrite `len` bytes so that the compiler keeps the stores: for secrets. */
void mem_wipe(void *p, size_t len);

/* Wipe a string and free it; NULL is allowed. */
void mem_free_secret(char *s);

static inline void mem_autofree(void *p)
{
	free(*(void **)p);
}

/* char *text = NULL, freed at the end of the block. */
#define autofree __attribute__((cleanup(mem_autofree)))

/* Hand over what a local owner holds: `return mem_steal(&text);` */
#define mem_steal(p)                      \
	({                                \
		typeof(*(p)) val_ = *(p); \
		*(p) = NULL;              \
		val_;                     \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *mem_have(void *p)
{
	if (p == NULL) {
		fputs("dws-csm: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return mem_array(1, size);
}

void *mem_array(size_t nr, size_t size)
{
	return mem_have(calloc(nr ? nr : 1, size ? size : 1));
}

void *mem_resize(void *p, size_t nr, size_t size)
{
	return mem_have(reallocarray(p, nr ? nr : 1, size));
}

char *mem_strdup(const char *s)
{
	return s ? mem_have(strdup(s)) : NULL;
}

char *mem_strndup(const char *s, size_t len)
{
	return mem_have(strndup(s, len));
}

void *mem_dup(const void *p, size_t len)
{
	void *copy = mem_alloc(len);

	if (len > 0)
		memcpy(copy, p, len);
	return copy;
}

char *mem_printf(const char *fmt, ...)
{
	va_list args;
	char *s;
	int n;

	va_start(args, fmt);
	n = vasprintf(&s, fmt, args);
	va_end(args);
	return mem_have(n < 0 ? NULL : s);
}

void mem_wipe(void *p, size_t len)
{
	if (p)
		explicit_bzero(p, len);
}

void mem_free_secret(char *s)
{
	if (s)
		mem_wipe(s, strlen(s));
	free(s);
}

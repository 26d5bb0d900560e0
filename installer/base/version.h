/*
 * version - which build of the program this is.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#include <stdint.h>

/* "1.2.0", or "1.2.0-5-gabcdef0123" between tags. */
const char *version_string(void);

/* SOURCE_DATE_EPOCH of the build: when its newest commit was made, in seconds
 * since 1970; 0 where that was not known. */
int64_t version_built(void);

#endif

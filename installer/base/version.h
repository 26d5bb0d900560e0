/*
 * version - which build of the program this is.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* "1.2.0", or "1.2.0-5-gabcdef0123" between tags. */
const char *version_string(void);

#endif

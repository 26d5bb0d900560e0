/*
 * password - a secret that somebody types, or pipes.
 *
 * The text is owned by the caller: free with mem_free_secret.
 */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include "base/err.h"

/* One line of `fd` without its end, as the --password-stdin of podman and
 * docker; "" for an empty one, and where there is none. ERR_INVALID where it
 * is longer than 4 KiB. */
int password_read(int fd, char **password, struct err *err) must_check;

/* Ask at the controlling terminal, which does not show what is typed.
 * ERR_NOT_FOUND where there is none; ERR_INTERRUPTED. */
int password_ask(const char *prompt, char **password, struct err *err)
	must_check;

#endif

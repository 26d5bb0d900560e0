/*
 * digest - SHA-256 of what flows by, and its text form.
 *
 * Source: OCI image-spec, "Digests" (descriptor.md): "sha256:" and 64
 * lower-case hexadecimal digits. SHA-512 digests are known by form and
 * refused by digest_check, as no image of ours has them.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define DIGEST_SIZE 72 /* "sha256:" + 64 + NUL */

struct digest_state;

struct digest_state *digest_new(void) must_check;
void digest_free(struct digest_state *state);
void digest_update(struct digest_state *state, const void *data, size_t len);

/* Write "sha256:<hex>" into `text` of DIGEST_SIZE bytes; `state` is as new. */
void digest_final(struct digest_state *state, char *text);

/* In one go. */
void digest_of(const void *data, size_t len, char *text);

/* Whether `text` is a well-formed sha256 digest; else ERR_INVALID. */
int digest_check(const char *text, struct err *err) must_check;

/* The 64 hexadecimal digits of a checked digest. */
const char *digest_hex(const char *text);

#endif

/*
 * sign - keys that sign bundles, and signatures: ECDSA P-256 over SHA-256.
 *
 * A signature is base64 of the DER form, one line, as `cosign sign-blob`
 * writes it and `cosign verify-blob --key` and, decoded, `openssl dgst
 * -sha256 -verify` take it. Private keys are PEM, PKCS #8, encrypted with a
 * password (PBKDF2, AES-256) or not; public keys PEM SubjectPublicKeyInfo.
 *
 * Source: RFC 5208 and 5958 (PKCS #8), RFC 8018 (PBES2), RFC 5480, FIPS 186-5.
 */
#ifndef BASE_SIGN_H
#define BASE_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/err.h"

#define SIGN_MAX_TEXT 128 /* base64 of the longest signature, with NUL */

struct sign_key;   /* private */
struct verify_key; /* public */

/* A new pair as PEM text, both owned (the private one a secret: free with
 * mem_free_secret); encrypted unless `password` is NULL. */
int sign_keygen(const char *password, char **private_pem, char **public_pem,
		struct err *err) must_check;

/* Whether the PEM text is of an encrypted key, so that a password is asked
 * for. */
bool sign_key_encrypted(const char *pem);

/* ERR_INVALID for what is no private key on P-256 (names what it is, if a
 * public key or a cosign key was given), or for an encrypted one where
 * `password` is NULL; ERR_VERIFY for a wrong password. PKCS #8, and what
 * `openssl ecparam -genkey` writes (SEC 1). */
struct sign_key *sign_key_parse(const char *pem, const char *password,
				struct err *err) must_check;
void sign_key_free(struct sign_key *key);
/* Its public half as PEM text, owned. */
char *sign_key_public(const struct sign_key *key, struct err *err) must_check;

/* Sign `len` bytes into `text` of SIGN_MAX_TEXT. */
int sign_text(const struct sign_key *key, const void *data, size_t len,
	      char *text, struct err *err) must_check;

/* One key a text. ERR_INVALID says what it is if not a public key on P-256. */
struct verify_key *verify_key_parse(const char *pem, struct err *err)
	must_check;
void verify_key_free(struct verify_key *key);

/* "sha256:<hex>" of its SubjectPublicKeyInfo in DER, into `text` of
 * DIGEST_SIZE: what an administrator compares over the telephone. */
void verify_key_fingerprint(const struct verify_key *key, char *text);

/* 1 when `signature` is by the key, 0 when not; ERR_INVALID when it is none
 * at all. Exactly one text is accepted for a signature: base64 without blanks
 * and with zero filling bits, DER without slack. */
int verify_text(const struct verify_key *key, const void *data, size_t len,
		const char *signature, struct err *err) must_check;

const char *sign_library_version(void);

#endif

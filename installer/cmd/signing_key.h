/*
 * signing_key - the private key of --key, and its password.
 */
#ifndef CMD_SIGNING_KEY_H
#define CMD_SIGNING_KEY_H

#include "base/sign.h"
#include "cmd/settings.h"

/*
 * Read --key. The password of an encrypted one is the line that
 * --key-password-stdin reads, else it is asked for at the terminal, where
 * there is one. ERR_USAGE without --key, or where the password cannot be had;
 * ERR_VERIFY where it is wrong. Standard input is read only where the key is
 * encrypted.
 */
struct sign_key *signing_key_read(const struct settings *settings,
				  struct err *err) must_check;

/* The password of a new key, owned, a secret: NULL when the user wants none. */
int signing_password_new(const struct settings *settings, char **password,
			 struct err *err) must_check;

/* "sha256:<hex>" of its public half, into `text` of DIGEST_SIZE. */
int signing_key_fingerprint(const struct sign_key *key, char *text,
			    struct err *err) must_check;

#endif

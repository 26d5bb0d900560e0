#include "cmd/signing_key.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/password.h"

#define KEY_MAX_BYTES ((size_t)64 << 10)

/* A secret that goes when its block ends. */
static void secret_autofree(char **secret)
{
	mem_free_secret(*secret);
}

#define autosecret __attribute__((cleanup(secret_autofree)))

static int key_password(const struct settings *settings, char **password,
			struct err *err)
{
	autofree char *prompt = mem_printf("Password of %s: ", settings->key);

	if (settings->key_password_stdin) {
		if (password_read(STDIN_FILENO, password, err) < 0)
			return -1;
	} else if (password_ask(prompt, password, err) < 0) {
		if (err->kind == ERR_NOT_FOUND)
			return err_set(err, ERR_USAGE,
				       "the key '%s' is encrypted, and there "
				       "is no terminal to ask for its "
				       "password; give --key-password-stdin",
				       settings->key);
		return -1;
	}
	if (**password == '\0')
		return err_set(err, ERR_USAGE,
			       "the key '%s' is encrypted, and no password "
			       "was given",
			       settings->key);
	return 0;
}

struct sign_key *signing_key_read(const struct settings *settings,
				  struct err *err)
{
	autosecret char *pem = NULL;
	autosecret char *password = NULL;
	struct sign_key *key;

	if (str_empty(settings->key)) {
		err_set(err, ERR_USAGE,
			"'--key' must name the private key to sign with; "
			"'dws-csm bundle keygen' makes one");
		return NULL;
	}
	if (file_read_secret(settings->key, KEY_MAX_BYTES, &pem, err) < 0)
		return NULL;
	if (sign_key_encrypted(pem) &&
	    key_password(settings, &password, err) < 0)
		return NULL;
	key = sign_key_parse(pem, password, err);
	if (key == NULL)
		err_wrap(err, "key '%s'", settings->key);
	return key;
}

static int ask_twice(char **password, struct err *err)
{
	autosecret char *again = NULL;

	if (password_ask("Password of the new key (empty for none): ", password,
			 err) < 0) {
		if (err->kind == ERR_NOT_FOUND)
			return err_set(err, ERR_USAGE,
				       "there is no terminal to ask for the "
				       "password of the new key; give "
				       "--key-password-stdin (an empty line "
				       "for a key without password)");
		return -1;
	}
	if (password_ask("The same again: ", &again, err) < 0)
		return -1;
	if (!str_eq(*password, again))
		return err_set(err, ERR_USAGE, "the two passwords differ");
	return 0;
}

int signing_password_new(const struct settings *settings, char **password,
			 struct err *err)
{
	autosecret char *text = NULL;

	if (settings->key_password_stdin) {
		if (password_read(STDIN_FILENO, &text, err) < 0)
			return -1;
	} else if (ask_twice(&text, err) < 0) {
		return -1;
	}
	*password = *text ? mem_steal(&text) : NULL;
	return 0;
}

int signing_key_fingerprint(const struct sign_key *key, char *text,
			    struct err *err)
{
	autofree char *pem = sign_key_public(key, err);
	struct verify_key *public = pem ? verify_key_parse(pem, err) : NULL;

	if (public == NULL)
		return -1;
	verify_key_fingerprint(public, text);
	verify_key_free(public);
	return 0;
}

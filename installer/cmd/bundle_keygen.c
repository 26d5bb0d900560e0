#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "bundle/bundle.h"
#include "cmd/output.h"
#include "cmd/signing_key.h"

static int check_absent(const char *path, struct err *err)
{
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, ERR_USAGE,
			       "'%s' is there already, and what it signed "
			       "needs it; choose another name, or give --force",
			       path);
	if (errno != ENOENT)
		return err_sys(err, errno, "cannot look at '%s'", path);
	return 0;
}

static int keygen_told(const char *private_path, const char *public_path,
		       bool encrypted, const char *public_pem, struct err *err)
{
	struct verify_key *key = verify_key_parse(public_pem, err);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	char fingerprint[DIGEST_SIZE];

	if (key == NULL)
		return -1;
	verify_key_fingerprint(key, fingerprint);
	verify_key_free(key);
	buf_addf(&out, "private key   %s%s\n", private_path,
		 encrypted ? "" : " (without a password)");
	buf_addf(&out, "public key    %s\n", public_path);
	buf_addf(&out, "fingerprint   %s\n", fingerprint);
	buf_addf(&out,
		 "\nKeep %s here and secret. Copy %s to " BUNDLE_TRUST_DIR
		 "/\non each host that shall take what you sign, by a way "
		 "that you trust.\n",
		 private_path, public_path);
	return output_text(buf_str(&out), err);
}

static int keygen_write(const char *private_path, const char *public_path,
			const char *private_pem, const char *public_pem,
			struct err *err)
{
	/* First what may be lost: a private key has no second copy. */
	if (file_replace(AT_FDCWD, public_path, 0644, public_pem,
			 strlen(public_pem), err) < 0)
		return -1;
	return file_replace(AT_FDCWD, private_path, 0600, private_pem,
			    strlen(private_pem), err);
}

static int bundle_keygen_main(struct settings *settings,
			      const struct strs *args, struct err *err)
{
	autofree char *private_path = NULL, *public_path = NULL;
	autofree char *public_pem = NULL;
	char *private_pem = NULL, *password = NULL;
	int status;

	if (args->nr == 0 || *args->item[0] == '\0')
		return err_set(err, ERR_USAGE,
			       "name the key: 'site' gives site.key and "
			       "site.pub");
	private_path = mem_printf("%s.key", args->item[0]);
	public_path = mem_printf("%s.pub", args->item[0]);
	if (!settings->force && (check_absent(private_path, err) < 0 ||
				 check_absent(public_path, err) < 0))
		return -1;
	if (signing_password_new(settings, &password, err) < 0)
		return -1;
	status = sign_keygen(password, &private_pem, &public_pem, err);
	if (status == 0)
		status = keygen_write(private_path, public_path, private_pem,
				      public_pem, err);
	if (status == 0)
		status = keygen_told(private_path, public_path,
				     password != NULL, public_pem, err);
	mem_free_secret(private_pem);
	mem_free_secret(password);
	return status;
}

const struct command cmd_bundle_keygen = {
	.name = "bundle keygen",
	.arguments = "NAME",
	.summary = "make a pair of keys to sign bundles with",
	.chapter = CHAPTER_BUNDLE,
	.groups = GROUP_KEYGEN | GROUP_PASSWORD,
	.max_args = 1,
	.run = bundle_keygen_main,
};

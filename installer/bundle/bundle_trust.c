#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sign.h"
#include "bundle/bundle.h"
#include "bundle/bundle_state.h"

#define KEY_MAX_BYTES ((size_t)64 << 10)

/* What a bundle is held against. */
struct check {
	struct bundle *bundle;
	char *signature; /* without its newline */
	struct bundle_signer *signer;
	struct strs tried;
	bool found;
};

static void key_autofree(struct verify_key **key)
{
	verify_key_free(*key);
}

static int try_key(struct check *check, const char *path, struct err *err)
{
	__attribute__((cleanup(key_autofree))) struct verify_key *key = NULL;
	const struct bundle *bundle = check->bundle;
	autofree char *pem = NULL;
	int fits;

	if (check->found)
		return 0;
	if (file_read(AT_FDCWD, path, KEY_MAX_BYTES, &pem, NULL, err) < 0)
		return -1;
	key = verify_key_parse(pem, err);
	if (key == NULL)
		return err_wrap(err, "key '%s'", path);
	strs_add(&check->tried, path);
	fits = verify_text(key, bundle->json, bundle->meta.json_len,
			   check->signature, err);
	if (fits < 0) {
		err->kind = ERR_VERIFY;
		err_wrap(err, "signature of bundle '%s'", bundle->name);
		return err_hint(err, "it was damaged or altered on its way: "
				     "fetch it again");
	}
	check->found = fits;
	if (!fits || check->signer == NULL)
		return 0;
	check->signer->key = mem_strdup(path);
	verify_key_fingerprint(key, check->signer->fingerprint);
	return 0;
}

/* Who may write a key there says what is believed. */
static void warn_of_others(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)))
		log_warn("'%s' can be written by others than its owner, who "
			 "could have bundles trusted: run 'chmod go-w %s'",
			 path, path);
}

static int list_keys(struct strs *list, const char *path, struct err *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL)
		return err_sys(err, errno, "cannot read the keys in '%s'",
			       path);
	while ((entry = readdir(dir)))
		if (str_ends(entry->d_name, ".pub") && *entry->d_name != '.')
			strs_addf(list, "%s/%s", path, entry->d_name);
	closedir(dir);
	strs_sort(list);
	return 0;
}

/* A file in it that cannot be used lessens what is trusted: no reason to
 * refuse what another key has signed. */
static int try_dir(struct check *check, const char *path, struct err *err)
{
	auto_strs struct strs list = STRS_INIT;

	if (list_keys(&list, path, err) < 0)
		return -1;
	warn_of_others(path);
	for (size_t i = 0; i < list.nr; i++) {
		struct err failed = ERR_INIT;

		warn_of_others(list.item[i]);
		if (try_key(check, list.item[i], &failed) == 0)
			continue;
		if (failed.kind == ERR_VERIFY) {
			*err = failed;
			return -1;
		}
		log_warn("%s: it is not used", failed.msg);
	}
	return 0;
}

static int try_named(struct check *check, const char *path, struct err *err)
{
	struct stat st;
	int result = stat(path, &st) < 0 ?
			     err_sys(err, errno, "cannot open '%s'", path) :
		     S_ISDIR(st.st_mode) ? try_dir(check, path, err) :
					   try_key(check, path, err);

	if (result == 0 || err->kind == ERR_VERIFY)
		return result;
	err->kind = ERR_USAGE;
	return err_wrap(err, "--trust");
}

static int try_all(struct check *check, const struct strs *keys,
		   struct err *err)
{
	struct stat st;

	for (size_t i = 0; keys && i < keys->nr; i++)
		if (try_named(check, keys->item[i], err) < 0)
			return -1;
	if (keys && keys->nr > 0)
		return 0;
	/* That nobody made the directory is the same as that it is empty. */
	if (stat(BUNDLE_TRUST_DIR, &st) < 0 && errno == ENOENT)
		return 0;
	return try_dir(check, BUNDLE_TRUST_DIR, err);
}

static int refuse_unsigned(const struct bundle *bundle, struct err *err)
{
	err_set(err, ERR_VERIFY, "bundle '%s' is not signed", bundle->name);
	return err_hint(err, "have it signed with 'dws-csm bundle sign', or "
			     "take it as it is with --allow-unsigned");
}

static int refuse_keyless(const struct bundle *bundle, const struct strs *keys,
			  struct err *err)
{
	autofree char *where = keys && keys->nr > 0 ?
				       strs_join(keys, ", ") :
				       mem_strdup(BUNDLE_TRUST_DIR);

	err_set(err, ERR_VERIFY,
		"bundle '%s' cannot be verified: there is no public key in %s",
		bundle->name, where);
	return err_hint(err,
			"copy the signer's public key to %s/NAME.pub, or "
			"name it with --trust FILE",
			BUNDLE_TRUST_DIR);
}

static int refuse_stranger(const struct check *check, struct err *err)
{
	autofree char *tried = strs_join(&check->tried, ", ");

	err_set(err, ERR_VERIFY,
		"bundle '%s' is not signed by a trusted key (tried: %s)",
		check->bundle->name, tried);
	return err_hint(err, "it was altered, or signed by somebody else: "
			     "fetch it again, or ask its sender for the public "
			     "key and name it with --trust FILE");
}

static int check_signature(struct check *check,
			   const struct bundle_trust *trust, struct err *err)
{
	const struct bundle *bundle = check->bundle;
	const char *newline = strchr(bundle->signature, '\n');

	if (newline == NULL || newline[1] != '\0') {
		err_set(err, ERR_VERIFY,
			"the signature of bundle '%s' is not one line",
			bundle->name);
		return err_hint(err, "it was damaged or altered on its way: "
				     "fetch it again");
	}
	check->signature = mem_strndup(bundle->signature,
				       (size_t)(newline - bundle->signature));
	if (try_all(check, trust->keys, err) < 0)
		return -1;
	if (check->found)
		return 0;
	return check->tried.nr > 0 ? refuse_stranger(check, err) :
				     refuse_keyless(bundle, trust->keys, err);
}

int bundle_trust(struct bundle *bundle, const struct bundle_trust *trust,
		 struct bundle_signer *signer, struct err *err)
{
	struct check check = { .bundle = bundle, .signer = signer };
	int result;

	if (signer)
		memset(signer, 0, sizeof(*signer));
	if (str_eq(bundle->signature, BUNDLE_UNSIGNED)) {
		if (!trust->allow_unsigned)
			return refuse_unsigned(bundle, err);
		log_warn("bundle '%s' is not signed: nobody vouches for what "
			 "is in it",
			 bundle->name);
		bundle->trusted = true;
		return 0;
	}
	result = check_signature(&check, trust, err);
	bundle->trusted = result == 0;
	strs_release(&check.tried);
	free(check.signature);
	return result;
}

void bundle_signer_release(struct bundle_signer *signer)
{
	free(signer->key);
	memset(signer, 0, sizeof(*signer));
}

#include "cmd/cmd.h"

#include "base/mem.h"
#include "bundle/bundle_create.h"
#include "cmd/output.h"
#include "cmd/signing_key.h"

static int sign_it(const char *path, const struct sign_key *key,
		   struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	char fingerprint[DIGEST_SIZE];

	if (signing_key_fingerprint(key, fingerprint, err) < 0 ||
	    bundle_sign(path, key, err) < 0)
		return -1;
	buf_addf(&out, "signed %s\nfingerprint %s\n", path, fingerprint);
	return output_text(buf_str(&out), err);
}

static int bundle_sign_main(struct settings *settings, const struct strs *args,
			    struct err *err)
{
	struct sign_key *key;
	int status;

	if (args->nr == 0)
		return err_set(err, ERR_USAGE, "name the bundle to sign");
	key = signing_key_read(settings, err);
	if (key == NULL)
		return -1;
	status = sign_it(args->item[0], key, err);
	sign_key_free(key);
	return status;
}

const struct command cmd_bundle_sign = {
	.name = "bundle sign",
	.arguments = "FILE",
	.summary = "sign a bundle, or put another signature in its place",
	.chapter = CHAPTER_BUNDLE,
	.groups = GROUP_KEY,
	.max_args = 1,
	.run = bundle_sign_main,
};

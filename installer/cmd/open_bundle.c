#include "cmd/open_bundle.h"

#include <string.h>

#include "base/log.h"
#include "base/strs.h"
#include "format/jval.h"

static bool is_small(void *ctx, const struct bundle_file *file)
{
	(void)ctx;
	return !str_starts(file->path, "blobs/");
}

/* 1, or 0 where there is none. */
static int find(struct open_bundle *self, const struct settings *settings,
		struct err *err)
{
	self->bundle = settings->bundle ? bundle_open(settings->bundle, err) :
					  bundle_open_self(err);
	if (self->bundle)
		return 1;
	return err->kind == ERR_NONE ? 0 : -1;
}

static int believe(struct open_bundle *self, const struct settings *settings,
		   struct err *err)
{
	const struct bundle_trust trust = {
		.keys = &settings->trust,
		.allow_unsigned = settings->allow_unsigned,
	};
	const struct bundle_verify small = { .wanted = is_small,
					     .executable = true };

	if (settings->from.nr > 0)
		return err_set(err, ERR_USAGE,
			       "'--from' does not go with bundle '%s', which "
			       "has the images",
			       bundle_name(self->bundle));
	if (bundle_trust(self->bundle, &trust, &self->signer, err) < 0)
		return -1;
	return bundle_verify(self->bundle, &small, err);
}

static int open_any(struct open_bundle *self, const struct settings *settings,
		    bool tell, struct err *err)
{
	int found = find(self, settings, err);

	if (found < 0)
		return -1;
	if (!found) {
		self->catalogue = catalogue_open(err);
		return self->catalogue ? 0 : -1;
	}
	if (believe(self, settings, err) < 0)
		return -1;
	if (tell && settings->bundle == NULL)
		log_info("release and images come out of this executable's "
			 "own bundle, made at %s",
			 bundle_meta(self->bundle)->created);
	self->catalogue = catalogue_of_bundle(self->bundle);
	return 0;
}

int open_bundle(struct open_bundle *self, const struct settings *settings,
		bool tell, struct err *err)
{
	memset(self, 0, sizeof(*self));
	if (open_any(self, settings, tell, err) == 0)
		return 0;
	open_bundle_close(self);
	return -1;
}

void open_bundle_close(struct open_bundle *self)
{
	catalogue_free(self->catalogue);
	bundle_signer_release(&self->signer);
	bundle_free(self->bundle);
	memset(self, 0, sizeof(*self));
}

struct jval *open_bundle_value(const struct open_bundle *self)
{
	if (self->bundle == NULL)
		return NULL;
	return jval_pack("{s:s, s:s, s:s?}", "digest",
			 bundle_digest(self->bundle), "created",
			 bundle_meta(self->bundle)->created, "signer",
			 self->signer.key ? self->signer.fingerprint : NULL);
}

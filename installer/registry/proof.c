#include "registry/proof.h"

#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "registry/request.h"
#include "registry/upload.h"

static const char content[] = "dws-csm: is the digest of this checked?\n";

static int open_content(void *ctx, struct source **source, struct err *err)
{
	struct source_mem *memory = ctx;

	(void)err;
	source_mem_init(memory, content, strlen(content));
	*source = &memory->source;
	return 0;
}

bool registry_checks_digests(struct registry_session *session,
			     const char *repository)
{
	char digest[DIGEST_SIZE];
	const struct descriptor blob = {
		.digest = digest,
		.size = strlen(content),
	};
	struct upload upload = {
		.session = session,
		.repository = repository,
		.blob = &blob,
	};
	struct source_mem memory;
	struct err err = ERR_INIT;
	bool checked = false;

	/* A digest that nothing there has: the place is a new one each time. */
	digest_of(repository, strlen(repository), digest);
	if (upload_begin(&upload, NULL, &err) == UPLOAD_DONE) {
		digest_of(upload.location, strlen(upload.location), digest);
		checked = upload_put(&upload, open_content, &memory, &err) ==
				  UPLOAD_FAILED &&
			  registry_error_is(&upload.response, "DIGEST_INVALID");
		upload_abort(&upload);
	}
	upload_release(&upload);
	log_verbose("registry '%s' %s", registry_host(session->registry),
		    checked ? "checks digests: it is left to it" :
			      "is not seen to check digests: done here");
	return checked;
}

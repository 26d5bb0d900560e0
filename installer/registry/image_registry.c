#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "format/ref.h"
#include "registry/auth.h"
#include "registry/blob.h"
#include "registry/image_source.h"
#include "registry/manifest.h"
#include "registry/session.h"

/* A registry as a source. Sessions that no blob uses at the moment are kept,
 * so that connections live on. */
struct image_registry {
	struct image_source source;
	struct registry *registry;
	struct ref ref;

	pthread_mutex_t first; /* held while it is asked for the first time */
	bool checked;

	pthread_mutex_t lock; /* guards what follows */
	struct registry_session **idle;
	size_t nr_idle;
	size_t cap_idle;
};

static struct registry_session *take_session(struct image_registry *self)
{
	struct registry_session *session = NULL;

	pthread_mutex_lock(&self->lock);
	if (self->nr_idle > 0)
		session = self->idle[--self->nr_idle];
	pthread_mutex_unlock(&self->lock);
	if (session == NULL)
		session = registry_connect(self->registry);
	session_cancel_by(session, self->source.cancelled,
			  self->source.cancel_ctx);
	return session;
}

static void give_session(struct image_registry *self,
			 struct registry_session *session)
{
	session_cancel_by(session, NULL, NULL);
	pthread_mutex_lock(&self->lock);
	if (self->nr_idle == self->cap_idle) {
		self->cap_idle += 8;
		self->idle = mem_resize(self->idle, self->cap_idle,
					sizeof(struct registry_session *));
	}
	self->idle[self->nr_idle++] = session;
	pthread_mutex_unlock(&self->lock);
}

/* A registry that lets anybody in shows less to a stranger than to the user
 * we have a password for: that is settled before anything is asked for. */
static int check_once(struct image_registry *self,
		      struct registry_session *session, struct err *err)
{
	int result = 0;

	if (self->registry->basic == NULL)
		return 0;
	pthread_mutex_lock(&self->first);
	if (!self->checked)
		result = registry_check(session, err);
	self->checked = result == 0;
	pthread_mutex_unlock(&self->first);
	return result;
}

/* What else the repository calls `tag`. */
static int registry_tagged(struct image_source *source, const char *tag,
			   struct descriptor *descriptor, char **bytes,
			   struct err *err)
{
	struct image_registry *self = (struct image_registry *)source;
	struct registry_session *session = take_session(self);
	int result = check_once(self, session, err);

	if (result == 0)
		result = manifest_get(session, self->ref.repository, tag,
				      descriptor, bytes, err);
	give_session(self, session);
	return result;
}

static int registry_manifest(struct image_source *source, const char *reference,
			     struct descriptor *descriptor, char **bytes,
			     struct err *err)
{
	const struct image_registry *self = (struct image_registry *)source;
	bool by_digest = reference && str_starts(reference, "sha256:");

	return registry_tagged(
		source, by_digest ? reference : ref_reference(&self->ref),
		descriptor, bytes, err);
}

static int registry_referrers(struct image_source *source, const char *digest,
			      struct jval **index, struct err *err)
{
	struct image_registry *self = (struct image_registry *)source;
	struct registry_session *session = take_session(self);
	int result = check_once(self, session, err);

	if (result == 0)
		result = manifest_referrers(session, self->ref.repository,
					    digest, index, err);
	give_session(self, session);
	return result;
}

static int registry_open_blob(struct image_source *source,
			      const struct descriptor *descriptor,
			      struct image_blob *blob, struct err *err)
{
	struct image_registry *self = (struct image_registry *)source;

	blob->session = take_session(self);
	blob->stream =
		blob_open(blob->session, self->ref.repository, descriptor, err);
	if (blob->stream == NULL)
		return -1;
	blob->source = http_stream_source(blob->stream);
	return 0;
}

static void registry_close_blob(struct image_source *source,
				struct image_blob *blob)
{
	struct image_registry *self = (struct image_registry *)source;

	http_stream_close(blob->stream);
	if (blob->session)
		give_session(self, blob->session);
}

static void registry_free_source(struct image_source *source)
{
	struct image_registry *self = (struct image_registry *)source;

	for (size_t i = 0; i < self->nr_idle; i++)
		registry_disconnect(self->idle[i]);
	free(self->idle);
	registry_free(self->registry);
	ref_release(&self->ref);
	pthread_mutex_destroy(&self->first);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

static const struct image_source_ops registry_ops = {
	.manifest = registry_manifest,
	.open = registry_open_blob,
	.close = registry_close_blob,
	.free = registry_free_source,
	.tagged = registry_tagged,
	.referrers = registry_referrers,
};

static int set_registry(struct image_registry *self,
			const struct image_source_options *options,
			struct err *err)
{
	autofree char *from = options->authfile ?
				      mem_printf("'%s'", options->authfile) :
				      NULL;
	char *username = NULL, *password = NULL;
	struct registry_options registry = {
		.host = self->ref.host,
		.credentials_from = from,
		.ca_pem = options->ca_pem,
		.ca_name = options->ca_name,
	};

	if (auth_file_lookup(options->authfile, self->ref.host,
			     self->ref.repository, &username, &password,
			     err) < 0)
		return -1;
	registry.username = username;
	registry.password = password;
	self->registry = registry_new(&registry, err);
	mem_free_secret(username);
	mem_free_secret(password);
	return self->registry ? 0 : -1;
}

struct image_source *
image_registry_open(const char *spec, const char *name,
		    const struct image_source_options *options, struct err *err)
{
	struct image_registry *self = mem_alloc(sizeof(*self));
	autofree char *full = NULL;

	image_source_init(&self->source, &registry_ops, spec);
	pthread_mutex_init(&self->first, NULL);
	pthread_mutex_init(&self->lock, NULL);
	if (ref_parse(&self->ref, name, err) < 0 ||
	    set_registry(self, options, err) < 0) {
		image_source_free(&self->source);
		return NULL;
	}
	full = ref_text(&self->ref);
	self->source.nr_entries = 1;
	image_add_name(&self->source, full, 0);
	return &self->source;
}

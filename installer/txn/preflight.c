#include "txn/preflight.h"

#include <string.h>

#include "base/mem.h"
#include "format/ref.h"
#include "kube/crd.h"
#include "kube/object.h"
#include "registry/manifest.h"
#include "txn/names.h"

#define REVIEW_PATH "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
#define TOLD 6 /* of what is missing */

/* "a; b; c and 2 more" */
static char *told(const struct strs *list)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	for (size_t i = 0; i < list->nr && i < TOLD; i++)
		buf_addf(&out, "%s%s", i ? "; " : "", list->item[i]);
	if (list->nr > TOLD)
		buf_addf(&out, " and %zu more", list->nr - TOLD);
	return buf_steal(&out);
}

/* --- permissions ------------------------------------------------------------ */

struct thing {
	const char *ns; /* NULL = of the cluster, or in all namespaces */
	const char *group;
	const char *plural;
	const char *subresource; /* or NULL */
};

struct review {
	const struct preflight *preflight;
	struct strs asked;
	struct strs missing;
};

static const char *const apply_verbs[] = { "get",   "list",   "watch", "create",
					   "patch", "delete", NULL };
static const char *const namespace_verbs[] = { "get", "create", "patch", NULL };
static const char *const secret_verbs[] = {
	"get",	  "list",   "create",		"patch",
	"update", "delete", "deletecollection", NULL
};
static const char *const lease_verbs[] = { "get", "create", "update", "delete",
					   NULL };
static const char *const resource_verbs[] = { "get",	"list",	 "watch",
					      "create", "patch", "delete",
					      NULL };
static const char *const status_verbs[] = { "patch", NULL };

/* "*" is everything, for verb, group and resource. */
static int may(const struct review *self, const struct thing *thing,
	       const char *verb, struct err *err)
{
	autojval struct jval *body = jval_pack(
		"{s:s, s:s, s:{s:{s:s, s:s, s:s}}}", "apiVersion",
		"authorization.k8s.io/v1", "kind", "SelfSubjectAccessReview",
		"spec", "resourceAttributes", "group", thing->group, "resource",
		thing->plural, "verb", verb);
	struct jval *attributes = jval_path(body, "spec.resourceAttributes");
	autojval struct jval *answer = NULL;

	if (thing->ns)
		jval_set_str(attributes, "namespace", thing->ns);
	if (thing->subresource)
		jval_set_str(attributes, "subresource", thing->subresource);
	if (kube_call(self->preflight->kube, "POST", REVIEW_PATH, NULL, body,
		      &answer, err) < 0)
		return err_wrap(err, "ask what the user may do");
	return jval_bool(answer, "status.allowed", false);
}

static char *thing_name(const struct thing *thing)
{
	return mem_printf("%s%s%s%s%s%s%s", thing->plural,
			  *thing->group ? "." : "", thing->group,
			  thing->subresource ? "/" : "",
			  thing->subresource ? thing->subresource : "",
			  thing->ns ? " in namespace " : "",
			  thing->ns ? thing->ns : "");
}

/* All of `verbs`; what is missing is kept. */
static int ask(struct review *self, const struct thing *thing,
	       const char *const *verbs, struct err *err)
{
	auto_strs struct strs refused = STRS_INIT;
	autofree char *name = thing_name(thing);
	autofree char *list = NULL;
	int all;

	if (strs_has(&self->asked, name))
		return 0;
	strs_add(&self->asked, name);
	all = may(self, thing, "*", err);
	if (all != 0)
		return all < 0 ? -1 : 0;
	for (; *verbs; verbs++) {
		int may_do = may(self, thing, *verbs, err);

		if (may_do < 0)
			return -1;
		if (!may_do)
			strs_add(&refused, *verbs);
	}
	if (refused.nr == 0)
		return 0;
	list = strs_join(&refused, ", ");
	strs_addf(&self->missing, "%s %s", list, name);
	return 0;
}

/* The plural of a kind that is not served yet, by its CRD; or NULL. */
static const char *plural_to_come(const struct preflight *preflight,
				  const struct jval *object)
{
	const struct jval *both[] = { preflight->now, preflight->next };
	char group[256];

	object_group(object, group, sizeof(group));
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		for (size_t k = 0; k < jval_len(both[i]); k++) {
			const struct jval *crd = jval_at(both[i], k);

			if (str_eq(jval_str(crd, "spec.names.kind"),
				   object_kind(object)) &&
			    str_eq(jval_str(crd, "spec.group"), group))
				return jval_str(crd, "spec.names.plural");
		}
	return NULL;
}

/* What a CRD brings: its resources are carried, with their status. */
static int ask_custom(struct review *self, const struct jval *crd,
		      struct err *err)
{
	struct thing thing = {
		.group = jval_str(crd, "spec.group"),
		.plural = jval_str(crd, "spec.names.plural"),
	};

	if (thing.group == NULL || thing.plural == NULL)
		return 0;
	if (ask(self, &thing, resource_verbs, err) < 0)
		return -1;
	thing.subresource = "status";
	return ask(self, &thing, status_verbs, err);
}

static int ask_object(struct review *self, const struct jval *object,
		      struct err *err)
{
	const struct preflight *preflight = self->preflight;
	bool is_namespace = str_eq(object_kind(object), "Namespace");
	struct kube_resource resource = { 0 };
	char group[256];
	struct thing thing = {
		.ns = object_namespace(object),
		.group = group,
	};
	int found = discovery_find(preflight->discovery, preflight->kube,
				   object_api_version(object),
				   object_kind(object), &resource, err);

	if (found < 0)
		return -1;
	object_group(object, group, sizeof(group));
	thing.plural = found ? resource.plural :
			       plural_to_come(preflight, object);
	/* preflight_served tells of it. */
	if (thing.plural == NULL)
		return 0;
	if (ask(self, &thing, is_namespace ? namespace_verbs : apply_verbs,
		err) < 0)
		return -1;
	if (str_eq(object_kind(object), "CustomResourceDefinition"))
		return ask_custom(self, object, err);
	return 0;
}

/* What is ours: records, journal, backups, Lease, gate. */
static int ask_own(struct review *self, struct err *err)
{
	const struct thing secrets = { DWS_NAMESPACE, "", "secrets", NULL };
	const struct thing leases = { DWS_NAMESPACE, "coordination.k8s.io",
				      "leases", NULL };
	const struct thing gate = { NULL, "admissionregistration.k8s.io",
				    "validatingwebhookconfigurations", NULL };

	if (ask(self, &secrets, secret_verbs, err) < 0 ||
	    ask(self, &leases, lease_verbs, err) < 0)
		return -1;
	return ask(self, &gate, apply_verbs, err);
}

static int ask_all(struct review *self, struct err *err)
{
	const struct jval *both[] = { self->preflight->now,
				      self->preflight->next };

	/* First, as Secrets of ours need more than those of the release. */
	if (ask_own(self, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		for (size_t k = 0; k < jval_len(both[i]); k++)
			if (ask_object(self, jval_at(both[i], k), err) < 0)
				return -1;
	return 0;
}

int preflight_permissions(const struct preflight *preflight, struct err *err)
{
	static const struct thing everything = { NULL, "*", "*", NULL };
	struct review review = { .preflight = preflight };
	autofree char *list = NULL;
	int result = may(&review, &everything, "*", err);

	if (result != 0)
		return result < 0 ? -1 : 0;
	result = ask_all(&review, err);
	if (result == 0 && review.missing.nr > 0) {
		list = told(&review.missing);
		result = err_set(err, ERR_BLOCKED,
				 "the user of this kubeconfig may not do all "
				 "that is needed, it lacks: %s; take one of a "
				 "cluster administrator with --kubeconfig",
				 list);
	}
	strs_release(&review.asked);
	strs_release(&review.missing);
	return result;
}

/* --- kinds ------------------------------------------------------------------ */

int preflight_served(const struct preflight *preflight,
		     const struct jval *objects, struct err *err)
{
	auto_strs struct strs unserved = STRS_INIT;
	autofree char *list = NULL;

	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);
		autofree char *text = mem_printf("%s of %s",
						 object_kind(object),
						 object_api_version(object));
		struct kube_resource resource;
		int found;

		if (crd_brings(objects, object) || strs_has(&unserved, text))
			continue;
		found = discovery_find(preflight->discovery, preflight->kube,
				       object_api_version(object),
				       object_kind(object), &resource, err);
		if (found < 0)
			return -1;
		if (found == 0)
			strs_add(&unserved, text);
	}
	if (unserved.nr == 0)
		return 0;
	list = told(&unserved);
	return err_set(err, ERR_BLOCKED, "the API server does not serve %s",
		       list);
}

/* --- images ----------------------------------------------------------------- */

struct image_check {
	const struct jval *recorded;
	struct registry_session *session;
	const char *place;
	struct strs asked;
	struct strs missing;
	bool moved; /* a tag has got another image; the recorded one is there */
};

typedef int visit_image(struct image_check *self, struct jval *container,
			const char *image, struct err *err);

/* The digest that the record has for `image`, or NULL. */
static const char *recorded_digest(const struct jval *recorded,
				   const char *image)
{
	size_t len = strcspn(image, "@");

	for (size_t i = 0; i < jval_len(recorded); i++) {
		const char *reference =
			jval_str(jval_at(recorded, i), "reference");
		const char *digest = jval_str(jval_at(recorded, i), "digest");

		if (digest && reference &&
		    strncmp(reference, image, len) == 0 &&
		    (reference[len] == '\0' || reference[len] == '@'))
			return digest;
	}
	return NULL;
}

/* What a tag had before is there by its digest until somebody cleans up. */
static int look_past_tag(struct image_check *self, const struct ref *ref,
			 const char *digest, struct err *err)
{
	auto_descriptor struct descriptor found = { 0 };
	int there = ref->digest ? 0 :
				  manifest_head(self->session, ref->repository,
						digest, &found, err);

	self->moved |= there > 0;
	return there;
}

static int look_for(struct image_check *self, const char *image,
		    const struct ref *ref, struct err *err)
{
	const char *digest = recorded_digest(self->recorded, image);
	auto_descriptor struct descriptor found = { 0 };
	int there = manifest_head(self->session, ref->repository,
				  ref_reference(ref), &found, err);

	if (digest == NULL)
		digest = ref->digest;
	if (there < 0)
		return -1;
	if (there == 0) {
		strs_addf(&self->missing, "'%s' is not there", image);
		return 0;
	}
	if (digest == NULL || str_eq(digest, found.digest))
		return 0;
	there = look_past_tag(self, ref, digest, err);
	if (there == 0)
		strs_addf(&self->missing, "'%s' is %s there, %s was installed",
			  image, found.digest, digest);
	return there;
}

static int check_image(struct image_check *self, struct jval *container,
		       const char *image, struct err *err)
{
	const char *rest = str_after(image, self->place);
	autoref struct ref ref = { 0 };

	(void)container;
	if (rest == NULL || *rest != '/' || strs_has(&self->asked, image))
		return 0;
	strs_add(&self->asked, image);
	if (ref_parse(&ref, image, err) < 0)
		return -1;
	if (look_for(self, image, &ref, err) < 0)
		return err_wrap(err, "look for image '%s'", image);
	return 0;
}

static int name_by_digest(struct image_check *self, struct jval *container,
			  const char *image, struct err *err)
{
	const char *digest = recorded_digest(self->recorded, image);
	autofree char *name = NULL;

	(void)err;
	if (digest == NULL || strchr(image, '@'))
		return 0;
	name = mem_printf("%s@%s", image, digest);
	jval_set_str(container, "image", name);
	return 0;
}

static int visit_pod(struct image_check *self, visit_image *visit,
		     const struct jval *spec, struct err *err)
{
	static const char *const lists[] = { "initContainers", "containers" };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct jval *list = jval_get(spec, lists[i]);

		for (size_t k = 0; k < jval_len(list); k++) {
			struct jval *container = jval_at(list, k);
			const char *image = jval_str(container, "image");

			if (image && visit(self, container, image, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int visit_images(struct image_check *self, visit_image *visit,
			const struct jval *objects, struct err *err)
{
	for (size_t i = 0; i < jval_len(objects); i++)
		if (visit_pod(self, visit,
			      jval_path(jval_at(objects, i),
					"spec.template.spec"),
			      err) < 0)
			return -1;
	return 0;
}

/* The release that must be pushed to have them again: DWS's own tag. */
static const char *release_of(const struct strs *images)
{
	for (size_t i = 0; i < images->nr; i++) {
		const char *name = strrchr(images->item[i], '/');
		const char *tag = str_after(name ? name + 1 : "", "dws:");

		if (tag)
			return tag;
	}
	return "VERSION";
}

static int tell_missing(const struct image_check *self,
			struct registry *registry, struct err *err)
{
	const char *release = release_of(&self->asked);
	autofree char *list = told(&self->missing);

	if (self->missing.nr == 0)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "registry '%s' has not all images: %s; bring them back "
		       "with 'dws-csm images push --version %.*s'",
		       registry_host(registry), list,
		       (int)strcspn(release, "@"), release);
}

int preflight_images(struct jval *objects, const struct jval *recorded,
		     struct registry *registry, const char *place,
		     struct err *err)
{
	struct image_check check = {
		.recorded = recorded,
		.session = registry_connect(registry),
		.place = place,
	};
	int result = registry_check(check.session, err);

	if (result == 0)
		result = visit_images(&check, check_image, objects, err);
	if (result == 0)
		result = tell_missing(&check, registry, err);
	if (result == 0 && check.moved)
		result = visit_images(&check, name_by_digest, objects, err);
	registry_disconnect(check.session);
	strs_release(&check.asked);
	strs_release(&check.missing);
	return result < 0 ? -1 : check.moved;
}

#include "kube/apply_object.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "format/base64.h"
#include "kube/object.h"
#include "kube/takeover.h"

#define APPLY_TYPE "application/apply-patch+yaml"
#define JSON_PATCH_TYPE "application/json-patch+json"
#define CONFLICT_TRIES 5
#define FRESH_MS 20000
#define FRESH_PAUSE_MS 50
#define FRESH_PAUSE_MAX_MS 1000

static void name_protocol(struct jval *ports)
{
	for (size_t i = 0; i < jval_len(ports); i++) {
		struct jval *port = jval_at(ports, i);

		if (jval_is_object(port) && !jval_get(port, "protocol"))
			jval_set_str(port, "protocol", "TCP");
	}
}

static void name_container_protocols(struct jval *containers)
{
	for (size_t i = 0; i < jval_len(containers); i++)
		name_protocol(jval_get(jval_at(containers, i), "ports"));
}

static void name_protocols(struct jval *object)
{
	static const char *const specs[] = {
		"spec",
		"spec.template.spec",
		"spec.jobTemplate.spec.template.spec",
	};
	char group[256];

	object_group(object, group, sizeof(group));
	if (group[0] == '\0' && strcmp(object_kind(object), "Service") == 0)
		name_protocol(jval_path(object, "spec.ports"));
	if (group[0] && strcmp(group, "apps") != 0 &&
	    strcmp(group, "batch") != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct jval *spec = jval_path(object, specs[i]);

		name_container_protocols(jval_get(spec, "containers"));
		name_container_protocols(jval_get(spec, "initContainers"));
	}
}

/* A list of rules is one value to the server: without the scope that it
 * fills in, it would see a change each time. */
static void name_scopes(struct jval *object)
{
	const struct jval *webhooks = jval_get(object, "webhooks");

	for (size_t i = 0; i < jval_len(webhooks); i++) {
		const struct jval *rules =
			jval_get(jval_at(webhooks, i), "rules");

		for (size_t j = 0; j < jval_len(rules); j++) {
			struct jval *rule = jval_at(rules, j);

			if (jval_is_object(rule) && !jval_get(rule, "scope"))
				jval_set_str(rule, "scope", "*");
		}
	}
}

/* The server keeps data only: what it never shows would be new each time. */
static void encode_string_data(struct jval *secret)
{
	struct jval *texts = jval_get(secret, "stringData");

	for (void *it = jval_first(texts); it; it = jval_next(texts, it)) {
		auto_buf_secret struct buf coded = BUF_INIT(BUF_TEXT_MAX);
		const char *text = jval_string(jval_member_value(it));

		if (text == NULL)
			continue;
		base64_encode(&coded, text, strlen(text));
		if (!jval_is_object(jval_get(secret, "data")))
			jval_set(secret, "data", jval_new_object());
		jval_set(jval_get(secret, "data"), jval_member_name(it),
			 jval_new_str(buf_str(&coded)));
	}
	jval_del(secret, "stringData");
}

struct jval *apply_prepare(const struct jval *object)
{
	struct jval *copy = jval_copy(object);

	jval_del(copy, "status");
	jval_del_path(copy, "metadata.creationTimestamp");
	name_protocols(copy);
	if (strcmp(object_kind(copy), "MutatingWebhookConfiguration") == 0 ||
	    strcmp(object_kind(copy), "ValidatingWebhookConfiguration") == 0)
		name_scopes(copy);
	if (strcmp(object_kind(copy), "Secret") == 0)
		encode_string_data(copy);
	return copy;
}

/* Whether it says nothing but its name: once it exists, all is said. */
static bool says_nothing(const struct jval *object)
{
	const struct jval *metadata = jval_get(object, "metadata");
	size_t names = jval_get(metadata, "namespace") ? 2 : 1;

	return jval_len(object) == 3 && jval_len(metadata) == names;
}

/* Metadata say whether something changed, and are cheap; a dry run leaves
 * them as they are. */
static enum kube_answer answer_form(const struct apply_one *one)
{
	return one->live || one->made || one->dry_run ? KUBE_WHOLE :
							KUBE_METADATA;
}

/* To who wants to see it; a second try takes the place of the first. */
static void hand_over(struct jval **wanted, const struct jval *value)
{
	if (wanted == NULL)
		return;
	jval_free(*wanted);
	*wanted = value ? jval_copy(value) : NULL;
}

/* What stands in the cluster: 1, or 0 when nothing does. */
static int read_before(struct kube *kube, const struct apply_one *one,
		       struct jval **before, struct err *err)
{
	struct kube_request request = { .path = one->path,
					.form = answer_form(one) };
	struct err failure = ERR_INIT;

	if (kube_request(kube, &request, before, &failure) >= 0)
		return 1;
	if (kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return -1;
}

static int take_over(struct kube *kube, const struct apply_one *one,
		     const struct jval *patch, struct err *err)
{
	autofree char *path =
		mem_printf("%s?fieldManager=" APPLY_FIELD_MANAGER, one->path);
	struct kube_request request = {
		.method = "PATCH",
		.path = path,
		.content_type = JSON_PATCH_TYPE,
		.body = patch,
		.form = KUBE_METADATA,
	};

	log_verbose("taking over fields of %s '%s' from kubectl apply",
		    object_kind(one->object), object_name(one->object));
	return kube_request(kube, &request, NULL, err) < 0 ? -1 : 0;
}

static int send_apply(struct kube *kube, const struct apply_one *one,
		      struct jval **answer, struct err *err)
{
	autofree char *path = mem_printf("%s?fieldManager=" APPLY_FIELD_MANAGER
					 "&force=true%s",
					 one->path,
					 one->dry_run ? "&dryRun=All" : "");
	struct kube_request request = {
		.method = "PATCH",
		.path = path,
		.content_type = APPLY_TYPE,
		.body = one->object,
		.form = answer_form(one),
	};

	return kube_request(kube, &request, answer, err);
}

static bool same_at(const struct jval *a, const struct jval *b,
		    const char *path)
{
	return jval_equal(jval_path(a, path), jval_path(b, path));
}

static bool same_metadata(const struct jval *a, const struct jval *b)
{
	return same_at(a, b, "metadata.labels") &&
	       same_at(a, b, "metadata.annotations") &&
	       same_at(a, b, "metadata.finalizers");
}

/* A dry run writes no version. */
static bool would_be_unchanged(const struct jval *before,
			       const struct jval *after)
{
	autojval struct jval *a = jval_copy(before);
	autojval struct jval *b = jval_copy(after);

	if (!same_metadata(a, b))
		return false;
	jval_del(a, "metadata");
	jval_del(b, "metadata");
	jval_del(a, "status");
	jval_del(b, "status");
	return jval_equal(a, b);
}

/* Controllers write status meanwhile, which is no change of ours: where the
 * server counts generations, these and the metadata tell. */
static bool is_unchanged(const struct apply_one *one, const struct jval *before,
			 const struct jval *after)
{
	if (one->dry_run)
		return would_be_unchanged(before, after);
	if (same_at(before, after, "metadata.resourceVersion"))
		return true;
	return jval_path(after, "metadata.generation") &&
	       same_at(before, after, "metadata.generation") &&
	       same_metadata(before, after);
}

static enum apply_result what_became(const struct apply_one *one,
				     const struct jval *before,
				     const struct jval *after)
{
	if (before == NULL)
		return APPLY_CREATED;
	return is_unchanged(one, before, after) ? APPLY_UNCHANGED :
						  APPLY_CHANGED;
}

/* What a deletion has marked goes as soon as nothing holds it any more. */
static int is_leaving(const struct apply_one *one, const struct jval *object)
{
	return !one->dry_run && jval_path(object, "metadata.deletionTimestamp");
}

/* Apply without a look before. What turns out to have been there counts as
 * changed, and what kubectl apply owns of it is taken over afterwards. */
static int apply_blindly(struct kube *kube, const struct apply_one *one,
			 enum apply_result *result, struct err *err)
{
	autojval struct jval *after = NULL;
	autojval struct jval *patch = NULL;
	int status = send_apply(kube, one, &after, err);

	if (status < 0)
		return -1;
	*result = status == 201 ? APPLY_CREATED : APPLY_CHANGED;
	if (status != 201)
		patch = takeover_patch(after, APPLY_FIELD_MANAGER);
	hand_over(one->made, after);
	if (is_leaving(one, after))
		return 1;
	if (patch == NULL || one->dry_run)
		return 0;
	if (take_over(kube, one, patch, err) < 0)
		return -1;
	return send_apply(kube, one, NULL, err) < 0 ? -1 : 0;
}

/* Look, take over, apply; see apply_object. */
static int try_apply(struct kube *kube, const struct apply_one *one,
		     enum apply_result *result, struct err *err)
{
	autojval struct jval *before = NULL;
	autojval struct jval *patch = NULL;
	autojval struct jval *after = NULL;
	int status;

	if (one->probably_new)
		return apply_blindly(kube, one, result, err);
	if (read_before(kube, one, &before, err) < 0)
		return -1;
	hand_over(one->live, before);
	hand_over(one->made, before);
	if (is_leaving(one, before))
		return 1;
	if (before)
		patch = takeover_patch(before, APPLY_FIELD_MANAGER);
	if (before && patch == NULL && says_nothing(one->object)) {
		*result = APPLY_UNCHANGED;
		return 0;
	}
	if (patch && !one->dry_run && take_over(kube, one, patch, err) < 0)
		return -1;
	status = send_apply(kube, one, &after, err);
	if (status < 0)
		return -1;
	hand_over(one->made, after);
	*result = what_became(one, status == 201 ? NULL : before, after);
	/* Fields were taken from another hand. */
	if (patch && *result == APPLY_UNCHANGED)
		*result = APPLY_CHANGED;
	return is_leaving(one, after);
}

int apply_object(struct kube *kube, const struct apply_one *one,
		 enum apply_result *result, struct err *err)
{
	int64_t deadline = deadline_in_ms(FRESH_MS);
	unsigned int conflicts = 0;
	unsigned int waits = 0;

	for (;;) {
		struct err failure = ERR_INIT;
		int status = try_apply(kube, one, result, &failure);

		if (status >= 0)
			return status;
		if (kube_is_not_found(&failure) && one->fresh && one->dry_run) {
			/* What it needs is not really there. */
			*result = APPLY_CREATED;
			hand_over(one->made, one->object);
			return 0;
		}
		if (kube_is_conflict(&failure) && ++conflicts < CONFLICT_TRIES)
			continue;
		if (!kube_is_not_found(&failure) || !one->fresh ||
		    deadline_left_ms(deadline) == 0) {
			*err = failure;
			return -1;
		}
		if (clock_sleep(clock_backoff_ms(++waits, FRESH_PAUSE_MS,
						 FRESH_PAUSE_MAX_MS),
				err) < 0)
			return -1;
	}
}

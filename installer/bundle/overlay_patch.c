#include "bundle/overlay_patch.h"

#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "bundle/overlay_merge.h"
#include "bundle/overlay_select.h"
#include "format/patch.h"
#include "format/yaml.h"
#include "kube/object.h"

/* What is kept of each: {where, target or null, body}; a body that is an
 * array is JSON patch. */
static int add_body(struct jval *list, const char *where,
		    const struct jval *target, struct jval *body,
		    struct err *err)
{
	struct jval *patch;

	if (jval_is_array(body) && target == NULL)
		return err_set(err, ERR_INVALID,
			       "a JSON patch needs a 'target'");
	if (jval_is_object(body) && target == NULL &&
	    (!object_kind(body)[0] || !object_name(body)[0]))
		return err_set(err, ERR_INVALID,
			       "a patch without 'target' must name apiVersion, "
			       "kind and metadata.name of its object");
	if (!jval_is_array(body) && !jval_is_object(body))
		return err_set(err, ERR_INVALID,
			       "a patch is an object, or an array of "
			       "operations, not %s",
			       jval_type_name(body));
	patch = jval_new_object();
	jval_set_str(patch, "where", where);
	jval_set(patch, "body", jval_ref(body));
	if (target)
		jval_set(patch, "target", jval_copy(target));
	jval_append(list, patch);
	return 0;
}

static int add_bodies(struct jval *list, const char *where,
		      const struct jval *target, const struct jval *bodies,
		      struct err *err)
{
	if (jval_len(bodies) == 0)
		return err_set(err, ERR_INVALID, "the patch is empty");
	if (jval_len(bodies) > 1 && target)
		return err_set(err, ERR_INVALID,
			       "a patch with 'target' must be one document, "
			       "not %zu",
			       jval_len(bodies));
	for (size_t i = 0; i < jval_len(bodies); i++)
		if (add_body(list, where, target, jval_at(bodies, i), err) < 0)
			return -1;
	return 0;
}

static struct jval *read_bodies(const struct jval *entry,
				const struct overlay_dir *dir, struct err *err)
{
	const char *patch = jval_str(entry, "patch");
	const char *path = jval_str(entry, "path");

	if (str_empty(patch) == str_empty(path)) {
		err_set(err, ERR_INVALID, "it needs one of 'patch' and 'path'");
		return NULL;
	}
	if (!str_empty(path))
		return overlay_dir_read(dir, path, err);
	return yaml_parse_all(patch, strlen(patch), err);
}

static int load_entry(struct jval *list, const struct jval *entry,
		      const char *where, const struct overlay_dir *dir,
		      struct err *err)
{
	const struct jval *target = jval_get(entry, "target");
	autojval struct jval *bodies = NULL;

	if (target && overlay_target_check(target, err) < 0)
		return -1;
	bodies = read_bodies(entry, dir, err);
	if (bodies == NULL)
		return -1;
	return add_bodies(list, where, target, bodies, err);
}

int overlay_patch_load(struct jval *list, const struct jval *entry,
		       const char *where, const struct overlay_dir *dir,
		       struct err *err)
{
	if (load_entry(list, entry, where, dir, err) < 0)
		return err_wrap(err, "%s", where);
	return 0;
}

int overlay_patch_load_merge(struct jval *list, const char *text,
			     const char *where, const struct overlay_dir *dir,
			     struct err *err)
{
	struct err ignored = ERR_INIT;
	autojval struct jval *bodies =
		yaml_parse_all(text, strlen(text), &ignored);

	/* The name of a file is a YAML document, too. */
	if (bodies == NULL || jval_is_str(jval_at(bodies, 0))) {
		jval_free(bodies);
		bodies = overlay_dir_read(dir, text, err);
	}
	if (bodies == NULL || add_bodies(list, where, NULL, bodies, err) < 0)
		return err_wrap(err, "%s", where);
	return 0;
}

/* What cannot change is what dws-csm and references find an object by. */
static int json_patch(struct jval *objects, size_t index,
		      const struct jval *body, struct err *err)
{
	struct jval *before = jval_at(objects, index);
	autojval struct jval *after = jval_copy(before);

	if (patch_apply(&after, body, err) < 0)
		return -1;
	if (!jval_is_object(after) || !overlay_same_object(before, after))
		return err_set(err, ERR_INVALID,
			       "it changes apiVersion, kind, name or "
			       "namespace, which is not supported");
	jval_set_at(objects, index, mem_steal(&after));
	return 0;
}

/* 1, or 0 when the object has gone. */
static int patch_object(struct jval *objects, size_t index,
			const struct jval *body, struct err *err)
{
	autojval struct jval *object = jval_ref(jval_at(objects, index));
	autofree char *label = object_label(object);
	int kept = 1;

	if (jval_is_array(body) && json_patch(objects, index, body, err) < 0)
		kept = -1;
	else if (jval_is_object(body))
		kept = overlay_merge(object, body, err);
	if (kept < 0)
		return err_wrap(err, "patch of %s", label);
	if (kept == 0)
		jval_remove_at(objects, index);
	return kept;
}

static bool is_meant(const struct jval *patch, const struct jval *object)
{
	const struct jval *target = jval_get(patch, "target");

	if (target)
		return overlay_target_matches(target, object);
	return overlay_same_object(jval_get(patch, "body"), object);
}

/* kustomize goes on where a target fits nothing: a patch that does nothing
 * would be found out too late. */
static int meant_for_none(const struct jval *patch, struct err *err)
{
	const struct jval *body = jval_get(patch, "body");
	autofree char *target = NULL;

	if (jval_get(patch, "target")) {
		target = jval_text(jval_get(patch, "target"), false);
		return err_set(err, ERR_INVALID, "no object fits target %s",
			       target);
	}
	target = object_label(body);
	return err_set(err, ERR_INVALID,
		       "there is no %s of %s in namespace '%s'; 'dws-csm "
		       "manifests' prints what there is",
		       target, object_api_version(body),
		       object_namespace(body) ? object_namespace(body) : "");
}

static int patch_apply_all(const struct jval *patch, struct jval *objects,
			   struct err *err)
{
	size_t done = 0;

	for (size_t i = 0; i < jval_len(objects);) {
		int kept;

		if (!is_meant(patch, jval_at(objects, i))) {
			i++;
			continue;
		}
		kept = patch_object(objects, i, jval_get(patch, "body"), err);
		if (kept < 0)
			return -1;
		i += (size_t)kept;
		done++;
	}
	return done > 0 ? 0 : meant_for_none(patch, err);
}

int overlay_patches_apply(const struct jval *list, struct jval *objects,
			  struct err *err)
{
	for (size_t i = 0; i < jval_len(list); i++) {
		const struct jval *patch = jval_at(list, i);

		if (patch_apply_all(patch, objects, err) < 0)
			return err_wrap(err, "%s", jval_str(patch, "where"));
	}
	return 0;
}

#include "bundle/pod_images.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kube/object.h"

struct walk {
	char *(*change)(void *ctx, const char *image);
	void *ctx;
};

static void change_container(const struct walk *walk, struct jval *container)
{
	const char *image = jval_string(jval_get(container, "image"));
	autofree char *other = image ? walk->change(walk->ctx, image) : NULL;

	if (other)
		jval_set(container, "image", jval_new_str(other));
}

/* Depth is bounded by what the parsers take. */
static void walk_value(const struct walk *walk, struct jval *value)
{
	for (size_t i = 0; jval_is_array(value) && i < jval_len(value); i++)
		walk_value(walk, jval_at(value, i));
	if (!jval_is_object(value))
		return;
	for (void *it = jval_first(value); it; it = jval_next(value, it)) {
		const char *name = jval_member_name(it);
		struct jval *member = jval_member_value(it);

		walk_value(walk, member);
		if (strcmp(name, "containers") != 0 &&
		    strcmp(name, "initContainers") != 0)
			continue;
		for (size_t i = 0;
		     jval_is_array(member) && i < jval_len(member); i++)
			change_container(walk, jval_at(member, i));
	}
}

void pod_images_change(struct jval *object,
		       char *(*change)(void *ctx, const char *image), void *ctx)
{
	const struct walk walk = { .change = change, .ctx = ctx };

	if (strcmp(object_kind(object), "CustomResourceDefinition") != 0)
		walk_value(&walk, object);
}

#include "txn/prune.h"

#include "base/strs.h"
#include "kube/object.h"

static bool has_object(const struct jval *objects, const struct jval *object)
{
	for (size_t i = 0; i < jval_len(objects); i++)
		if (object_is_same(jval_at(objects, i), object))
			return true;
	return false;
}

struct jval *prune_list(const struct jval *old, const struct jval *now)
{
	struct jval *list = jval_new_array();

	for (size_t i = jval_len(old); i-- > 0;) {
		struct jval *object = jval_at(old, i);

		if (!str_eq(object_kind(object), "Namespace") &&
		    !has_object(now, object) && !has_object(list, object))
			jval_append(list, jval_ref(object));
	}
	return list;
}

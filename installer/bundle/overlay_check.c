#include "bundle/overlay_check.h"

#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

#define BY_NAME                                                             \
	"dws-csm finds the objects of DWS by their names and in namespace " \
	"dws-system"
#define AS_FILE "write the object into a file and list it in 'resources'"
#define AS_PATCH "say it with 'patches'"

enum type { TEXT, TEXTS, OBJECT, OBJECTS, PAIRS, NUMBER, BOOL };

static const struct {
	const char *name;
	enum type type;
} fields[] = {
	{ "apiVersion", TEXT },
	{ "kind", TEXT },
	{ "metadata", OBJECT },
	{ "resources", TEXTS },
	{ "bases", TEXTS },
	{ "components", TEXTS },
	{ "images", OBJECTS },
	{ "replicas", OBJECTS },
	{ "labels", OBJECTS },
	{ "commonLabels", PAIRS },
	{ "commonAnnotations", PAIRS },
	{ "patches", OBJECTS },
	{ "patchesStrategicMerge", TEXTS },
	{ "patchesJson6902", OBJECTS },
};

/* What the elements of those that are OBJECTS have. */
static const struct {
	const char *list;
	const char *name;
	enum type type;
	bool needed;
} members[] = {
	{ "images", "name", TEXT, true },
	{ "images", "newName", TEXT, false },
	{ "images", "newTag", TEXT, false },
	{ "images", "digest", TEXT, false },
	{ "images", "tagSuffix", TEXT, false },
	{ "replicas", "name", TEXT, true },
	{ "replicas", "count", NUMBER, true },
	{ "labels", "pairs", PAIRS, true },
	{ "labels", "includeSelectors", BOOL, false },
	{ "labels", "includeTemplates", BOOL, false },
	{ "patches", "patch", TEXT, false },
	{ "patches", "path", TEXT, false },
	{ "patches", "target", OBJECT, false },
	{ "patchesJson6902", "patch", TEXT, false },
	{ "patchesJson6902", "path", TEXT, false },
	{ "patchesJson6902", "target", OBJECT, true },
};

/* Fields of kustomize that people will miss. */
static const struct {
	const char *name;
	const char *instead;
} refused[] = {
	{ "namePrefix", BY_NAME },
	{ "nameSuffix", BY_NAME },
	{ "namespace", BY_NAME },
	{ "configMapGenerator", AS_FILE },
	{ "secretGenerator", AS_FILE },
	{ "helmCharts", AS_FILE },
	{ "generators", AS_FILE },
	{ "transformers", AS_PATCH },
	{ "replacements", AS_PATCH },
	{ "vars", AS_PATCH },
	{ "imageTags", "it is called 'images' now" },
};

static bool all_are(const struct jval *list, bool (*is)(const struct jval *))
{
	if (!jval_is_array(list))
		return false;
	for (size_t i = 0; i < jval_len(list); i++)
		if (!is(jval_at(list, i)))
			return false;
	return true;
}

static bool are_pairs(const struct jval *value)
{
	for (void *it = jval_first(value); it; it = jval_next(value, it))
		if (!jval_is_str(jval_member_value(it)))
			return false;
	return jval_is_object(value);
}

static bool is_of(const struct jval *value, enum type type)
{
	switch (type) {
	case TEXT:
		return jval_is_str(value);
	case TEXTS:
		return all_are(value, jval_is_str);
	case OBJECT:
		return jval_is_object(value);
	case OBJECTS:
		return all_are(value, jval_is_object);
	case PAIRS:
		return are_pairs(value);
	case NUMBER:
		return jval_is_int(value) && jval_integer(value) >= 0;
	case BOOL:
		return jval_is_bool(value);
	}
	return false;
}

static const char *type_name(enum type type)
{
	static const char *const names[] = {
		[TEXT] = "a text (a number or a truth value needs quotes)",
		[TEXTS] = "a list of texts",
		[OBJECT] = "an object",
		[OBJECTS] = "a list of objects",
		[PAIRS] = "an object of texts (numbers and truth values need "
			  "quotes)",
		[NUMBER] = "a number from 0 on",
		[BOOL] = "true or false",
	};

	return names[type];
}

static int check_type(const char *where, const struct jval *value,
		      enum type type, struct err *err)
{
	if (is_of(value, type))
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is not %s", where,
		       type_name(type));
}

static int check_member(const char *list, const char *where, const char *name,
			const struct jval *value, struct err *err)
{
	autofree char *path = mem_printf("%s.%s", where, name);

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (strcmp(members[i].list, list) == 0 &&
		    strcmp(members[i].name, name) == 0)
			return check_type(path, value, members[i].type, err);
	return err_set(err, ERR_INVALID, "'%s' is not supported", path);
}

static int check_needed(const char *list, const char *where,
			const struct jval *element, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (strcmp(members[i].list, list) == 0 && members[i].needed &&
		    jval_get(element, members[i].name) == NULL)
			return err_set(err, ERR_INVALID, "'%s' lacks '%s'",
				       where, members[i].name);
	return 0;
}

static int check_element(const char *list, size_t index,
			 const struct jval *element, struct err *err)
{
	autofree char *where = mem_printf("%s[%zu]", list, index);

	for (void *it = jval_first(element); it; it = jval_next(element, it))
		if (check_member(list, where, jval_member_name(it),
				 jval_member_value(it), err) < 0)
			return -1;
	return check_needed(list, where, element, err);
}

static int refuse(const char *name, struct err *err)
{
	err_set(err, ERR_INVALID, "'%s' is not supported", name);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (strcmp(refused[i].name, name) == 0)
			return err_hint(err, "%s", refused[i].instead);
	return -1;
}

static int check_field(const char *name, const struct jval *value,
		       struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].name, name) != 0)
			continue;
		/* "patches:" with nothing behind it. */
		if (jval_is_null(value))
			return 0;
		if (check_type(name, value, fields[i].type, err) < 0)
			return -1;
		if (fields[i].type != OBJECTS)
			return 0;
		for (size_t k = 0; k < jval_len(value); k++)
			if (check_element(name, k, jval_at(value, k), err) < 0)
				return -1;
		return 0;
	}
	return refuse(name, err);
}

static int check_kind(const struct jval *root, struct err *err)
{
	const char *kind = jval_str(root, "kind");
	const char *version = jval_str(root, "apiVersion");

	if (kind && !str_eq(kind, "Kustomization") &&
	    !str_eq(kind, "Component"))
		return err_set(err, ERR_INVALID,
			       "kind '%s' is neither Kustomization nor "
			       "Component",
			       kind);
	if (version && !str_starts(version, "kustomize.config.k8s.io/"))
		return err_set(err, ERR_INVALID,
			       "apiVersion '%s' is not kustomize's", version);
	return 0;
}

int overlay_check(const struct jval *root, struct err *err)
{
	if (!jval_is_object(root))
		return err_set(err, ERR_INVALID, "it holds no object");
	for (void *it = jval_first(root); it; it = jval_next(root, it))
		if (check_field(jval_member_name(it), jval_member_value(it),
				err) < 0)
			return -1;
	return check_kind(root, err);
}

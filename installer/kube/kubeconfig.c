#include "kube/kubeconfig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "format/base64.h"
#include "format/yaml.h"

#define KUBECONFIG_MAX_BYTES ((size_t)8 << 20)
#define PEM_MAX_BYTES ((size_t)1 << 20)

static const char *const kinds[] = { "cluster", "context", "user" };

struct kubeconfig {
	/* Of each kind an object: name -> {"value": ..., "file": ...}. */
	struct jval *entries[ARRAY_SIZE(kinds)];
	char *current_context;
	char *origin;
};

struct kubeconfig *kubeconfig_new(void)
{
	struct kubeconfig *self = mem_alloc(sizeof(*self));

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		self->entries[i] = jval_new_object();
	return self;
}

void kubeconfig_free(struct kubeconfig *self)
{
	if (self == NULL)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		jval_free(self->entries[i]);
	free(self->current_context);
	free(self->origin);
	free(self);
}

const char *kubeconfig_origin(const struct kubeconfig *self)
{
	return self->origin ? self->origin : "no file";
}

const char *kubeconfig_current_context(const struct kubeconfig *self)
{
	return self->current_context;
}

static size_t kind_index(const char *kind)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(kinds) && strcmp(kinds[i], kind) != 0)
		i++;
	return i;
}

/* `list` is [{name: x, <kind>: {...}}, ...]. */
static int merge_kind(struct kubeconfig *self, size_t kind,
		      const struct jval *list, const char *path,
		      struct err *err)
{
	struct jval *known = self->entries[kind];

	if (list == NULL || jval_is_null(list))
		return 0;
	if (!jval_is_array(list))
		return err_set(err, ERR_INVALID, "'%ss' is not a list",
			       kinds[kind]);
	for (size_t i = 0; i < jval_len(list); i++) {
		const struct jval *item = jval_at(list, i);
		const char *name = jval_str(item, "name");
		struct jval *value = jval_get(item, kinds[kind]);
		struct jval *entry;

		if (name == NULL)
			return err_set(err, ERR_INVALID, "a %s has no name",
				       kinds[kind]);
		if (jval_get(known, name))
			continue;
		entry = jval_new_object();
		jval_set(entry, "value",
			 jval_is_object(value) ? jval_ref(value) :
						 jval_new_object());
		jval_set(entry, "file", jval_new_str(path));
		jval_set(known, name, entry);
	}
	return 0;
}

static int merge(struct kubeconfig *self, const struct jval *config,
		 const char *path, struct err *err)
{
	const char *context = jval_str(config, "current-context");

	if (!jval_is_object(config) && !jval_is_null(config))
		return err_set(err, ERR_INVALID, "it is not a kubeconfig");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char list[16];

		snprintf(list, sizeof(list), "%ss", kinds[i]);
		if (merge_kind(self, i, jval_get(config, list), path, err) < 0)
			return -1;
	}
	if (self->current_context == NULL && !str_empty(context))
		self->current_context = mem_strdup(context);
	return 0;
}

int kubeconfig_add_file(struct kubeconfig *self, const char *path,
			struct err *err)
{
	autofree char *before = NULL;
	autojval struct jval *documents = NULL;
	char *text = NULL;
	size_t len;

	if (file_read(AT_FDCWD, path, KUBECONFIG_MAX_BYTES, &text, &len, err) <
	    0)
		return -1;
	documents = yaml_parse_all(text, len, err);
	mem_free_secret(text);
	if (documents == NULL ||
	    (jval_len(documents) > 0 &&
	     merge(self, jval_at(documents, 0), path, err) < 0))
		return err_wrap(err, "read kubeconfig '%s'", path);
	before = self->origin;
	self->origin = before ? mem_printf("%s, '%s'", before, path) :
				mem_printf("'%s'", path);
	return 0;
}

char *kubeconfig_names(const struct kubeconfig *self, const char *kind)
{
	const struct jval *known = self->entries[kind_index(kind)];
	struct strs auto_strs names = STRS_INIT;

	for (void *it = jval_first(known); it; it = jval_next(known, it))
		strs_add(&names, jval_member_name(it));
	return names.nr ? strs_join(&names, ", ") : mem_strdup("none");
}

int kubeconfig_find(const struct kubeconfig *self, const char *kind,
		    const char *name, const char *by,
		    struct kubeconfig_entry *entry, struct err *err)
{
	const struct jval *found =
		jval_get(self->entries[kind_index(kind)], name);
	autofree char *names = NULL;

	if (found == NULL) {
		names = kubeconfig_names(self, kind);
		err_set(err, ERR_INVALID, "%s '%s' is not in %s (it has: %s)",
			kind, name, kubeconfig_origin(self), names);
		return by ? err_wrap(err, "%s", by) : -1;
	}
	entry->name = name;
	entry->value = jval_get(found, "value");
	entry->file = jval_str(found, "file");
	return 0;
}

char *kubeconfig_resolve(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	if (path[0] == '/' || slash == NULL)
		return mem_strdup(path);
	return mem_printf("%.*s/%s", (int)(slash - file), file, path);
}

static int pem_decode(const struct kubeconfig_entry *entry, const char *field,
		      const char *data, char **pem, struct err *err)
{
	struct buf auto_buf_secret text = BUF_INIT(PEM_MAX_BYTES);

	if (base64_decode(&text, data, strlen(data), err) < 0 ||
	    buf_check(&text, field, err) < 0)
		return err_wrap(err, "%s-data of '%s' in '%s'", field,
				entry->name, entry->file);
	*pem = buf_steal(&text);
	return 0;
}

int kubeconfig_pem(const struct kubeconfig_entry *entry, const char *field,
		   char **pem, char **from, struct err *err)
{
	autofree char *data_field = mem_printf("%s-data", field);
	const char *data = jval_string(jval_get(entry->value, data_field));
	const char *path = jval_string(jval_get(entry->value, field));
	autofree char *resolved = NULL;

	if (!str_empty(data)) {
		if (pem_decode(entry, field, data, pem, err) < 0)
			return -1;
		if (from)
			*from = mem_printf("%s in '%s'", data_field,
					   entry->file);
		return 0;
	}
	if (str_empty(path))
		return 0;
	resolved = kubeconfig_resolve(entry->file, path);
	if (file_read_secret(resolved, PEM_MAX_BYTES, pem, err) < 0)
		return err_wrap(err, "%s of '%s' in '%s'", field, entry->name,
				entry->file);
	if (from)
		*from = mem_printf("'%s'", resolved);
	return 0;
}

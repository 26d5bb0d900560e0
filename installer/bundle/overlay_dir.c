#include "bundle/overlay_dir.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/embedded.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"
#include "format/yaml.h"

#define FILE_MAX_BYTES ((size_t)16 << 20)

static bool leads_outside(const char *name)
{
	auto_strs struct strs parts = STRS_INIT;

	strs_split(&parts, name, '/');
	return name[0] == '/' || strs_has(&parts, "..");
}

static int read_embedded(const char *path, char **text, size_t *len,
			 struct err *err)
{
	const struct embedded_file *file = embedded_find(path);

	if (file == NULL)
		return err_set(err, ERR_INVALID, "no embedded file '%s'", path);
	*text = mem_strndup((const char *)file->data, file->len);
	*len = file->len;
	return 0;
}

struct jval *overlay_dir_read(const struct overlay_dir *dir, const char *name,
			      struct err *err)
{
	autofree char *path = mem_printf("%s/%s", dir->path, name);
	autofree char *text = NULL;
	struct jval *documents;
	size_t len = 0;
	int result;

	if (leads_outside(name)) {
		err_set(err, ERR_INVALID,
			"file '%s' is not at or below '%s', where kustomize "
			"wants it; copy it there",
			name, dir->path);
		return NULL;
	}
	if (dir->embedded)
		result = read_embedded(path, &text, &len, err);
	else
		result = file_read(AT_FDCWD, path, FILE_MAX_BYTES, &text, &len,
				   err);
	if (result < 0)
		return NULL;
	documents = yaml_parse_all(text, len, err);
	if (documents == NULL)
		err_wrap(err, "read '%s'", path);
	return documents;
}

int overlay_dir_find(const char *path, const char **name, struct err *err)
{
	static const char *const names[] = { "kustomization.yaml",
					     "kustomization.yml",
					     "Kustomization" };

	*name = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		autofree char *file = mem_printf("%s/%s", path, names[i]);
		struct stat st;

		if (stat(file, &st) < 0)
			continue;
		if (*name)
			return err_set(err, ERR_INVALID,
				       "directory '%s' has both '%s' and '%s'",
				       path, *name, names[i]);
		*name = names[i];
	}
	if (*name == NULL)
		return err_set(err, ERR_NOT_FOUND,
			       "directory '%s' holds no kustomization.yaml",
			       path);
	return 0;
}

bool overlay_dir_is(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

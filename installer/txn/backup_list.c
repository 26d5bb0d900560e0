/* Which backups there are, and that they go. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"
#include "txn/backup.h"
#include "txn/backup_place.h"
#include "txn/names.h"
#include "txn/parcel.h"

#define INDEX_SUFFIX ".json"
#define NAMED 5

/* It becomes part of names of files and Secrets. */
static bool is_id(const char *text)
{
	return *text && text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
					  "0123456789-")] == '\0';
}

static void add_place(struct jval *index, const char *place)
{
	if (jval_get(index, "places") == NULL)
		jval_set(index, "places", jval_new_array());
	jval_append(jval_get(index, "places"), jval_new_str(place));
}

static void add_local_place(struct jval *index, const struct state *state)
{
	autofree char *name = backup_data_file(jval_str(index, "id"));
	autofree char *path = state_path(state, name);

	add_place(index, path);
}

/* The index in this host's file, or NULL, with `err` set unless there is
 * none. */
static struct jval *read_local(const struct state *state, const char *id,
			       struct err *err)
{
	autofree char *name = backup_index_file(id);
	autofree char *text = NULL;
	struct jval *index;
	size_t len;

	if (file_read(state->dirfd, name, BACKUP_INDEX_MAX_BYTES, &text, &len,
		      err) < 0) {
		if (err->kind == ERR_NOT_FOUND)
			err_clear(err);
		return NULL;
	}
	index = jval_parse(text, len, err);
	if (index == NULL)
		err_wrap(err, "read '%s/%s'", state->path, name);
	return index;
}

static struct jval *read_cluster(struct kube *kube, const char *id,
				 struct err *err)
{
	autofree char *path = backup_index_path(id);
	autojval struct jval *secret = kube_get(kube, path, err);

	if (secret)
		return parcel_open(secret, "backup", err);
	if (kube_is_not_found(err))
		err_clear(err);
	return NULL;
}

static struct jval *index_with_id(const struct jval *list, const char *id)
{
	for (size_t i = 0; i < jval_len(list); i++)
		if (str_eq(jval_str(jval_at(list, i), "id"), id))
			return jval_at(list, i);
	return NULL;
}

/* What cannot be read must not keep anybody from the others. */
static int collect(void *ctx, struct jval *secret, struct err *err)
{
	struct err why = ERR_INIT;
	struct jval *index = parcel_open(secret, "backup", &why);

	(void)err;
	if (index == NULL || jval_str(index, "id") == NULL) {
		log_warn("%s", why.msg);
		jval_free(index);
		return 0;
	}
	add_place(index, "cluster");
	jval_append(ctx, index);
	return 0;
}

static void collect_local(struct jval *list, const struct state *state,
			  const char *id)
{
	struct jval *known = index_with_id(list, id);
	struct err why = ERR_INIT;
	struct jval *index = read_local(state, id, &why);

	if (index == NULL || !str_eq(jval_str(index, "id"), id)) {
		log_warn("%s", why.msg[0] ? why.msg : "not a backup's index");
		jval_free(index);
		return;
	}
	add_local_place(known ? known : index, state);
	if (known)
		jval_free(index);
	else
		jval_append(list, index);
}

static int list_local(struct jval *list, const struct state *state,
		      struct err *err)
{
	int fd = file_open(state->dirfd, BACKUP_FOLDER, O_RDONLY | O_DIRECTORY,
			   0, err);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (fd < 0)
		return -1;
	if (dir == NULL) {
		close(fd);
		return err_sys(err, errno, "cannot list '%s/" BACKUP_FOLDER "'",
			       state->path);
	}
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		autofree char *id = NULL;

		if (!str_ends(entry->d_name, INDEX_SUFFIX))
			continue;
		id = mem_strndup(entry->d_name, len - strlen(INDEX_SUFFIX));
		if (is_id(id))
			collect_local(list, state, id);
	}
	closedir(dir);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct jval *left = *(struct jval *const *)a;
	const struct jval *right = *(struct jval *const *)b;
	const char *first = jval_str(left, "created");
	const char *second = jval_str(right, "created");
	int order = strcmp(first ? first : "", second ? second : "");

	return order ? order :
		       strcmp(jval_str(left, "id"), jval_str(right, "id"));
}

static struct jval *sorted(const struct jval *list)
{
	size_t nr = jval_len(list);
	autofree struct jval **order = mem_array(nr, sizeof(*order));
	struct jval *result = jval_new_array();

	for (size_t i = 0; i < nr; i++)
		order[i] = jval_at(list, i);
	qsort(order, nr, sizeof(*order), compare);
	for (size_t i = 0; i < nr; i++)
		jval_append(result, jval_ref(order[i]));
	return result;
}

struct jval *backup_list(struct kube *kube, const struct state *state,
			 struct err *err)
{
	autojval struct jval *list = jval_new_array();

	if (kube_list(kube, PARCEL_SECRETS,
		      "labelSelector=" RECORD_LABEL
		      "%3Dbackup," BACKUP_PART_LABEL "%3Dindex",
		      collect, list, err) < 0 ||
	    (state && list_local(list, state, err) < 0)) {
		err_wrap(err, "list backups");
		return NULL;
	}
	return sorted(list);
}

static void tell_others(struct kube *kube, const struct state *state,
			struct err *err)
{
	struct err ignored = ERR_INIT;
	autojval struct jval *list = backup_list(kube, state, &ignored);
	auto_strs struct strs names = STRS_INIT;
	autofree char *joined = NULL;
	size_t nr = jval_len(list);

	for (size_t i = nr > NAMED ? nr - NAMED : 0; i < nr; i++)
		strs_addf(&names, "'%s'", jval_str(jval_at(list, i), "id"));
	joined = strs_join(&names, ", ");
	if (nr == 0)
		err_hint(err, "there is none, neither in the cluster nor on "
			      "this host");
	else
		err_hint(err, "there %s %s%s", nr == 1 ? "is" : "are",
			 nr > NAMED ? "..., " : "", joined);
}

struct jval *backup_find(struct kube *kube, const struct state *state,
			 const char *id, struct err *err)
{
	autojval struct jval *there = NULL;
	autojval struct jval *here = NULL;

	if (is_id(id)) {
		there = read_cluster(kube, id, err);
		if (there == NULL && err->kind != ERR_NONE)
			return NULL;
		here = state ? read_local(state, id, err) : NULL;
		if (there)
			err_clear(err);
		if (there == NULL && err->kind != ERR_NONE)
			return NULL;
	}
	if (there)
		add_place(there, "cluster");
	if (here)
		add_local_place(there ? there : here, state);
	if (there)
		return mem_steal(&there);
	if (here)
		return mem_steal(&here);
	err_set(err, ERR_NOT_FOUND, "there is no backup '%s'", id);
	tell_others(kube, state, err);
	return NULL;
}

static int remove_here(const struct state *state, const char *id,
		       struct err *err)
{
	autofree char *index = backup_index_file(id);
	autofree char *data = backup_data_file(id);

	if ((unlinkat(state->dirfd, index, 0) < 0 && errno != ENOENT) ||
	    (unlinkat(state->dirfd, data, 0) < 0 && errno != ENOENT))
		return err_sys(err, errno, "cannot remove backup '%s' in '%s'",
			       id, state->path);
	return 0;
}

/* One call, or none where it is gone. */
static int delete_at(struct kube *kube, const char *path, struct err *err)
{
	struct err failure = ERR_INIT;

	if (kube_call(kube, "DELETE", path, NULL, NULL, NULL, &failure) == 0 ||
	    kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return -1;
}

int backup_remove(struct kube *kube, const struct state *state, const char *id,
		  bool local, struct err *err)
{
	autofree char *index = backup_index_path(id);
	autofree char *all = mem_printf("%s?labelSelector=" BACKUP_ID_LABEL
					"%%3D%s",
					PARCEL_SECRETS, id);

	/* Without its index it is none, should we not get any further. */
	if (delete_at(kube, index, err) < 0 || delete_at(kube, all, err) < 0)
		return err_wrap(err, "remove backup '%s'", id);
	return local && state ? remove_here(state, id, err) : 0;
}

#include "txn/backup_place.h"

#include <string.h>

#include "base/mem.h"
#include "format/base64.h"
#include "txn/backup.h"
#include "txn/names.h"
#include "txn/parcel.h"

#define ENCODED_MAX_BYTES ((size_t)2 << 20)

char *backup_data_file(const char *id)
{
	return mem_printf(BACKUP_FOLDER "/%s.jsonl.gz", id);
}

char *backup_index_file(const char *id)
{
	return mem_printf(BACKUP_FOLDER "/%s.json", id);
}

static char *index_name(const char *id)
{
	return mem_printf("dws-csm.backup.%s", id);
}

static char *chunk_name(const char *id, size_t number)
{
	return mem_printf("dws-csm.backup.%s.%zu", id, number);
}

char *backup_index_path(const char *id)
{
	autofree char *name = index_name(id);

	return mem_printf("%s/%s", PARCEL_SECRETS, name);
}

static char *chunk_path(const char *id, size_t number)
{
	autofree char *name = chunk_name(id, number);

	return mem_printf("%s/%s", PARCEL_SECRETS, name);
}

/* `path` is where it is then. */
static int put_secret(struct kube *kube, const struct jval *secret,
		      const char *path, struct err *err)
{
	struct err failure = ERR_INIT;

	if (kube_call(kube, "POST", PARCEL_SECRETS, NULL, secret, NULL,
		      &failure) == 0)
		return 0;
	if (!kube_is_conflict(&failure)) {
		*err = failure;
		return -1;
	}
	return kube_call(kube, "PUT", path, NULL, secret, NULL, err);
}

/* Only `part` tells a list of backups from megabytes of their chunks. */
static void label(struct jval *secret, const char *id, const char *part)
{
	struct jval *labels = jval_path(secret, "metadata.labels");

	jval_set(labels, BACKUP_ID_LABEL, jval_new_str(id));
	jval_set(labels, BACKUP_PART_LABEL, jval_new_str(part));
}

int backup_put_chunk(struct kube *kube, const char *id, size_t number,
		     const void *data, size_t len, struct err *err)
{
	autofree char *name = chunk_name(id, number);
	autofree char *path = chunk_path(id, number);
	auto_buf struct buf encoded = BUF_INIT(ENCODED_MAX_BYTES);
	autojval struct jval *secret = NULL;

	base64_encode(&encoded, data, len);
	if (buf_check(&encoded, name, err) < 0)
		return -1;
	secret = jval_pack(
		"{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:s, s:{s:s}}",
		"apiVersion", "v1", "kind", "Secret", "metadata", "name", name,
		"namespace", DWS_NAMESPACE, "labels", RECORD_LABEL, "backup",
		"app.kubernetes.io/managed-by", "dws-csm", "type",
		"dws-csm.io/backup.v1", "data", "chunk", buf_str(&encoded));
	label(secret, id, "chunk");
	return put_secret(kube, secret, path, err);
}

int backup_put_index(struct kube *kube, const struct jval *index,
		     struct err *err)
{
	const char *id = jval_str(index, "id");
	autofree char *name = index_name(id);
	autofree char *path = backup_index_path(id);
	autojval struct jval *secret = parcel_wrap(name, "backup", index, err);

	if (secret == NULL)
		return -1;
	label(secret, id, "index");
	return put_secret(kube, secret, path, err);
}

int backup_get_chunk(struct kube *kube, const char *id, size_t number,
		     struct buf *packed, struct err *err)
{
	autofree char *path = chunk_path(id, number);
	autojval struct jval *secret = kube_get(kube, path, err);
	const char *text = jval_str(secret, "data.chunk");

	if (secret == NULL)
		return -1;
	if (text == NULL)
		return err_set(err, ERR_INVALID, "'%s' has no 'chunk'", path);
	return base64_decode(packed, text, strlen(text), err);
}

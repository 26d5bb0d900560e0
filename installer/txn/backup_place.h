/*
 * backup_place - where the parts of a backup lie: Secrets of dws-system and
 * files of the state directory. Internal to backup.
 */
#ifndef TXN_BACKUP_PLACE_H
#define TXN_BACKUP_PLACE_H

#include "kube/client.h"
#include "txn/state.h"

#define BACKUP_FOLDER "backup"
#define BACKUP_INDEX_MAX_BYTES ((size_t)8 << 20)

/* What one chunk is before it is packed, unless it is one large object, and
 * what it may be after: the API server takes objects of 1 MiB and a bit. */
#define BACKUP_CHUNK_BYTES ((size_t)2 << 20)
#define BACKUP_PACKED_MAX_BYTES ((size_t)700000)

/* "backup/ID.jsonl.gz" and "backup/ID.json"; the caller's. */
char *backup_data_file(const char *id) must_check;
char *backup_index_file(const char *id) must_check;

/* "/api/v1/.../dws-csm.backup.ID"; the caller's. */
char *backup_index_path(const char *id) must_check;

/* Write the Secret of a chunk, or that of the index, over what is there. */
int backup_put_chunk(struct kube *kube, const char *id, size_t number,
		     const void *data, size_t len, struct err *err) must_check;
int backup_put_index(struct kube *kube, const struct jval *index,
		     struct err *err) must_check;

/* The packed bytes of a chunk into `packed`. */
int backup_get_chunk(struct kube *kube, const char *id, size_t number,
		     struct buf *packed, struct err *err) must_check;

#endif

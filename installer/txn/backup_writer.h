/*
 * backup_writer - objects into chunks, chunks into both places. Internal to
 * backup.
 *
 *	backup_writer_open(&writer, ...)
 *	mark = backup_writer_mark(&writer)	what comes now may be undone
 *	backup_writer_add(&writer, object)	...
 *	backup_writer_rewind(&writer, &mark)
 *	backup_writer_close(&writer)		all is durable
 */
#ifndef TXN_BACKUP_WRITER_H
#define TXN_BACKUP_WRITER_H

#include "base/buf.h"
#include "kube/client.h"
#include "txn/state.h"

struct backup_writer {
	struct kube *kube;	   /* NULL = not in the cluster */
	const struct state *state; /* NULL = not here */
	const char *id;
	int fd;
	struct buf lines;
	size_t nr_lines;
	struct jval *chunks; /* of the index; may be read */
	uint64_t bytes;	     /* packed; may be read */
};

struct backup_mark {
	size_t chunks;
	uint64_t bytes;
};

int backup_writer_open(struct backup_writer *writer, struct kube *kube,
		       const struct state *state, const char *id,
		       struct err *err) must_check;
int backup_writer_add(struct backup_writer *writer, const struct jval *object,
		      struct err *err) must_check;
int backup_writer_mark(struct backup_writer *writer, struct backup_mark *mark,
		       struct err *err) must_check;
int backup_writer_rewind(struct backup_writer *writer,
			 const struct backup_mark *mark, struct err *err)
	must_check;
int backup_writer_close(struct backup_writer *writer, struct err *err)
	must_check;
void backup_writer_release(struct backup_writer *writer);

#define auto_backup_writer __attribute__((cleanup(backup_writer_release)))

#endif

/*
 * watch_line - the bytes of a watch, cut into lines and events.
 *
 * Pure; the part of watch.c that meets input of any shape.
 */
#ifndef KUBE_WATCH_LINE_H
#define KUBE_WATCH_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "format/jval.h"

#define WATCH_LINE_MAX_BYTES ((size_t)16 << 20)

struct watch_lines {
	struct buf buf;
	size_t at; /* what stands before was told */
};

void watch_lines_init(struct watch_lines *lines);
void watch_lines_clear(struct watch_lines *lines);
void watch_lines_release(struct watch_lines *lines);

/* ERR_API when a line gets longer than WATCH_LINE_MAX_BYTES. */
int watch_lines_add(struct watch_lines *lines, const char *data, size_t len,
		    struct err *err) must_check;

/* The next whole line, without its end; empty ones are left out. Borrowed
 * until the next watch_lines_add. */
bool watch_lines_next(struct watch_lines *lines, const char **line, size_t *len)
	must_check;

struct watch_event {
	const char *type;    /* static; NULL unless `object` is there */
	struct jval *object; /* the receiver's; NULL for a bookmark */
	char *version;	     /* resourceVersion, the receiver's, or NULL */
	bool gone;	     /* 410: list again */
	bool failed;	     /* another ERROR */
};

int watch_event_parse(struct watch_event *event, const char *line, size_t len,
		      struct err *err) must_check;

#endif

#include "kube/watch_line.h"

#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

void watch_lines_init(struct watch_lines *lines)
{
	buf_init(&lines->buf, WATCH_LINE_MAX_BYTES);
	lines->at = 0;
}

void watch_lines_clear(struct watch_lines *lines)
{
	buf_clear(&lines->buf);
	lines->at = 0;
}

void watch_lines_release(struct watch_lines *lines)
{
	buf_release(&lines->buf);
	lines->at = 0;
}

int watch_lines_add(struct watch_lines *lines, const char *data, size_t len,
		    struct err *err)
{
	struct buf *buf = &lines->buf;

	if (lines->at > 0) {
		memmove(buf->data, buf->data + lines->at, buf->len - lines->at);
		buf->len -= lines->at;
		buf->data[buf->len] = '\0';
		lines->at = 0;
	}
	buf_add(buf, data, len);
	if (buf->overflow)
		return err_set(err, ERR_API,
			       "an event of the watch is longer than %zu bytes",
			       buf->max);
	return 0;
}

bool watch_lines_next(struct watch_lines *lines, const char **line, size_t *len)
{
	struct buf *buf = &lines->buf;

	while (lines->at < buf->len) {
		const char *start = buf->data + lines->at;
		const char *end = memchr(start, '\n', buf->len - lines->at);

		if (end == NULL)
			return false;
		lines->at += (size_t)(end - start) + 1;
		if (end == start)
			continue;
		*line = start;
		*len = (size_t)(end - start);
		return true;
	}
	return false;
}

int watch_event_parse(struct watch_event *event, const char *line, size_t len,
		      struct err *err)
{
	static const char *const types[] = { "ADDED", "MODIFIED", "DELETED" };
	autojval struct jval *value = jval_parse(line, len, err);
	struct jval *object = jval_get(value, "object");
	const char *type = jval_str(value, "type");
	const char *version = jval_str(object, "metadata.resourceVersion");

	memset(event, 0, sizeof(*event));
	if (value == NULL) {
		err->kind = ERR_API;
		return err_wrap(err, "an event of the watch");
	}
	if (type == NULL || !jval_is_object(object))
		return err_set(err, ERR_API,
			       "an event of the watch has no type or object");
	if (strcmp(type, "ERROR") == 0) {
		event->gone = jval_int(object, "code", 0) == 410;
		event->failed = !event->gone;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(type, types[i]) == 0)
			event->type = types[i];
	if (event->type)
		event->object = jval_ref(object);
	event->version = mem_strdup(version);
	return 0;
}

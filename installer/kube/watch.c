#include "kube/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"
#include "kube/watch_line.h"

#define WATCH_SECONDS 290
#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 2000
/* How long the server may be away before that is an error. */
#define LASTING_MS 30000

struct watch {
	struct kube *kube;
	char *path;
	char *query;
	char *version;	     /* to go on from; NULL = list first */
	struct jval *listed; /* not told yet, or NULL */
	size_t next;
	bool synced;	    /* SYNCED was told since the list */
	struct jval *known; /* namespace/name -> object: what there is */
	struct jval *lost;  /* gone while nobody watched, not told yet */
	struct http_stream *stream;
	int64_t opened; /* when */
	bool quiet;	/* no event came since */
	struct watch_lines lines;
	unsigned int failures; /* in a row */
	int64_t failing_since;
	int64_t rest_until;
};

struct watch *watch_new(struct kube *kube, const char *path, const char *query)
{
	struct watch *watch = mem_alloc(sizeof(*watch));

	watch->kube = kube;
	watch->path = mem_strdup(path);
	watch->query = mem_strdup(query);
	watch->known = jval_new_object();
	watch->lost = jval_new_array();
	watch_lines_init(&watch->lines);
	return watch;
}

static void stream_close(struct watch *watch)
{
	http_stream_close(watch->stream);
	watch->stream = NULL;
	watch_lines_clear(&watch->lines);
}

static void list_anew(struct watch *watch)
{
	stream_close(watch);
	free(watch->version);
	watch->version = NULL;
}

void watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	list_anew(watch);
	watch_lines_release(&watch->lines);
	jval_free(watch->listed);
	jval_free(watch->known);
	jval_free(watch->lost);
	free(watch->path);
	free(watch->query);
	free(watch);
}

static void pause_more(struct watch *watch)
{
	watch->failures++;
	watch->rest_until = deadline_in_ms(
		clock_backoff_ms(watch->failures, BACKOFF_MS, BACKOFF_MAX_MS));
}

/* What may pass is tried again after a rest: 0; else -1. */
static int failed(struct watch *watch, const struct err *failure,
		  struct err *err)
{
	int64_t now = clock_now_ms();

	if (watch->failing_since == 0)
		watch->failing_since = now;
	if (!failure->transient || now - watch->failing_since > LASTING_MS) {
		*err = *failure;
		return err_wrap(err, "watch '%s'", watch->path);
	}
	log_verbose("watching '%s': %s; trying again", watch->path,
		    failure->msg);
	pause_more(watch);
	return 0;
}

/* 1 when it has rested, 0 when the caller's time is over before. */
static int rest(struct watch *watch, int64_t deadline, struct err *err)
{
	int64_t until = watch->rest_until;

	if (deadline_left_ms(until) == 0)
		return 1;
	if (clock_sleep(deadline_left_ms(until < deadline ? until : deadline),
			err) < 0)
		return -1;
	return until <= deadline;
}

static void know(struct watch *watch, struct jval *object, bool there)
{
	const char *ns = object_namespace(object);
	autofree char *key =
		mem_printf("%s/%s", ns ? ns : "", object_name(object));

	if (there)
		jval_set(watch->known, key, jval_ref(object));
	else
		jval_del(watch->known, key);
}

/* What was there and is no longer listed: its DELETED was missed. */
static void find_lost(struct watch *watch)
{
	autojval struct jval *before = mem_steal(&watch->known);

	watch->known = jval_new_object();
	for (size_t i = 0; i < jval_len(watch->listed); i++)
		know(watch, jval_at(watch->listed, i), true);
	for (void *it = jval_first(before); it; it = jval_next(before, it))
		if (jval_get(watch->known, jval_member_name(it)) == NULL)
			jval_append(watch->lost,
				    jval_ref(jval_member_value(it)));
}

static int list_load(struct watch *watch, struct err *err)
{
	jval_free(watch->listed);
	watch->next = 0;
	watch->synced = false;
	watch->listed = kube_list_version(watch->kube, watch->path,
					  watch->query, &watch->version, err);
	if (watch->listed == NULL)
		return -1;
	find_lost(watch);
	return 0;
}

static int stream_open(struct watch *watch, struct err *err)
{
	struct buf auto_buf url = BUF_INIT(BUF_TEXT_MAX);

	buf_addf(&url, "%s?watch=1&allowWatchBookmarks=true&timeoutSeconds=%d",
		 watch->path, WATCH_SECONDS);
	if (watch->query)
		buf_addf(&url, "&%s", watch->query);
	kube_add_query(&url, "resourceVersion", watch->version);
	watch->stream = kube_open(watch->kube, buf_str(&url), err);
	if (watch->stream == NULL)
		return -1;
	watch->opened = clock_now_ms();
	watch->quiet = true;
	watch->failing_since = 0;
	return 0;
}

/* Streams end now and then; one that ends at once, with nothing told, may be
 * cut by something in between, which will do so again. */
static void stream_ended(struct watch *watch)
{
	stream_close(watch);
	if (watch->quiet && clock_now_ms() - watch->opened < BACKOFF_MAX_MS)
		pause_more(watch);
	else
		watch->failures = 0;
}

/* What went, the list's objects one by one, then SYNCED: 1; 0 when all is
 * told. */
static int tell_listed(struct watch *watch, const char **type,
		       struct jval **object)
{
	size_t lost = jval_len(watch->lost);

	if (lost > 0) {
		*type = "DELETED";
		*object = jval_ref(jval_at(watch->lost, lost - 1));
		jval_remove_at(watch->lost, lost - 1);
		return 1;
	}
	if (watch->listed && watch->next < jval_len(watch->listed)) {
		*type = "ADDED";
		*object = jval_ref(jval_at(watch->listed, watch->next++));
		return 1;
	}
	jval_free(watch->listed);
	watch->listed = NULL;
	if (watch->synced)
		return 0;
	watch->synced = true;
	*type = "SYNCED";
	*object = NULL;
	return 1;
}

/* One event out of its line: 1 told, 0 none for the caller, -1 not good. */
static int take_event(struct watch *watch, const char *line, size_t len,
		      const char **type, struct jval **object, struct err *err)
{
	struct watch_event event;

	if (watch_event_parse(&event, line, len, err) < 0)
		return -1;
	if (event.gone) {
		log_verbose("watching '%s': too old, listing again",
			    watch->path);
		list_anew(watch);
		pause_more(watch);
		return 0;
	}
	if (event.failed) {
		list_anew(watch);
		err_set(err, ERR_API, "the server ended it with an error");
		err->transient = true;
		return -1;
	}
	if (event.version) {
		free(watch->version);
		watch->version = event.version;
	}
	watch->quiet = false;
	watch->failures = 0;
	if (event.object == NULL)
		return 0;
	know(watch, event.object, strcmp(event.type, "DELETED") != 0);
	*type = event.type;
	*object = event.object;
	return 1;
}

/* Read on: 1 told, 0 go on (more, or ended), -2 when the time is over. */
static int stream_next(struct watch *watch, int64_t deadline, const char **type,
		       struct jval **object, struct err *err)
{
	char block[16384];
	const char *line;
	size_t len;
	ssize_t n;

	if (watch_lines_next(&watch->lines, &line, &len))
		return take_event(watch, line, len, type, object, err);
	n = http_stream_read(watch->stream, block, sizeof(block),
			     deadline_left_ms(deadline), err);
	if (n == -2)
		return -2;
	if (n < 0)
		return -1;
	if (n == 0) {
		stream_ended(watch);
		return 0;
	}
	return watch_lines_add(&watch->lines, block, (size_t)n, err);
}

/* One step: 1 told, 0 go on, -2 time is over, -1 failed. */
static int step(struct watch *watch, int64_t deadline, const char **type,
		struct jval **object, struct err *err)
{
	if (watch->version == NULL && list_load(watch, err) < 0)
		return -1;
	if ((watch->listed || !watch->synced) &&
	    tell_listed(watch, type, object))
		return 1;
	if (watch->stream == NULL && stream_open(watch, err) < 0)
		return -1;
	return stream_next(watch, deadline, type, object, err);
}

/* A step failed: 0 when another may do better. */
static int recover(struct watch *watch, const struct err *failure,
		   struct err *err)
{
	if (failure->kind == ERR_INTERRUPTED) {
		*err = *failure;
		return -1;
	}
	stream_close(watch);
	if (failure->http == 410) {
		list_anew(watch);
		pause_more(watch);
		return 0;
	}
	return failed(watch, failure, err);
}

int watch_next(struct watch *watch, int64_t timeout_ms, const char **type,
	       struct jval **object, struct err *err)
{
	int64_t deadline = deadline_in_ms(timeout_ms);

	for (;;) {
		struct err failure = ERR_INIT;
		int result = rest(watch, deadline, err);

		if (result <= 0)
			return result;
		result = step(watch, deadline, type, object, &failure);
		if (result > 0)
			return result;
		if (result == -2)
			return 0;
		if (result < 0 && recover(watch, &failure, err) < 0)
			return -1;
		if (clock_check_interrupt(err) < 0)
			return -1;
		if (deadline_left_ms(deadline) == 0)
			return 0;
	}
}

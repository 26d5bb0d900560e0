/*
 * The JSON face: one event a line, for programs.
 *
 * Text was cleaned when it came in: UTF-8 without control characters, so two
 * characters need escaping. The JSON library belongs to a layer above.
 * Source: RFC 8259, 7 "Strings".
 */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/progress_face.h"

/* For one item at most two events a second. */
#define JSON_EVERY_MS 500

static void json_add_text(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, ",\"%s\":\"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_addch(out, '\\');
		buf_addch(out, *text);
	}
	buf_addch(out, '"');
}

static void json_begin(struct buf *out, const char *event)
{
	char seconds[CLOCK_RFC3339_SIZE];
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	clock_rfc3339(seconds, sizeof(seconds), t.tv_sec);
	buf_addf(out, "{\"time\":\"%.19s.%03ldZ\",\"event\":\"%s\"", seconds,
		 t.tv_nsec / 1000000, event);
}

static void json_write(struct progress *p, struct buf *out)
{
	buf_addstr(out, "}\n");
	progress_write(p, out);
}

static void json_text_event(struct progress *p, const char *event,
			    const char *text)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	json_begin(&out, event);
	json_add_text(&out, "note", text);
	json_write(p, &out);
}

static void json_item_event(struct progress *p, const char *event,
			    struct progress_item *item, const char *note)
{
	static const char *const states[] = {
		[PROGRESS_RUNNING] = "running",
		[PROGRESS_DONE] = "done",
		[PROGRESS_SKIPPED] = "skipped",
		[PROGRESS_FAILED] = "failed",
	};
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	json_begin(&out, event);
	json_add_text(&out, "item", item->name);
	buf_addf(&out, ",\"done\":%llu,\"total\":%llu",
		 (unsigned long long)item->done,
		 (unsigned long long)item->total);
	json_add_text(&out, "unit",
		      item->unit == PROGRESS_BYTES ? "bytes" : "steps");
	json_add_text(&out, "state", states[item->state]);
	json_add_text(&out, "note", note);
	json_write(p, &out);
	item->told_ms = clock_now_ms();
	item->news = false;
}

static void json_phase(struct progress *p, const char *text)
{
	json_text_event(p, "phase", text);
}

static void json_log(struct progress *p, const char *line)
{
	json_text_event(p, "log", line);
}

static void json_start(struct progress *p, struct progress_item *item)
{
	json_item_event(p, "start", item, "");
}

static void json_end(struct progress *p, struct progress_item *item,
		     const char *text)
{
	json_item_event(p, "end", item, text);
}

static void json_tick(struct progress *p, int64_t now)
{
	for (struct progress_item *i = p->running; i; i = i->next)
		if (i->news && now - i->told_ms >= JSON_EVERY_MS)
			json_item_event(p, "progress", i, i->note);
}

const struct progress_face progress_json = {
	.tick_ms = 100,
	.phase = json_phase,
	.start = json_start,
	.end = json_end,
	.tick = json_tick,
	.log = json_log,
};

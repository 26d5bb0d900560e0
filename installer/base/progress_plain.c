/* The plain face: a line when an item ends, and now and then for a long one. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/progress_face.h"
#include "base/strs.h"

#define PLAIN_EVERY_MS 10000

/* A heading waits for the first line below it: without one it says nothing. */
struct plain {
	char *heading; /* or NULL */
};

static void *plain_new(void)
{
	return mem_alloc(sizeof(struct plain));
}

static void plain_free(void *state)
{
	struct plain *plain = state;

	free(plain->heading);
	free(plain);
}

static void plain_line(struct progress *p, const char *indent, const char *name,
		       const char *text)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	struct plain *plain = p->state;

	if (plain->heading && *indent) {
		buf_addf(&out, "%s\n", plain->heading);
		free(mem_steal(&plain->heading));
	}
	buf_addf(&out, "%s%s%s%s\n", indent, name, *name && *text ? ": " : "",
		 text);
	progress_write(p, &out);
}

static const char *plain_indent(const struct progress *p)
{
	return p->phase > 0 ? "  " : "";
}

static void plain_phase(struct progress *p, const char *text)
{
	struct plain *plain = p->state;

	free(plain->heading);
	plain->heading = mem_strdup(text);
}

static void plain_start(struct progress *p, struct progress_item *item)
{
	(void)p;
	(void)item;
}

static void plain_end(struct progress *p, struct progress_item *item,
		      const char *text)
{
	if (progress_is_news(item))
		plain_line(p, plain_indent(p), item->name, text);
}

static void plain_log(struct progress *p, const char *line)
{
	plain_line(p, "", "", line);
}

static void plain_add_bytes(const struct progress_item *item, struct buf *out)
{
	char done[24], total[24], rate[PROGRESS_RATE_SIZE];

	str_bytes(done, sizeof(done), item->done);
	str_bytes(total, sizeof(total), item->total);
	progress_rate_text(rate, sizeof(rate), &item->rate);
	buf_addstr(out, done);
	if (item->total > 0)
		buf_addf(out, " of %s (%u%%)", total,
			 progress_percent(item->done, item->total));
	if (*rate)
		buf_addf(out, ", %s", rate);
}

static void plain_tell(struct progress *p, struct progress_item *item,
		       int64_t now)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	char time[PROGRESS_TIME_SIZE];

	if (item->unit == PROGRESS_BYTES)
		plain_add_bytes(item, &out);
	else if (item->total > 1)
		buf_addf(&out, "%llu of %llu", (unsigned long long)item->done,
			 (unsigned long long)item->total);
	if (*item->note)
		buf_addf(&out, "%s%s", out.len > 0 ? ", " : "", item->note);
	progress_time(time, sizeof(time), now - item->start_ms);
	buf_addf(&out, "%s%s so far", out.len > 0 ? ", " : "", time);
	plain_line(p, plain_indent(p), item->name, buf_str(&out));
	item->told_ms = now;
}

static void plain_tick(struct progress *p, int64_t now)
{
	for (struct progress_item *i = p->running; i; i = i->next)
		if (now - i->told_ms >= PLAIN_EVERY_MS)
			plain_tell(p, i, now);
}

const struct progress_face progress_plain = {
	.tick_ms = 500,
	.new = plain_new,
	.free = plain_free,
	.phase = plain_phase,
	.start = plain_start,
	.end = plain_end,
	.tick = plain_tick,
	.log = plain_log,
};

#include "base/progress.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/progress_face.h"
#include "base/strs.h"
#include "base/utf8.h"

#define RATE_WINDOW_MS 5000
#define RATE_MIN_MS 50

void progress_write(struct progress *progress, struct buf *out)
{
	struct err err = ERR_INIT;

	/* Who closed the terminal still wants the work done. */
	if (!progress->broken && out->len > 0 &&
	    io_write_all(progress->fd, out->data, out->len, &err) < 0)
		progress->broken = true;
	buf_clear(out);
}

void progress_seconds(char *text, size_t size, int64_t seconds)
{
	long long s = seconds;

	if (s < 60)
		snprintf(text, size, "%llds", s);
	else if (s < 3600)
		snprintf(text, size, "%lldm%02llds", s / 60, s % 60);
	else
		snprintf(text, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
}

void progress_time(char *text, size_t size, int64_t ms)
{
	if (ms < 10000)
		snprintf(text, size, "%d.%ds", (int)ms / 1000,
			 (int)ms % 1000 / 100);
	else
		progress_seconds(text, size, ms / 1000);
}

void progress_rate_text(char *text, size_t size,
			const struct progress_rate *rate)
{
	char bytes[24];

	*text = '\0';
	if (rate->per_s < 1)
		return;
	str_bytes(bytes, sizeof(bytes), (uint64_t)rate->per_s);
	snprintf(text, size, "%s/s", bytes);
}

unsigned int progress_percent(uint64_t done, uint64_t total)
{
	if (done >= total)
		return 100;
	return (unsigned int)((double)done * 100 / (double)total) % 100;
}

static void rate_start(struct progress_rate *rate, int64_t now)
{
	*rate = (struct progress_rate){ .start_ms = now, .at_ms = now };
}

static void rate_update(struct progress_rate *rate, uint64_t moved, int64_t now)
{
	int64_t window = now - rate->start_ms;
	int64_t passed = now - rate->at_ms;
	double sample;

	if (passed < RATE_MIN_MS)
		return;
	if (window > RATE_WINDOW_MS)
		window = RATE_WINDOW_MS;
	if (passed > window)
		window = passed;
	sample = (double)(moved - rate->seen) * 1000 / (double)passed;
	rate->per_s += (sample - rate->per_s) * (double)passed / (double)window;
	rate->seen = moved;
	rate->at_ms = now;
}

static void progress_update_rates(struct progress *p, int64_t now)
{
	for (struct progress_item *i = p->running; i; i = i->next)
		rate_update(&i->rate, i->moved, now);
	rate_update(&p->sum.rate, p->sum.moved, now);
}

static void progress_nap(struct progress *p)
{
	int64_t ms = p->face->tick_ms;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	while (!p->stop && pthread_cond_timedwait(&p->wake, &p->lock, &t) == 0)
		;
}

static void *progress_thread(void *arg)
{
	struct progress *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		int64_t now;

		progress_nap(p);
		if (p->stop)
			break;
		now = clock_now_ms();
		progress_update_rates(p, now);
		p->face->tick(p, now);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void progress_log(const char *line, void *ctx)
{
	struct progress *p = ctx;
	autofree char *text = mem_strdup(line);

	utf8_clean(text);
	pthread_mutex_lock(&p->lock);
	p->face->log(p, text);
	pthread_mutex_unlock(&p->lock);
}

int progress_mode_parse(enum progress_mode *mode, const char *text,
			struct err *err)
{
	static const struct {
		const char *name;
		enum progress_mode mode;
	} modes[] = {
		{ "auto", PROGRESS_AUTO },   { "tty", PROGRESS_TTY },
		{ "plain", PROGRESS_PLAIN }, { "json", PROGRESS_JSON },
		{ "none", PROGRESS_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(modes[i].name, text) == 0) {
			*mode = modes[i].mode;
			return 0;
		}
	return err_set(err, ERR_USAGE,
		       "progress must be one of auto, tty, plain, json, none, "
		       "not '%s'",
		       text);
}

static const struct progress_face *progress_choose(enum progress_mode mode,
						   int fd)
{
	const char *term = getenv("TERM");
	bool dumb = str_empty(term) || strcmp(term, "dumb") == 0;

	if (mode == PROGRESS_JSON)
		return &progress_json;
	if (dumb || mode == PROGRESS_PLAIN ||
	    (mode == PROGRESS_AUTO && !isatty(fd)))
		return &progress_plain;
	return &progress_tty;
}

/* Signals are for the threads that work. */
static void progress_start_thread(struct progress *p)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&p->thread, NULL, progress_thread, p) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct progress *progress_new(enum progress_mode mode, int fd)
{
	struct progress *p;
	pthread_condattr_t attr;

	if (mode == PROGRESS_NONE)
		return NULL;
	p = mem_alloc(sizeof(*p));
	p->face = progress_choose(mode, fd);
	p->state = p->face->new ? p->face->new () : NULL;
	p->fd = fd;
	rate_start(&p->sum.rate, clock_now_ms());
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	progress_start_thread(p);
	log_set_sink(progress_log, p);
	return p;
}

static void items_free(struct progress_item *item)
{
	while (item) {
		struct progress_item *next = item->next;

		free(item->name);
		free(item->note);
		free(item);
		item = next;
	}
}

void progress_free(struct progress *p)
{
	if (p == NULL)
		return;
	log_set_sink(NULL, NULL);
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	if (p->face->finish)
		p->face->finish(p);
	if (p->face->free)
		p->face->free(p->state);
	items_free(p->running);
	items_free(p->ended);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Cleaned text, owned by the caller. */
static char *format_text(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		abort();
	utf8_clean(text);
	return text;
}

void progress_phase(struct progress *p, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list args;

	if (p == NULL)
		return;
	va_start(args, fmt);
	text = format_text(fmt, args);
	va_end(args);
	pthread_mutex_lock(&p->lock);
	p->phase++;
	p->sum = (struct progress_sum){ .nr = 0 };
	rate_start(&p->sum.rate, clock_now_ms());
	p->face->phase(p, text);
	pthread_mutex_unlock(&p->lock);
}

/* The sum that an item counts in, or NULL when its phase is over. */
static struct progress_sum *item_sum(const struct progress_item *item)
{
	struct progress *p = item->progress;

	return item->phase == p->phase ? &p->sum : NULL;
}

static void item_count_total(struct progress_item *item, uint64_t total)
{
	struct progress_sum *sum = item_sum(item);

	if (sum && item->unit == PROGRESS_BYTES)
		sum->total += total - item->total;
	item->total = total;
}

static void item_count_done(struct progress_item *item, uint64_t done)
{
	struct progress_sum *sum = item_sum(item);

	if (sum && item->unit == PROGRESS_BYTES)
		sum->done += done - item->done;
	item->done = done;
}

struct progress_item *progress_add(struct progress *p, enum progress_unit unit,
				   uint64_t total, const char *fmt, ...)
{
	struct progress_item *item, **last;
	va_list args;

	if (p == NULL)
		return NULL;
	item = mem_alloc(sizeof(*item));
	va_start(args, fmt);
	item->name = format_text(fmt, args);
	va_end(args);
	item->note = mem_strdup("");
	item->progress = p;
	item->unit = unit;
	item->start_ms = item->told_ms = clock_now_ms();
	rate_start(&item->rate, item->start_ms);
	pthread_mutex_lock(&p->lock);
	item->phase = p->phase;
	item_count_total(item, total);
	p->sum.nr++;
	for (last = &p->running; *last;)
		last = &(*last)->next;
	*last = item;
	p->face->start(p, item);
	pthread_mutex_unlock(&p->lock);
	return item;
}

/* Lock for a change of a running item; false, unlocked, when it has ended. */
static bool item_lock(struct progress_item *item)
{
	if (item == NULL)
		return false;
	pthread_mutex_lock(&item->progress->lock);
	if (item->state == PROGRESS_RUNNING) {
		item->news = true;
		return true;
	}
	pthread_mutex_unlock(&item->progress->lock);
	return false;
}

static void item_unlock(struct progress_item *item)
{
	pthread_mutex_unlock(&item->progress->lock);
}

void progress_set_total(struct progress_item *item, uint64_t total)
{
	if (!item_lock(item))
		return;
	item_count_total(item, total);
	item_unlock(item);
}

void progress_advance(struct progress_item *item, uint64_t by)
{
	struct progress_sum *sum;

	if (!item_lock(item))
		return;
	item_count_done(item, item->done + by);
	item->moved += by;
	sum = item_sum(item);
	if (sum && item->unit == PROGRESS_BYTES)
		sum->moved += by;
	item_unlock(item);
}

void progress_reset(struct progress_item *item, uint64_t done)
{
	if (!item_lock(item))
		return;
	item_count_done(item, done);
	item_unlock(item);
}

void progress_note(struct progress_item *item, const char *fmt, ...)
{
	char *text;
	va_list args;

	if (item == NULL)
		return;
	va_start(args, fmt);
	text = format_text(fmt, args);
	va_end(args);
	if (!item_lock(item)) {
		free(text);
		return;
	}
	free(item->note);
	item->note = text;
	item_unlock(item);
}

bool progress_is_news(const struct progress_item *item)
{
	return item->state != PROGRESS_SKIPPED ||
	       item->unit != PROGRESS_STEPS || log_enabled(LOG_VERBOSE);
}

/* "pushed 95.4 MiB in 3.1s", "already there", "ready in 12s". */
static char *item_outcome(const struct progress_item *item, const char *note)
{
	static const char *const words[] = {
		[PROGRESS_RUNNING] = "",
		[PROGRESS_DONE] = "done",
		[PROGRESS_SKIPPED] = "already there",
		[PROGRESS_FAILED] = "failed",
	};
	int64_t took = clock_now_ms() - item->start_ms;
	char bytes[24], time[PROGRESS_TIME_SIZE];
	bool sent = item->unit == PROGRESS_BYTES && item->moved > 0;

	if (str_empty(note))
		note = words[item->state];
	if (item->state != PROGRESS_DONE || (!sent && took < 1000))
		return mem_strdup(note);
	progress_time(time, sizeof(time), took);
	if (!sent)
		return mem_printf("%s in %s", note, time);
	str_bytes(bytes, sizeof(bytes), item->moved);
	return mem_printf("%s %s in %s", note, bytes, time);
}

static void item_unlink(struct progress_item *item)
{
	struct progress *p = item->progress;
	struct progress_item **at = &p->running;

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	/* Kept: somebody late may still hold it. */
	item->next = p->ended;
	p->ended = item;
}

void progress_end(struct progress_item *item, enum progress_state state,
		  const char *note)
{
	autofree char *text = NULL;
	struct progress_sum *sum;

	if (!item_lock(item))
		return;
	item->state = state;
	text = item_outcome(item, note);
	utf8_clean(text);
	/* What was not needed is done too. */
	if (item->done > item->total)
		item_count_total(item, item->done);
	if (state != PROGRESS_FAILED)
		item_count_done(item, item->total);
	sum = item_sum(item);
	if (sum)
		sum->ended++;
	item_unlink(item);
	item->progress->face->end(item->progress, item, text);
	item_unlock(item);
}

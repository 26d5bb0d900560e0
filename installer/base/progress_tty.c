/*
 * The terminal face: a few lines at the bottom that move, above them what is
 * finished.
 *
 * A frame is one write: what became permanent since the last one, then the
 * lines of running items and the overall bar, over those of the last frame.
 * The cursor rests below, so that anything else that writes or dies leaves a
 * sane terminal; nothing is hidden or switched that would need undoing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/progress_face.h"
#include "base/strs.h"
#include "base/utf8.h"

#define LINES_MAX 16 /* of the moving part */
#define COLUMNS_MAX 110
#define BAR_MIN 6
#define BAR_MAX 30
/* After the bar: "  61%  102.3 MiB/s" and "  12m05s left". */
#define STATS_COLUMNS 18
#define EXTRA_COLUMNS 13

#define BOLD "1"
#define DIM "2"
#define RED "31"
#define GREEN "32"
#define YELLOW "33"
#define CYAN "36"

struct symbols {
	const char *spinner[10];
	size_t spinner_nr;
	const char *mark[4]; /* by state */
	const char *bar_full, *bar_half, *bar_rest;
	const char *more;
};

static const struct symbols symbols_utf8 = {
	.spinner = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" },
	.spinner_nr = 10,
	.mark = { " ", "✓", "•", "✗" },
	.bar_full = "━",
	.bar_half = "╸",
	.bar_rest = "─",
	.more = "…",
};

static const struct symbols symbols_ascii = {
	.spinner = { "|", "/", "-", "\\" },
	.spinner_nr = 4,
	.mark = { " ", "+", "=", "!" },
	.bar_full = "#",
	.bar_half = "-",
	.bar_rest = "-",
	.more = "~",
};

struct tty {
	const struct symbols *symbols;
	bool color;
	struct buf pending;	     /* permanent lines, not yet written */
	struct buf frame;	     /* what is being made */
	size_t drawn[LINES_MAX + 2]; /* columns of each moving line */
	size_t nr_drawn;
	size_t columns, rows; /* of the terminal */
	size_t name_columns;
	unsigned int turn; /* of the spinner */
};

/* A line under construction: clipped to the terminal. */
struct line {
	const struct tty *tty;
	struct buf *out;
	size_t used;
};

static void line_add(struct line *line, const char *style, const char *text)
{
	size_t width = utf8_width(text);
	size_t room = line->tty->columns - 1 - line->used;
	bool styled = line->tty->color && style;

	if (width == 0 || room == 0)
		return;
	if (styled)
		buf_addf(line->out, "\033[%sm", style);
	if (width <= room) {
		buf_addstr(line->out, text);
		line->used += width;
	} else {
		buf_add(line->out, text, utf8_prefix(text, room - 1));
		buf_addstr(line->out, line->tty->symbols->more);
		line->used += room;
	}
	if (styled)
		buf_addstr(line->out, "\033[m");
}

/* `text` in exactly `width` columns (0 = its own), and two blanks. */
static void line_add_cell(struct line *line, const char *style,
			  const char *text, size_t width)
{
	size_t has = utf8_width(text);
	autofree char *clipped = NULL;
	autofree char *blanks = NULL;

	if (width == 0)
		width = has;
	if (has > width) {
		size_t len = utf8_prefix(text, width - 1);

		clipped = mem_printf("%.*s%s", (int)len, text,
				     line->tty->symbols->more);
		has = width;
	}
	line_add(line, style, clipped ? clipped : text);
	blanks = mem_printf("%*s", (int)(width - has + 2), "");
	line_add(line, NULL, blanks);
}

static void line_add_bar(struct line *line, uint64_t done, uint64_t total,
			 size_t width)
{
	const struct symbols *symbols = line->tty->symbols;
	auto_buf struct buf full = BUF_INIT(BUF_TEXT_MAX);
	auto_buf struct buf rest = BUF_INIT(BUF_TEXT_MAX);
	double part = total ? (double)done / (double)total : 0;
	size_t halves = (size_t)((part > 1 ? 1 : part) * (double)width * 2);

	for (size_t i = 0; i < width; i++) {
		if (i < halves / 2)
			buf_addstr(&full, symbols->bar_full);
		else if (i == halves / 2 && halves % 2)
			buf_addstr(&full, symbols->bar_half);
		else
			buf_addstr(&rest, symbols->bar_rest);
	}
	line_add(line, CYAN, buf_str(&full));
	line_add(line, DIM, buf_str(&rest));
}

static size_t tty_bar_columns(const struct tty *tty)
{
	size_t taken =
		2 + tty->name_columns + 2 + STATS_COLUMNS + EXTRA_COLUMNS;
	size_t room = tty->columns > 1 + taken ? tty->columns - 1 - taken : 0;

	if (room < BAR_MIN)
		return BAR_MIN;
	return room > BAR_MAX ? BAR_MAX : room;
}

static void line_add_stats(struct line *line, uint64_t done, uint64_t total,
			   const struct progress_rate *rate)
{
	char text[64], speed[PROGRESS_RATE_SIZE] = "";

	line_add_bar(line, done, total, tty_bar_columns(line->tty));
	if (rate)
		progress_rate_text(speed, sizeof(speed), rate);
	snprintf(text, sizeof(text), " %3u%%  ", progress_percent(done, total));
	line_add(line, NULL, text);
	snprintf(text, sizeof(text), "%11s", speed);
	line_add(line, DIM, text);
}

/* "95.4 of 156.0 MiB" */
static void amount_text(char *text, size_t size, uint64_t done, uint64_t total)
{
	char a[24], b[24];

	str_bytes(a, sizeof(a), done);
	str_bytes(b, sizeof(b), total);
	/* The unit once, where it is the same. */
	if (str_eq(strchr(a, ' '), strchr(b, ' ')))
		*strchr(a, ' ') = '\0';
	snprintf(text, size, "%s of %s", a, b);
}

static void line_add_note(struct line *line, const struct progress_item *item,
			  int64_t now)
{
	char time[PROGRESS_TIME_SIZE];

	if (*item->note)
		line_add(line, NULL, item->note);
	if (item->unit == PROGRESS_BYTES || now - item->start_ms < 2000)
		return;
	progress_seconds(time, sizeof(time), (now - item->start_ms) / 1000);
	line_add(line, NULL, *item->note ? "  " : "");
	line_add(line, DIM, time);
}

static void line_add_item(struct line *line, const struct progress_item *item,
			  int64_t now)
{
	const struct symbols *symbols = line->tty->symbols;
	char amount[64];

	line_add(line, CYAN,
		 symbols->spinner[line->tty->turn % symbols->spinner_nr]);
	line_add(line, NULL, " ");
	line_add_cell(line, NULL, item->name, line->tty->name_columns);
	if (item->unit == PROGRESS_BYTES && item->total > 0) {
		line_add_stats(line, item->done, item->total, &item->rate);
		amount_text(amount, sizeof(amount), item->done, item->total);
		line_add(line, NULL, "  ");
		/* All of it or nothing. */
		if (*item->note == '\0' &&
		    line->used + strlen(amount) < line->tty->columns)
			line_add(line, DIM, amount);
	} else if (item->unit == PROGRESS_BYTES && item->done > 0) {
		str_bytes(amount, sizeof(amount), item->done);
		line_add_cell(line, NULL, amount, 10);
	} else if (item->total > 1 && *item->note == '\0') {
		snprintf(amount, sizeof(amount), "%llu of %llu",
			 (unsigned long long)item->done,
			 (unsigned long long)item->total);
		line_add_cell(line, NULL, amount, 0);
	}
	line_add_note(line, item, now);
}

static void line_add_left(struct line *line, const struct progress_sum *sum,
			  int64_t now)
{
	char time[PROGRESS_TIME_SIZE], text[48];
	double seconds;

	/* The first second knows nothing of the next ones. */
	if (sum->rate.per_s < 1 || sum->done >= sum->total ||
	    now - sum->rate.start_ms < 1000)
		return;
	seconds = (double)(sum->total - sum->done) / sum->rate.per_s;
	if (seconds > 99 * 3600)
		return;
	progress_seconds(time, sizeof(time), (int64_t)seconds + 1);
	snprintf(text, sizeof(text), "  %s left", time);
	line_add(line, NULL, text);
}

static void line_add_sum(struct line *line, const struct progress_sum *sum,
			 int64_t now)
{
	char text[64];

	line_add(line, NULL, "  ");
	if (sum->total > 0) {
		amount_text(text, sizeof(text), sum->done, sum->total);
		line_add_cell(line, BOLD, text, line->tty->name_columns);
		line_add_stats(line, sum->done, sum->total, &sum->rate);
		line_add_left(line, sum, now);
		return;
	}
	snprintf(text, sizeof(text), "%zu of %zu", sum->ended, sum->nr);
	line_add_cell(line, BOLD, text, line->tty->name_columns);
	line_add_stats(line, sum->ended, sum->nr, NULL);
}

/* What does not fit, in one line. */
static void line_add_others(struct line *line, const struct progress_item *item)
{
	uint64_t done = 0, total = 0;
	char text[64], amount[64] = "";
	size_t nr = 0;

	for (; item; item = item->next) {
		nr++;
		if (item->unit == PROGRESS_BYTES) {
			done += item->done;
			total += item->total;
		}
	}
	snprintf(text, sizeof(text), "  %zu more", nr);
	line_add_cell(line, DIM, text, 2 + line->tty->name_columns);
	if (total > 0)
		amount_text(amount, sizeof(amount), done, total);
	line_add(line, DIM, amount);
}

static void tty_measure(struct progress *p, struct tty *tty)
{
	struct winsize size = { 0 };
	size_t widest = 12, most;

	if (ioctl(p->fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	tty->columns = size.ws_col < 20 ? 20 : size.ws_col;
	tty->rows = size.ws_row;
	if (tty->columns > COLUMNS_MAX)
		tty->columns = COLUMNS_MAX;
	for (struct progress_item *i = p->running; i; i = i->next)
		if (utf8_width(i->name) > widest)
			widest = utf8_width(i->name);
	/* "1023.9 MiB of 1023.9 GiB" of the overall line belongs here too. */
	if (p->sum.total > 0 && widest < 20)
		widest = 20;
	most = tty->columns * 2 / 5;
	if (widest > most)
		widest = most;
	/* It never shrinks while lines of the phase are looked at. */
	if (widest > tty->name_columns || tty->name_columns > most)
		tty->name_columns = widest;
}

/* Move up to the first line of the last frame, which a terminal that became
 * narrower has broken into more. */
static void tty_go_back(struct tty *tty)
{
	size_t up = 0;

	for (size_t i = 0; i < tty->nr_drawn; i++)
		up += tty->drawn[i] <= tty->columns ?
			      1 :
			      (tty->drawn[i] + tty->columns - 1) / tty->columns;
	if (up > 0)
		buf_addf(&tty->frame, "\033[%zuA", up);
	if (tty->nr_drawn > 0)
		buf_addstr(&tty->frame, "\r");
	tty->nr_drawn = 0;
}

static struct line tty_line(struct tty *tty)
{
	return (struct line){ .tty = tty, .out = &tty->frame };
}

static void tty_end_line(struct tty *tty, const struct line *line)
{
	buf_addstr(&tty->frame, "\033[K\n");
	tty->drawn[tty->nr_drawn++] = line->used;
}

static void tty_draw_items(struct progress *p, struct tty *tty, int64_t now)
{
	size_t room = tty->rows > 6 ? tty->rows - 5 : 1, nr = 0;
	struct line line;

	if (room > LINES_MAX)
		room = LINES_MAX;
	for (struct progress_item *i = p->running; i; i = i->next)
		nr++;
	for (struct progress_item *i = p->running; i; i = i->next, room--) {
		bool others = room == 1 && nr > 1;

		line = tty_line(tty);
		if (others)
			line_add_others(&line, i);
		else
			line_add_item(&line, i, now);
		tty_end_line(tty, &line);
		if (others)
			break;
		nr--;
	}
}

static void tty_frame(struct progress *p, bool last)
{
	struct tty *tty = p->state;
	size_t before = tty->nr_drawn;
	int64_t now = clock_now_ms();

	tty_measure(p, tty);
	tty_go_back(tty);
	buf_add(&tty->frame, buf_str(&tty->pending), tty->pending.len);
	buf_clear(&tty->pending);
	tty_draw_items(p, tty, now);
	if (p->running && !last && (p->sum.total > 0 || p->sum.nr > 1)) {
		struct line line = tty_line(tty);

		line_add_sum(&line, &p->sum, now);
		tty_end_line(tty, &line);
	}
	if (before > 0)
		buf_addstr(&tty->frame, "\033[J");
	progress_write(p, &tty->frame);
}

static void tty_tick(struct progress *p, int64_t now)
{
	struct tty *tty = p->state;

	(void)now;
	tty->turn++;
	if (p->running || tty->nr_drawn > 0 || tty->pending.len > 0)
		tty_frame(p, false);
}

static void tty_finish(struct progress *p)
{
	struct tty *tty = p->state;

	if (p->running || tty->nr_drawn > 0 || tty->pending.len > 0)
		tty_frame(p, true);
}

static void tty_add(struct tty *tty, const char *style, const char *text)
{
	if (tty->color && style)
		buf_addf(&tty->pending, "\033[%sm%s\033[m", style, text);
	else
		buf_addstr(&tty->pending, text);
}

static void tty_end_pending(struct tty *tty)
{
	buf_addstr(&tty->pending, "\033[K\n");
}

static void tty_phase(struct progress *p, const char *text)
{
	struct tty *tty = p->state;

	tty->name_columns = 0;
	tty_add(tty, BOLD, text);
	tty_end_pending(tty);
}

static void tty_start(struct progress *p, struct progress_item *item)
{
	(void)p;
	(void)item;
}

static void tty_end(struct progress *p, struct progress_item *item,
		    const char *text)
{
	static const char *const styles[] = {
		[PROGRESS_DONE] = GREEN,
		[PROGRESS_SKIPPED] = DIM,
		[PROGRESS_FAILED] = RED,
	};
	struct tty *tty = p->state;
	bool failed = item->state == PROGRESS_FAILED;
	size_t width = utf8_width(item->name);
	size_t pad = width < tty->name_columns ? tty->name_columns - width : 0;

	if (!progress_is_news(item))
		return;
	tty_add(tty, styles[item->state], tty->symbols->mark[item->state]);
	buf_addf(&tty->pending, " %s%*s", item->name, (int)pad + 2, "");
	tty_add(tty, failed ? RED : DIM, text);
	tty_end_pending(tty);
}

static void tty_log(struct progress *p, const char *line)
{
	struct tty *tty = p->state;
	const char *text = str_after(line, "warning:");

	if (text)
		tty_add(tty, YELLOW, "warning:");
	buf_addstr(&tty->pending, text ? text : line);
	tty_end_pending(tty);
}

static void *tty_new(void)
{
	struct tty *tty = mem_alloc(sizeof(*tty));

	tty->symbols = utf8_locale() ? &symbols_utf8 : &symbols_ascii;
	tty->color = str_empty(getenv("NO_COLOR"));
	buf_init(&tty->pending, BUF_TEXT_MAX);
	buf_init(&tty->frame, BUF_TEXT_MAX);
	return tty;
}

static void tty_free(void *state)
{
	struct tty *tty = state;

	buf_release(&tty->pending);
	buf_release(&tty->frame);
	free(tty);
}

const struct progress_face progress_tty = {
	.tick_ms = 100,
	.new = tty_new,
	.free = tty_free,
	.phase = tty_phase,
	.start = tty_start,
	.end = tty_end,
	.tick = tty_tick,
	.log = tty_log,
	.finish = tty_finish,
};

#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/strs.h"

/* What was written to `fd`, from its start. */
static char *written(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = mem_alloc((size_t)len + 1);

	assert_int_equal(pread(fd, text, (size_t)len, 0), len);
	close(fd);
	return text;
}

static int set_up(void **state)
{
	(void)state;
	setenv("TERM", "xterm", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	unsetenv("NO_COLOR");
	return 0;
}

static void progress_mode_is_parsed(void **state)
{
	struct err err = ERR_INIT;
	enum progress_mode mode;

	(void)state;
	assert_done(progress_mode_parse(&mode, "json", &err) == 0, &err);
	assert_int_equal(mode, PROGRESS_JSON);
	assert_int_equal(progress_mode_parse(&mode, "loud", &err), -1);
	assert_error(&err, ERR_USAGE, "tty, plain, json, none, not 'loud'");
}

static void progress_none_and_null_do_nothing(void **state)
{
	struct progress *p = progress_new(PROGRESS_NONE, 2);
	struct progress_item *item;

	(void)state;
	assert_null(p);
	progress_phase(p, "phase");
	item = progress_add(p, PROGRESS_STEPS, 0, "item");
	progress_set_total(item, 1);
	progress_advance(item, 1);
	progress_reset(item, 0);
	progress_note(item, "note");
	progress_end(item, PROGRESS_DONE, NULL);
	progress_free(p);
}

/* One of each outcome. */
static void play(struct progress *p)
{
	struct progress_item *blob, *pods;

	progress_phase(p, "Pushing to %s", "registry.local");
	blob = progress_add(p, PROGRESS_BYTES, 0, "dws:%s", "0.0.20");
	progress_set_total(blob, 3 << 20);
	progress_advance(blob, 1 << 20);
	progress_reset(blob, 0);
	progress_advance(blob, 3 << 20);
	progress_end(blob, PROGRESS_DONE, "pushed");
	progress_advance(blob, 1); /* too late, and harmless */
	progress_end(blob, PROGRESS_FAILED, "too late");
	blob = progress_add(p, PROGRESS_BYTES, 99, "config");
	progress_end(blob, PROGRESS_SKIPPED, NULL);
	log_warn("a \"quoted\" word\033[2J");
	pods = progress_add(p, PROGRESS_STEPS, 3, "pods");
	progress_note(pods, "%d of 3", 1);
	progress_end(pods, PROGRESS_FAILED, "evil \033]0;title\a\nname");
}

static void progress_plain_tells_each_end(void **state)
{
	int fd = unit_file("", 0);
	struct progress *p = progress_new(PROGRESS_AUTO, fd);
	autofree char *text = NULL;

	(void)state;
	play(p);
	progress_free(p);
	text = written(fd);
	assert_string_equal(text, "Pushing to registry.local\n"
				  "  dws:0.0.20: pushed 4.0 MiB in 0.0s\n"
				  "  config: already there\n"
				  "warning: a \"quoted\" word?[2J\n"
				  "  pods: evil ?]0;title? name\n");
}

static void progress_json_is_an_event_a_line(void **state)
{
	int fd = unit_file("", 0);
	struct progress *p = progress_new(PROGRESS_JSON, fd);
	autofree char *text = NULL;
	auto_strs struct strs lines = STRS_INIT;

	(void)state;
	play(p);
	progress_free(p);
	text = written(fd);
	strs_split(&lines, text, '\n');
	assert_int_equal(lines.nr, 8);
	for (size_t i = 0; i < lines.nr; i++) {
		assert_true(str_starts(lines.item[i], "{\"time\":\"2"));
		assert_true(str_ends(lines.item[i], "\"}"));
	}
	assert_non_null(strstr(lines.item[0], "\"event\":\"phase\",\"note\":"
					      "\"Pushing to registry.local\""));
	assert_non_null(strstr(lines.item[1], "\"event\":\"start\",\"item\":"
					      "\"dws:0.0.20\",\"done\":0"));
	assert_non_null(strstr(lines.item[2],
			       "\"event\":\"end\",\"item\":\"dws:0.0.20\","
			       "\"done\":3145728,\"total\":3145728,"
			       "\"unit\":\"bytes\",\"state\":\"done\""));
	assert_non_null(strstr(lines.item[4], "\"state\":\"skipped\""));
	assert_non_null(strstr(lines.item[5], "a \\\"quoted\\\" word?[2J"));
	assert_non_null(strstr(lines.item[7], "\"state\":\"failed\""));
}

static void progress_json_tells_at_most_twice_a_second(void **state)
{
	int fd = unit_file("", 0);
	struct progress *p = progress_new(PROGRESS_JSON, fd);
	struct progress_item *item = progress_add(p, PROGRESS_STEPS, 99, "x");
	autofree char *text = NULL;
	size_t nr = 0;

	(void)state;
	for (int i = 0; i < 60; i++) {
		progress_advance(item, 1);
		usleep(20000);
	}
	progress_free(p);
	text = written(fd);
	for (char *at = text; (at = strstr(at, "\"progress\"")); at++)
		nr++;
	assert_in_range(nr, 1, 3);
}

static void progress_tty_keeps_what_is_finished(void **state)
{
	int fd = unit_file("", 0);
	struct progress *p = progress_new(PROGRESS_TTY, fd);
	struct progress_item *item;
	autofree char *text = NULL;

	(void)state;
	play(p);
	item = progress_add(p, PROGRESS_BYTES, 1000, "still %s", "running");
	progress_advance(item, 500);
	progress_free(p);
	text = written(fd);
	assert_non_null(strstr(text, "\033[1mPushing to registry.local\033[m"));
	assert_non_null(strstr(text, "\033[32m✓\033[m dws:0.0.20"));
	assert_non_null(strstr(text, "\033[31m✗\033[m pods"));
	assert_non_null(strstr(text, "\033[33mwarning:\033[m a \"quoted\""));
	assert_non_null(strstr(text, "still running"));
	assert_non_null(strstr(text, "  50%"));
	assert_null(strstr(text, "\033[2J"));
	assert_null(strstr(text, "\a"));
	assert_true(str_ends(text, "\n"));
}

static void progress_tty_without_color_or_utf8_is_plain_ascii(void **state)
{
	int fd = unit_file("", 0);
	struct progress *p;
	autofree char *text = NULL;

	(void)state;
	setenv("NO_COLOR", "1", 1);
	setenv("LC_ALL", "C", 1);
	p = progress_new(PROGRESS_TTY, fd);
	play(p);
	progress_free(p);
	text = written(fd);
	assert_non_null(strstr(text, "+ dws:0.0.20  pushed 4.0 MiB"));
	for (const char *c = text; *c; c++)
		assert_true((unsigned char)*c < 0x80);
	for (const char *c = text; (c = strchr(c, '\033')); c++)
		assert_true(c[strcspn(c, "mKJA")] != 'm');
}

static void progress_on_a_dumb_terminal_is_plain(void **state)
{
	int fd = unit_file("", 0);
	struct progress *p;
	autofree char *text = NULL;

	(void)state;
	setenv("TERM", "dumb", 1);
	p = progress_new(PROGRESS_TTY, fd);
	play(p);
	progress_free(p);
	text = written(fd);
	assert_null(strchr(text, '\033'));
}

/* Lines of the frames that came out of `master`, each no wider than it. */
static void check_width(int master, size_t width)
{
	char block[65536];
	ssize_t len = read(master, block, sizeof(block) - 1);
	size_t column = 0;

	assert_true(len > 0);
	block[len] = '\0';
	for (const char *c = block; *c; c++) {
		if (*c == '\033')
			c += strcspn(c, "mKJA");
		else if (*c == '\n' || *c == '\r')
			column = 0;
		else
			column += ((unsigned char)*c & 0xc0) != 0x80;
		assert_true(column < width);
	}
}

static void progress_tty_fits_the_window(void **state)
{
	struct winsize size = { .ws_row = 8, .ws_col = 50 };
	struct progress *p;
	int master, slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	p = progress_new(PROGRESS_AUTO, slave);
	for (int i = 0; i < 40; i++)
		progress_note(progress_add(p, PROGRESS_BYTES, 1 << 30,
					   "an item with a long name, %d", i),
			      "and a note that is even longer");
	usleep(250000);
	check_width(master, 50);
	progress_free(p);
	close(slave);
	close(master);
}

static void progress_survives_a_closed_terminal(void **state)
{
	int ends[2];
	struct progress *p;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	p = progress_new(PROGRESS_PLAIN, ends[1]);
	play(p);
	progress_free(p);
	close(ends[1]);
}

static void *worker(void *arg)
{
	struct progress *p = arg;

	for (int i = 0; i < 50; i++) {
		struct progress_item *item =
			progress_add(p, PROGRESS_BYTES, 1000, "item %d", i);

		for (int k = 0; k < 10; k++) {
			progress_advance(item, 100);
			progress_note(item, "part %d", k);
		}
		log_info("line %d", i);
		usleep(1000);
		progress_end(item, PROGRESS_DONE, NULL);
	}
	return NULL;
}

static void progress_serves_many_threads(void **state)
{
	static const enum progress_mode modes[] = {
		PROGRESS_TTY,
		PROGRESS_PLAIN,
		PROGRESS_JSON,
	};
	pthread_t thread[8];

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		int fd = unit_file("", 0);
		struct progress *p = progress_new(modes[m], fd);
		autofree char *text = NULL;
		size_t nr = 0;

		for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
			assert_int_equal(
				pthread_create(&thread[i], NULL, worker, p), 0);
		progress_phase(p, "a phase in between");
		for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
			pthread_join(thread[i], NULL);
		progress_free(p);
		text = written(fd);
		for (char *at = text; (at = strstr(at, "done 1000 B")); at++)
			nr++;
		assert_int_equal(nr, 400);
	}
}

#define test(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(progress_mode_is_parsed),
		test(progress_none_and_null_do_nothing),
		test(progress_plain_tells_each_end),
		test(progress_json_is_an_event_a_line),
		test(progress_json_tells_at_most_twice_a_second),
		test(progress_tty_keeps_what_is_finished),
		test(progress_tty_without_color_or_utf8_is_plain_ascii),
		test(progress_on_a_dumb_terminal_is_plain),
		test(progress_tty_fits_the_window),
		test(progress_survives_a_closed_terminal),
		test(progress_serves_many_threads),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}

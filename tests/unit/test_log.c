#include "unit.h"

#include "base/log.h"
#include "base/strs.h"

static void show(const char *line, void *ctx)
{
	strs_add(ctx, line);
}

static void listen(enum log_level level, const char *text, void *ctx)
{
	strs_addf(ctx, "%d %s", (int)level, text);
}

static void say_all(void)
{
	log_warn("w %d", 1);
	log_info("i");
	log_verbose("v");
	log_debug("d");
}

static void assert_said(struct strs *said, const char *expected)
{
	char *all = strs_join(said, "|");

	assert_string_equal(all, expected);
	free(all);
	strs_clear(said);
}

static void log_listener_hears_what_is_not_shown_up_to_verbose(void **state)
{
	struct strs auto_strs shown = STRS_INIT;
	struct strs auto_strs heard = STRS_INIT;

	(void)state;
	log_set_sink(show, &shown);
	log_set_listener(listen, &heard);
	log_set_level(LOG_QUIET);
	say_all();
	assert_said(&shown, "warning: w 1");
	assert_said(&heard, "0 w 1|1 i|2 v");
	log_set_level(LOG_DEBUG);
	say_all();
	assert_said(&shown, "warning: w 1|i|v|debug: d");
	assert_said(&heard, "0 w 1|1 i|2 v");
	log_set_listener(NULL, NULL);
	say_all();
	assert_said(&heard, "");
	log_set_sink(NULL, NULL);
	log_set_level(LOG_INFO);
}

static void log_gives_clean_text_to_both(void **state)
{
	struct strs auto_strs shown = STRS_INIT;
	struct strs auto_strs heard = STRS_INIT;

	(void)state;
	log_set_sink(show, &shown);
	log_set_listener(listen, &heard);
	log_info("a\033[31m\xff");
	assert_said(&shown, "a?[31m?");
	assert_said(&heard, "1 a?[31m?");
	log_set_listener(NULL, NULL);
	log_set_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			log_listener_hears_what_is_not_shown_up_to_verbose),
		cmocka_unit_test(log_gives_clean_text_to_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

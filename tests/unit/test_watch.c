/* The part of watch.c that needs no server: watch_line.c. */
#include "unit.h"

#include "base/mem.h"
#include "kube/watch_line.h"

static void watch_lines_cuts_what_comes_in_any_pieces(void **state)
{
	static const char text[] = "one\n\ntwo three\nfour";
	struct err err = ERR_INIT;

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		struct buf auto_buf got = BUF_INIT(100);
		struct watch_lines lines;
		const char *line;
		size_t len;

		watch_lines_init(&lines);
		for (size_t at = 0; at < sizeof(text) - 1; at += size) {
			size_t left = sizeof(text) - 1 - at;

			assert_done(watch_lines_add(&lines, text + at,
						    left < size ? left : size,
						    &err) == 0,
				    &err);
			while (watch_lines_next(&lines, &line, &len))
				buf_addf(&got, "[%.*s]", (int)len, line);
		}
		assert_string_equal(buf_str(&got), "[one][two three]");
		assert_int_equal(watch_lines_add(&lines, "\n", 1, &err), 0);
		assert_true(watch_lines_next(&lines, &line, &len));
		assert_int_equal(len, 4);
		watch_lines_release(&lines);
	}
}

static void watch_lines_refuses_a_line_without_end(void **state)
{
	size_t size = WATCH_LINE_MAX_BYTES / 2 + 1;
	char *block = mem_alloc(size);
	struct watch_lines lines;
	struct err err = ERR_INIT;

	(void)state;
	memset(block, 'x', size);
	watch_lines_init(&lines);
	assert_int_equal(watch_lines_add(&lines, block, size, &err), 0);
	assert_int_equal(watch_lines_add(&lines, block, size, &err), -1);
	assert_error(&err, ERR_API, "longer than");
	watch_lines_release(&lines);
	free(block);
}

static int parse(struct watch_event *event, const char *line, struct err *err)
{
	return watch_event_parse(event, line, strlen(line), err);
}

static void watch_event_parse_knows_each_type(void **state)
{
	struct watch_event event;
	struct err err = ERR_INIT;

	(void)state;
	assert_done(
		parse(&event,
		      "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}",
		      &err) == 0,
		&err);
	assert_string_equal(event.type, "MODIFIED");
	assert_string_equal(event.version, "7");
	assert_non_null(event.object);
	jval_free(event.object);
	free(event.version);

	assert_done(
		parse(&event,
		      "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"8\"}}}",
		      &err) == 0,
		&err);
	assert_null(event.object);
	assert_string_equal(event.version, "8");
	free(event.version);

	assert_done(parse(&event,
			  "{\"type\":\"ERROR\",\"object\":{\"code\":410}}",
			  &err) == 0,
		    &err);
	assert_true(event.gone);
	assert_done(parse(&event,
			  "{\"type\":\"ERROR\",\"object\":{\"code\":500}}",
			  &err) == 0,
		    &err);
	assert_true(event.failed && !event.gone);
}

static void watch_event_parse_refuses_what_is_none(void **state)
{
	struct watch_event event;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse(&event, "<html>", &err), -1);
	assert_error(&err, ERR_API, "event of the watch");
	assert_int_equal(parse(&event, "{\"type\":\"ADDED\"}", &err), -1);
	assert_error(&err, ERR_API, "no type or object");
	assert_int_equal(parse(&event, "[]", &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watch_lines_cuts_what_comes_in_any_pieces),
		cmocka_unit_test(watch_lines_refuses_a_line_without_end),
		cmocka_unit_test(watch_event_parse_knows_each_type),
		cmocka_unit_test(watch_event_parse_refuses_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

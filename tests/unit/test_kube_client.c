/* How the API server is asked, and how often: client.c, list.c, watch.c. */
#include "unit.h"

#include "base/clock.h"
#include "kube/object.h"
#include "kube/watch.h"
#include "kube_fixture.h"

/* A body whose end the server tells, as that of a watch. */
#define STREAM "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define END "0\r\n\r\n"
#define LISTED(items)                                  \
	"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" \
	"{\"kind\":\"PodList\",\"apiVersion\":\"v1\"," \
	"\"metadata\":{\"resourceVersion\":\"7\"},"    \
	"\"items\":[" items "]}"
#define POD(name) "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"n\"}}"
#define FAILED(message)                                                   \
	"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n" \
	"{\"kind\":\"Status\",\"message\":\"" message "\"}"
#define WEBHOOK "failed calling webhook \\\"w\\\": "
#define DONE "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}"

static void kube_list_names_asks_for_metadata_only(void **state)
{
	static const char *const answers[] = { LISTED(POD("a") "," POD("b")) };
	struct jval *names;
	struct kube_fixture self;

	(void)state;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	names = kube_list_names(self.kube, "/apis/x/v1/crds", "q=1", &self.err);
	assert_done(names != NULL, &self.err);
	kube_fixture_stop(&self);
	assert_int_equal(jval_len(names), 2);
	assert_string_equal(object_name(jval_at(names, 1)), "b");
	assert_string_equal(self.server.asked.item[0],
			    "GET /apis/x/v1/crds?limit=500&q=1 0");
	assert_non_null(strstr(
		self.server.heads.item[0],
		"Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json\r\n"));
	jval_free(names);
	kube_fixture_end(&self);
}

#define PAGE(items, next)                              \
	"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" \
	"{\"kind\":\"PodList\",\"apiVersion\":\"v1\"," \
	"\"metadata\":{"                               \
	"\"continue\":\"" next "\"},\"items\":[" items "]}"
/* As the server offers to go on without regard for what moved. */
#define EXPIRED                                                     \
	"HTTP/1.1 410 Gone\r\nConnection: close\r\n\r\n"            \
	"{\"kind\":\"Status\",\"reason\":\"Expired\",\"code\":410," \
	"\"message\":\"too old\",\"metadata\":{\"continue\":\"x\"}}"

static int visit(void *ctx, struct jval *object, struct err *err)
{
	(void)err;
	strs_add(ctx, object_name(object));
	return str_eq(object_name(object), "stop") ? -2 : 0;
}

static int visit_anew(void *ctx, struct err *err)
{
	(void)err;
	strs_add(ctx, "anew");
	return 0;
}

static void
kube_list_each_tells_pages_and_begins_anew_when_they_expire(void **state)
{
	static const char *const answers[] = {
		PAGE(POD("a"), "t0"), PAGE(POD("a"), "t1"), EXPIRED,
		PAGE(POD("a"), "t2"), PAGE(POD("b"), "t3"), EXPIRED,
		PAGE(POD("a"), "t4"), PAGE(POD("c"), ""),
	};
	auto_strs struct strs told = STRS_INIT;
	struct kube_visitor visitor = { visit, visit_anew, &told };
	autofree char *all = NULL;
	struct kube_fixture self;

	(void)state;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_done(kube_list_each(self.kube, "/pods", NULL, &visitor,
				   &self.err) == 0,
		    &self.err);
	kube_fixture_stop(&self);
	all = strs_join(&told, " ");
	assert_string_equal(all, "a anew a b anew a c");
	/* A look first, to choose the size of pages by. */
	assert_string_equal(self.server.asked.item[0], "GET /pods?limit=10 0");
	assert_string_equal(self.server.asked.item[1],
			    "GET /pods?limit=1000 0");
	assert_string_equal(self.server.asked.item[2],
			    "GET /pods?limit=1000&continue=t1 0");
	assert_string_equal(self.server.asked.item[3],
			    "GET /pods?limit=1000 0");
	kube_fixture_end(&self);
}

static void kube_list_each_gives_up_a_list_that_always_expires(void **state)
{
	static const char *const answers[] = {
		PAGE(POD("a"), "t"), EXPIRED, EXPIRED, EXPIRED, EXPIRED, EXPIRED
	};
	auto_strs struct strs told = STRS_INIT;
	struct kube_visitor visitor = { visit, visit_anew, &told };
	struct kube_fixture self;

	(void)state;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_int_equal(kube_list_each(self.kube, "/pods", NULL, &visitor,
					&self.err),
			 -1);
	assert_error(&self.err, ERR_API, "too old");
	kube_fixture_stop(&self);
	assert_int_equal(self.server.asked.nr, 6);
	kube_fixture_end(&self);
}

static void kube_list_each_asks_for_few_where_they_are_large(void **state)
{
	autofree char *big = mem_alloc(1 << 20);
	autofree char *first = NULL;
	const char *answers[2] = { NULL, PAGE("", "") };
	auto_strs struct strs told = STRS_INIT;
	struct kube_visitor visitor = { visit, visit_anew, &told };
	struct kube_fixture self;

	(void)state;
	memset(big, 'x', (1 << 20) - 1);
	first = mem_printf(PAGE("{\"metadata\":{\"name\":\"%s\"}}", "t"), big);
	answers[0] = first;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_done(kube_list_each(self.kube, "/pods", NULL, &visitor,
				   &self.err) == 0,
		    &self.err);
	kube_fixture_stop(&self);
	assert_string_equal(self.server.asked.item[1], "GET /pods?limit=1 0");
	kube_fixture_end(&self);
}

static void kube_list_each_ends_when_it_is_told_to(void **state)
{
	static const char *const answers[] = { PAGE(POD("stop") "," POD("b"),
						    "") };
	auto_strs struct strs told = STRS_INIT;
	struct kube_visitor visitor = { visit, visit_anew, &told };
	struct kube_fixture self;

	(void)state;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_int_equal(kube_list_each(self.kube, "/pods", NULL, &visitor,
					&self.err),
			 -2);
	kube_fixture_stop(&self);
	assert_int_equal(told.nr, 1);
	assert_int_equal(self.server.asked.nr, 1);
	kube_fixture_end(&self);
}

static void kube_call_waits_for_a_webhook_that_starts(void **state)
{
	static const char *const answers[] = {
		FAILED(WEBHOOK "connection refused"), DONE
	};
	int64_t begun = clock_now_ms();
	struct kube_fixture self;

	(void)state;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_done(kube_call(self.kube, "POST", "/api/v1/pods", NULL, NULL,
			      NULL, &self.err) == 0,
		    &self.err);
	assert_in_range(clock_now_ms() - begun, 1400, 10000);
	kube_fixture_stop(&self);
	kube_fixture_end(&self);
}

static void kube_call_does_not_wait_for_other_webhooks(void **state)
{
	static const struct {
		const char *method;
		const char *answer;
	} cases[] = {
		{ "GET", FAILED(WEBHOOK "connection refused") },
		{ "POST", FAILED(WEBHOOK "service \\\"s\\\" not found") },
		{ "POST", FAILED("conversion webhook for x failed") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const answers[] = { cases[i].answer, DONE };
		struct kube_fixture self;

		kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
		assert_int_equal(kube_call(self.kube, cases[i].method,
					   "/api/v1/pods", NULL, NULL, NULL,
					   &self.err),
				 -1);
		assert_error(&self.err, ERR_API, "webhook");
		assert_int_equal(self.err.http, 500);
		kube_fixture_stop(&self);
		assert_int_equal(self.server.asked.nr, 1);
		kube_fixture_end(&self);
	}
}

/* "ADDED a", "SYNCED"; "-" when nothing came. */
static char *next_event(struct watch *watch, struct kube_fixture *self)
{
	autojval struct jval *object = NULL;
	const char *type;
	int got = watch_next(watch, 2000, &type, &object, &self->err);

	assert_done(got >= 0, &self->err);
	if (got == 0)
		return mem_strdup("-");
	return mem_printf("%s%s%s", type, object ? " " : "",
			  object ? object_name(object) : "");
}

static void assert_events(struct watch *watch, struct kube_fixture *self,
			  const char *const *expected)
{
	for (; *expected; expected++) {
		autofree char *event = next_event(watch, self);

		assert_string_equal(event, *expected);
	}
}

static void watch_tells_what_went_unseen(void **state)
{
	static const char *const answers[] = {
		LISTED(POD("a") "," POD("b")),
		STREAM
		"5a\r\n"
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"c\","
		"\"namespace\":\"n\",\"resourceVersion\":\"8\"}}}\n\r\n"
		"37\r\n"
		"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n\r\n" END,
		LISTED(POD("b")),
	};
	static const char *const expected[] = {
		"ADDED a",   "ADDED b", "SYNCED", "ADDED c", "DELETED c",
		"DELETED a", "ADDED b", "SYNCED", NULL,
	};
	struct kube_fixture self;
	struct watch *watch;

	(void)state;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	watch = watch_new(self.kube, "/api/v1/pods", NULL);
	assert_events(watch, &self, expected);
	watch_free(watch);
	kube_fixture_stop(&self);
	kube_fixture_end(&self);
}

static void watch_outlives_streams_that_tell_nothing(void **state)
{
	static const char *const answers[] = {
		LISTED(POD("a")), STREAM END, STREAM END, STREAM END,
		STREAM END,	  STREAM END, STREAM END, STREAM END,
		STREAM END,	  STREAM END, STREAM END, STREAM END,
	};
	static const char *const expected[] = { "ADDED a", "SYNCED", "-",
						NULL };
	struct kube_fixture self;
	struct watch *watch;

	(void)state;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	watch = watch_new(self.kube, "/api/v1/pods", NULL);
	assert_events(watch, &self, expected);
	watch_free(watch);
	kube_fixture_stop(&self);
	/* No hot loop: about 100, 200, 400, 800 ms. */
	assert_in_range(self.server.asked.nr, 4, 7);
	kube_fixture_end(&self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kube_list_names_asks_for_metadata_only),
		cmocka_unit_test(
			kube_list_each_tells_pages_and_begins_anew_when_they_expire),
		cmocka_unit_test(
			kube_list_each_gives_up_a_list_that_always_expires),
		cmocka_unit_test(
			kube_list_each_asks_for_few_where_they_are_large),
		cmocka_unit_test(kube_list_each_ends_when_it_is_told_to),
		cmocka_unit_test(kube_call_waits_for_a_webhook_that_starts),
		cmocka_unit_test(kube_call_does_not_wait_for_other_webhooks),
		cmocka_unit_test(watch_tells_what_went_unseen),
		cmocka_unit_test(watch_outlives_streams_that_tell_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include "base/clock.h"
#include "http_fixture.h"

static void http_gives_status_headers_and_body(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 100 Continue\r\n\r\n"
		"HTTP/1.1 404 Not Found\r\nX-One:  a b \r\nX-Two: 1\r\n"
		"x-two: 2\r\nContent-Length: 4\r\n\r\nbody",
	};
	struct fixture self;
	struct http_request request = { .method = "GET" };
	size_t at = 0;

	(void)state;
	begin(&self, answers, 1);
	request.url = self.url;
	assert_done(ask(&self, &request) == 0, &self.err);
	assert_int_equal(self.response.status, 404);
	assert_int_equal(self.response.content_length, 4);
	assert_string_equal(buf_str(&self.response.body), "body");
	assert_string_equal(self.response.url, self.url);
	assert_string_equal(http_header(&self.response, "x-one"), "a b");
	assert_string_equal(http_header_next(&self.response, "x-two", &at),
			    "1");
	assert_string_equal(http_header_next(&self.response, "x-two", &at),
			    "2");
	assert_null(http_header_next(&self.response, "x-two", &at));
	assert_null(http_header(&self.response, "x-t"));
	end(&self);
}

static void http_keeps_its_connection(void **state)
{
	static const char *const answers[] = { OK_EMPTY, OK_EMPTY, OK_EMPTY };
	struct fixture self;
	struct http_request request = { .method = "HEAD" };

	(void)state;
	begin(&self, answers, 3);
	request.url = self.url;
	assert_done(ask(&self, &request) == 0, &self.err);
	request.method = "DELETE";
	assert_done(ask(&self, &request) == 0, &self.err);
	request.method = "POST";
	assert_done(ask(&self, &request) == 0, &self.err);
	end(&self);
	assert_int_equal(self.server.connections, 1);
}

static void http_sends_a_body_with_its_length(void **state)
{
	static const char *const answers[] = { OK_EMPTY };
	auto_strs struct strs headers = STRS_INIT;
	char *data = mem_alloc(3000000);
	struct source_mem body;
	struct fixture self;
	struct http_request request = {
		.method = "PUT",
		.headers = &headers,
		.authorization = "Basic c2VjcmV0",
		.body = &body.source,
		.body_len = 3000000,
	};

	(void)state;
	begin(&self, answers, 1);
	request.url = self.url;
	strs_add(&headers, "Content-Type: text/plain");
	source_mem_init(&body, data, 3000000);
	assert_done(ask(&self, &request) == 0, &self.err);
	stop(&self);
	assert_string_equal(self.server.asked.item[0], "PUT /x?q=1 3000000");
	assert_non_null(strstr(self.server.heads.item[0],
			       "\r\nContent-Type: text/plain\r\n"));
	assert_non_null(strstr(self.server.heads.item[0],
			       "\r\nAuthorization: Basic c2VjcmV0\r\n"));
	assert_null(strcasestr(self.server.heads.item[0], "expect:"));
	end(&self);
	free(data);
}

struct bad_source {
	struct source source;
	struct source *from; /* before it fails */
};

static ssize_t bad_read(struct source *source, void *data, size_t len,
			struct err *err)
{
	struct bad_source *self = (struct bad_source *)source;
	ssize_t n = source_read(self->from, data, len, err);

	return n ? n : err_set(err, ERR_VERIFY, "blob is corrupt");
}

static void http_returns_the_error_of_a_body_as_it_is(void **state)
{
	static const char *const answers[] = { OK_EMPTY };
	static char data[70000];
	struct source_mem mem;
	struct bad_source body = { .source.read = bad_read,
				   .from = &mem.source };
	struct fixture self;
	struct http_request request = {
		.method = "PUT",
		.body = &body.source,
		.body_len = 100000,
	};

	(void)state;
	begin(&self, answers, 1);
	request.url = self.url;
	source_mem_init(&mem, data, sizeof(data));
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_VERIFY, "blob is corrupt");
	/* One that only ends is told too. */
	source_mem_init(&mem, data, sizeof(data));
	request.body = &mem.source;
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_INVALID, "ended 30000 bytes early");
	end(&self);
}

static void http_takes_an_answer_that_comes_before_all_is_sent(void **state)
{
	static const char *const answers[] = {
		"~HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n"
		"Connection: close\r\n\r\nno",
	};
	char *data = mem_alloc(20000000);
	struct source_mem body;
	struct fixture self;
	struct http_request request = {
		.method = "PUT",
		.body = &body.source,
		.body_len = 20000000,
	};
	int result;

	(void)state;
	begin(&self, answers, 1);
	request.url = self.url;
	source_mem_init(&body, data, 20000000);
	result = ask(&self, &request);
	/* The kernel may throw the answer away with the connection. */
	if (result == 0)
		assert_int_equal(self.response.status, 403);
	else
		assert_true(self.err.transient);
	end(&self);
	free(data);
}

static void http_tells_a_cut_body_as_transient(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
		"Connection: close\r\n\r\nhalf",
		"",
	};
	struct fixture self;
	struct http_request request = { .method = "GET" };

	(void)state;
	begin(&self, answers, 2);
	request.url = self.url;
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_NET, "127.0.0.1");
	assert_true(self.err.transient);
	err_clear(&self.err);
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_NET, "127.0.0.1");
	assert_true(self.err.transient);
	end(&self);
}

static void http_limits_bodies(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
		"HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\n0123456789",
	};
	struct fixture self;
	struct http_request request = { .method = "GET" };

	(void)state;
	begin(&self, answers, 2);
	request.url = self.url;
	assert_int_equal(
		http_do(self.http, &request, 9, &self.response, &self.err), -1);
	assert_error(&self.err, ERR_INVALID, "longer than 9 bytes");
	assert_done(http_do(self.http, &request, 9, &self.response,
			    &self.err) == 0,
		    &self.err);
	assert_string_equal(buf_str(&self.response.body), "012345678");
	end(&self);
}

static void http_streams_to_who_pulls(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
	};
	struct fixture self;
	struct http_request request = { .method = "GET" };
	struct http_stream *stream;
	char text[16] = "";
	size_t len = 0;
	ssize_t n;

	(void)state;
	begin(&self, answers, 1);
	request.url = self.url;
	stream = http_open(self.http, &request, &self.response, &self.err);
	assert_done(stream, &self.err);
	assert_int_equal(self.response.content_length, -1);
	while ((n = source_read(http_stream_source(stream), text + len, 2,
				&self.err)) > 0)
		len += (size_t)n;
	assert_int_equal(n, 0);
	assert_string_equal(text, "abcdefg");
	http_stream_close(stream);
	end(&self);
}

static struct http_stream *open_and_forget(struct fixture *self)
{
	const struct http_request request = { .method = "GET",
					      .url = self->url,
					      .answer_timeout_ms = 5000 };
	auto_response struct http_response response = HTTP_RESPONSE_INIT;

	return http_open(self->http, &request, &response, &self->err);
}

/* Trailers come when the response that had the headers may be gone. */
static void http_stream_outlives_request_and_response(void **state)
{
	/* More than is held for one who does not read. */
	autofree char *answer = mem_printf(
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"300000\r\n%0*d\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n",
		0x300000, 0);
	const char *const answers[] = { answer };
	struct fixture self;
	struct http_stream *stream;
	autofree char *text = NULL;
	size_t len = 0;

	(void)state;
	begin(&self, answers, 1);
	stream = open_and_forget(&self);
	assert_done(stream, &self.err);
	assert_done(source_read_all(http_stream_source(stream), 0x300000, &text,
				    &len, &self.err) == 0,
		    &self.err);
	assert_int_equal(len, 0x300000);
	http_stream_close(stream);
	end(&self);
}

static void http_waits_no_longer_than_told(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
	};
	struct fixture self;
	struct http_request request = { .method = "GET" };
	struct http_stream *stream;
	char text[16];
	int64_t start;

	(void)state;
	begin(&self, answers, 1);
	request.url = self.url;
	stream = http_open(self.http, &request, &self.response, &self.err);
	assert_done(stream, &self.err);
	assert_int_equal(http_stream_read(stream, text, 16, 500, &self.err), 4);
	start = clock_now_ms();
	assert_int_equal(http_stream_read(stream, text, 16, 100, &self.err),
			 -2);
	assert_true(clock_now_ms() - start < 900);
	/* Without a limit of the reader, silence is one: a second here. */
	assert_int_equal(source_read(http_stream_source(stream), text, 16,
				     &self.err),
			 -1);
	assert_error(&self.err, ERR_TIMEOUT, "silent for 1 s");
	assert_true(self.err.transient);
	http_stream_close(stream);
	end(&self);
}

static void http_ends_a_call_at_its_deadline(void **state)
{
	static const char *const answers[] = { "HTTP/1.1 200 OK\r\n" };
	struct fixture self;
	struct http_request request = { .method = "GET", .timeout_ms = 200 };

	(void)state;
	begin(&self, answers, 1);
	request.url = self.url;
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_TIMEOUT, "no answer from '127.0.0.1");
	end(&self);
}

static bool is_past(void *ctx)
{
	return clock_now_ms() > *(int64_t *)ctx;
}

static void http_waits_no_longer_when_cancelled(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
	};
	struct fixture self;
	int64_t cancel_at, start = clock_now_ms();
	struct http_request request = { .method = "GET",
					.cancelled = is_past,
					.cancel_ctx = &cancel_at };
	struct http_stream *stream;
	char text[16];

	(void)state;
	begin(&self, answers, 2);
	request.url = self.url;
	cancel_at = start + 100;
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_INTERRUPTED, "cancelled");
	cancel_at = INT64_MAX;
	stream = http_open(self.http, &request, &self.response, &self.err);
	assert_done(stream, &self.err);
	assert_int_equal(http_stream_read(stream, text, 16, 500, &self.err), 4);
	cancel_at = start;
	assert_int_equal(source_read(http_stream_source(stream), text, 16,
				     &self.err),
			 -1);
	assert_error(&self.err, ERR_INTERRUPTED, "cancelled");
	assert_true(clock_now_ms() - start < 900);
	http_stream_close(stream);
	end(&self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_gives_status_headers_and_body),
		cmocka_unit_test(http_keeps_its_connection),
		cmocka_unit_test(http_sends_a_body_with_its_length),
		cmocka_unit_test(http_returns_the_error_of_a_body_as_it_is),
		cmocka_unit_test(
			http_takes_an_answer_that_comes_before_all_is_sent),
		cmocka_unit_test(http_tells_a_cut_body_as_transient),
		cmocka_unit_test(http_limits_bodies),
		cmocka_unit_test(http_streams_to_who_pulls),
		cmocka_unit_test(http_stream_outlives_request_and_response),
		cmocka_unit_test(http_waits_no_longer_than_told),
		cmocka_unit_test(http_ends_a_call_at_its_deadline),
		cmocka_unit_test(http_waits_no_longer_when_cancelled),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

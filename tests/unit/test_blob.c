#include "unit.h"

#include <signal.h>

#include "base/clock.h"
#include "registry/blob.h"
#include "registry_fixture.h"

static const struct descriptor hello = {
	.media_type = (char *)"t",
	.digest = (char *)DIGEST,
	.size = 5,
};

static int open_hello(void *ctx, struct source **source, struct err *err)
{
	struct source_mem *mem = ctx;

	(void)err;
	source_mem_init(mem, "hello", 5);
	*source = &mem->source;
	return 0;
}

static int upload(struct fixture *self, const char *from)
{
	struct source_mem mem;
	const struct blob_upload blob = {
		.repository = "a",
		.from = from,
		.descriptor = &hello,
		.open = open_hello,
		.ctx = &mem,
	};

	return blob_upload(self->session, &blob, &self->err);
}

static void blob_sends_a_blob_where_it_is_told(void **state)
{
	static const char *const answers[] = { ACCEPTED, CREATED };
	static const char *const asked[] = {
		"POST /v2/a/blobs/uploads/ 0",
		"PUT /v2/a/blobs/uploads/up/1?_state=x&digest=sha256%3A" HEX
		" 5",
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 2, NULL);
	assert_int_equal(upload(&self, NULL), 0);
	stop(&self);
	assert_asked(&self, asked, 2);
	fake_server_release(&self.server);
}

static void blob_begins_an_upload_anew_after_a_fault(void **state)
{
	static const char *const answers[] = {
		ACCEPTED,
		"",
		"HTTP/1.1 404 No\r\n" EMPTY,
		ACCEPTED,
		"HTTP/1.1 502 Bad\r\n" EMPTY,
		ACCEPTED,
		CREATED,
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 7, NULL);
	assert_done(upload(&self, NULL) == 0, &self.err);
	stop(&self);
	assert_int_equal(self.server.asked.nr, 7);
	assert_true(str_ends(self.server.asked.item[6], " 5"));
	fake_server_release(&self.server);
}

static void blob_is_sent_once_where_only_the_answer_is_lost(void **state)
{
	static const char *const answers[] = { ACCEPTED, "", OK_EMPTY };
	static const char *const asked[] = {
		"POST /v2/a/blobs/uploads/ 0",
		"PUT /v2/a/blobs/uploads/up/1?_state=x&digest=sha256%3A" HEX
		" 5",
		"HEAD /v2/a/blobs/" DIGEST " 0",
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 3, NULL);
	assert_done(upload(&self, NULL) == 0, &self.err);
	stop(&self);
	assert_asked(&self, asked, 3);
	fake_server_release(&self.server);
}

static void blob_sends_a_body_again_when_its_token_ran_out(void **state)
{
	autofree char *bearer = wants_bearer("/token", NULL);
	const char *const answers[] = {
		bearer, TOKEN("t1"), ACCEPTED, bearer, TOKEN("t2"), CREATED,
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 6, "admin");
	assert_done(upload(&self, NULL) == 0, &self.err);
	stop(&self);
	assert_int_equal(self.server.asked.nr, 6);
	assert_true(str_ends(self.server.asked.item[3], " 5"));
	assert_true(str_ends(self.server.asked.item[5], " 5"));
	assert_true(head_has(&self, 5, "Bearer t2"));
	fake_server_release(&self.server);
}

static void blob_mounts_or_else_sends(void **state)
{
	static const char *const answers[] = {
		CREATED,		     /* mounted */
		"HTTP/1.1 405 No\r\n" EMPTY, /* not allowed */
		ACCEPTED,
		CREATED, /* so it is sent */
		ACCEPTED,
		CREATED, /* mount ignored */
	};
	static const char *const asked[] = {
		"POST /v2/a/blobs/uploads/?mount=sha256%3A" HEX "&from=b 0",
		"POST /v2/a/blobs/uploads/?mount=sha256%3A" HEX "&from=b 0",
		"POST /v2/a/blobs/uploads/ 0",
		"PUT /v2/a/blobs/uploads/up/1?_state=x&digest=sha256%3A" HEX
		" 5",
		"POST /v2/a/blobs/uploads/?mount=sha256%3A" HEX "&from=b 0",
		"PUT /v2/a/blobs/uploads/up/1?_state=x&digest=sha256%3A" HEX
		" 5",
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 6, NULL);
	assert_int_equal(upload(&self, "b"), 1);
	assert_int_equal(upload(&self, "b"), 0);
	assert_int_equal(upload(&self, "b"), 0);
	stop(&self);
	assert_asked(&self, asked, 6);
	fake_server_release(&self.server);
}

static void blob_tells_what_the_server_said(void **state)
{
	static const struct {
		const char *answer, *texts[3];
	} cases[] = {
		{ BODY("400 Bad",
		       "{\"errors\":[{\"code\":\"BLOB_UPLOAD_INVALID\","
		       "\"detail\":\"Repository is read only: x\"   }]}     "),
		  { "400 BLOB_UPLOAD_INVALID (Repository is read only: x)",
		    "read-only", "repository 'a'" } },
		{ BODY("500 Oh",
		       "{\"errors\":[{\"detail\":\"Repository is read only"
		       "\",\"code\":\"X\"  }]}"),
		  { "500 X", "read-only", "127.0.0.1" } },
		{ BODY("413 No",
		       "<html><title>413 Too\x1b[31m Large</title></html>"),
		  { "413: 413 Too [31m Large", "limits the size", "413" } },
		{ "HTTP/1.1 404 No\r\n" EMPTY,
		  { "404", "proxy repository", "'a'" } },
		{ BODY("403 No", "nope"), { "403: nope", "right", DIGEST } },
		{ "HTTP/1.1 405 No\r\n" EMPTY, { "405", "read-only", "'a'" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const answers[] = { cases[i].answer };
		struct fixture self;

		begin(&self, answers, 1, "admin");
		assert_int_equal(upload(&self, NULL), -1);
		for (size_t k = 0; k < 3; k++)
			assert_error(&self.err, ERR_REGISTRY,
				     cases[i].texts[k]);
		assert_null(strchr(self.err.msg, '\x1b'));
		stop(&self);
		assert_int_equal(self.server.asked.nr, 1);
		fake_server_release(&self.server);
	}
}

static int open_and_interrupt(void *ctx, struct source **source,
			      struct err *err)
{
	(void)ctx;
	(void)source;
	raise(SIGTERM);
	return clock_check_interrupt(err);
}

/* The last one: a signal is never forgotten. */
static void blob_takes_an_upload_back_after_a_signal(void **state)
{
	static const char *const answers[] = { ACCEPTED, OK_EMPTY };
	static const char *const asked[] = {
		"POST /v2/a/blobs/uploads/ 0",
		"DELETE /v2/a/blobs/uploads/up/1?_state=x 0",
	};
	const struct blob_upload blob = {
		.repository = "a",
		.descriptor = &hello,
		.open = open_and_interrupt,
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 2, NULL);
	interrupt_install();
	assert_int_equal(blob_upload(self.session, &blob, &self.err), -1);
	assert_error(&self.err, ERR_INTERRUPTED, "interrupted");
	stop(&self);
	assert_asked(&self, asked, 2);
	fake_server_release(&self.server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blob_sends_a_blob_where_it_is_told),
		cmocka_unit_test(blob_begins_an_upload_anew_after_a_fault),
		cmocka_unit_test(
			blob_is_sent_once_where_only_the_answer_is_lost),
		cmocka_unit_test(
			blob_sends_a_body_again_when_its_token_ran_out),
		cmocka_unit_test(blob_mounts_or_else_sends),
		cmocka_unit_test(blob_tells_what_the_server_said),
		cmocka_unit_test(blob_takes_an_upload_back_after_a_signal),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

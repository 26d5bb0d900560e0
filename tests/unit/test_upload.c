#include "unit.h"

#include "registry/blob.h"
#include "registry/upload_state.h"
#include "registry_fixture.h"

/* Large enough to go by PATCH. */
#define SIZE 5242880
#define HALF "2621440"

#define POST "POST /v2/a/blobs/uploads/ 0"
#define PATCH(bytes) "PATCH /v2/a/blobs/uploads/up/1?_state=x " bytes
#define WHERE "GET /v2/a/blobs/uploads/up/1?_state=x 0"
#define HEAD "HEAD /v2/a/blobs/" DIGEST " 0"
#define DELETE "DELETE /v2/a/blobs/uploads/up/1?_state=x 0"
#define PUT(bytes) \
	"PUT /v2/a/blobs/uploads/up/1?_state=x&digest=sha256%3A" HEX " " bytes

#define TAKEN "HTTP/1.1 202 Accepted\r\n" EMPTY
#define HAS(range) "HTTP/1.1 204 No Content\r\nRange: " range "\r\n\r\n"
#define NO(status) "HTTP/1.1 " status " No\r\n" EMPTY

static const struct descriptor large = {
	.media_type = (char *)"t",
	.digest = (char *)DIGEST,
	.size = SIZE,
};

struct zeros {
	struct source source;
	uint64_t left;
	uint64_t opened_at;
};

static ssize_t zeros_read(struct source *source, void *data, size_t len,
			  struct err *err)
{
	struct zeros *self = (struct zeros *)source;

	(void)err;
	if (len > self->left)
		len = (size_t)self->left;
	memset(data, 0, len);
	self->left -= len;
	return (ssize_t)len;
}

static int open_at(void *ctx, uint64_t offset, struct source **source,
		   struct err *err)
{
	struct zeros *self = ctx;

	(void)err;
	self->source.read = zeros_read;
	self->left = SIZE - offset;
	self->opened_at = offset;
	*source = &self->source;
	return 0;
}

static int open_zeros(void *ctx, struct source **source, struct err *err)
{
	return open_at(ctx, 0, source, err);
}

static int upload(struct fixture *self, struct zeros *zeros, bool verified)
{
	const struct blob_upload blob = {
		.repository = "a",
		.descriptor = &large,
		.open = open_zeros,
		.open_at = verified ? open_at : NULL,
		.ctx = zeros,
	};

	return blob_upload(self->session, &blob, &self->err);
}

#define STEPS 16

struct way {
	const char *name;
	const char *answers[STEPS];
	const char *asked[STEPS];
};

static size_t count(const char *const *list)
{
	size_t nr = 0;

	while (nr < STEPS && list[nr])
		nr++;
	return nr;
}

static const struct way ways[] = {
	{ "in one PATCH",
	  { ACCEPTED, TAKEN, CREATED },
	  { POST, PATCH("5242880"), PUT("0") } },
	{ "only the rest after a fault",
	  { ACCEPTED, NO("502"), HAS("0-2621439"), TAKEN, CREATED },
	  { POST, PATCH("5242880"), WHERE, PATCH(HALF), PUT("0") } },
	{ "with the unit in Range",
	  { ACCEPTED, NO("416"), HAS("bytes=0-2621439"), TAKEN, CREATED },
	  { POST, PATCH("5242880"), WHERE, PATCH(HALF), PUT("0") } },
	{ "where a PATCH is taken in part",
	  { ACCEPTED, "HTTP/1.1 202 Accepted\r\nRange: 0-2621439\r\n" EMPTY,
	    HAS("0-2621439"), TAKEN, CREATED },
	  { POST, PATCH("5242880"), WHERE, PATCH(HALF), PUT("0") } },
	{ "anew where the upload is forgotten",
	  { ACCEPTED, NO("500"), NO("404"), ACCEPTED, TAKEN, CREATED },
	  { POST, PATCH("5242880"), WHERE, POST, PATCH("5242880"), PUT("0") } },
	{ "anew where nothing has arrived",
	  { ACCEPTED, NO("500"), HAS("0-0"), NO("204"), ACCEPTED, TAKEN,
	    CREATED },
	  { POST, PATCH("5242880"), WHERE, DELETE, POST, PATCH("5242880"),
	    PUT("0") } },
	{ "anew where more is said to be there than there is",
	  { ACCEPTED, NO("500"), HAS("0-5242880"), NO("204"), ACCEPTED, TAKEN,
	    CREATED },
	  { POST, PATCH("5242880"), WHERE, DELETE, POST, PATCH("5242880"),
	    PUT("0") } },
	{ "anew where nobody knows it, and the registry is up",
	  { ACCEPTED, NO("502"), NO("500"), NO("404"), NO("500"), NO("404"),
	    ACCEPTED, TAKEN, CREATED },
	  { POST, PATCH("5242880"), WHERE, HEAD, WHERE, HEAD, POST,
	    PATCH("5242880"), PUT("0") } },
	{ "only the rest, after the registry was down",
	  { ACCEPTED, NO("502"), NO("503"), NO("503"), HAS("0-2621439"), TAKEN,
	    CREATED },
	  { POST, PATCH("5242880"), WHERE, HEAD, WHERE, PATCH(HALF),
	    PUT("0") } },
	{ "with the end only, where all is there",
	  { ACCEPTED, NO("504"), HAS("0-5242879"), CREATED },
	  { POST, PATCH("5242880"), WHERE, PUT("0") } },
	{ "again with the end, after a commit that broke",
	  { ACCEPTED, TAKEN, NO("504"), NO("404"), HAS("0-5242879"), CREATED },
	  { POST, PATCH("5242880"), PUT("0"), HEAD, WHERE, PUT("0") } },
	{ "where only the answer to the commit was lost",
	  { ACCEPTED, TAKEN, "", NO("404"), OK_EMPTY },
	  { POST, PATCH("5242880"), PUT("0"), PUT("0"), HEAD } },
	{ "in one PUT where no PATCH is taken",
	  { ACCEPTED, NO("405"), NO("204"), ACCEPTED, CREATED },
	  { POST, PATCH("5242880"), DELETE, POST, PUT("5242880") } },
	{ "in parts where a request is too large",
	  { ACCEPTED, NO("413"), NO("204"), ACCEPTED, TAKEN, TAKEN, CREATED },
	  { POST, PATCH("5242880"), DELETE, POST, PATCH("4194304"),
	    PATCH("1048576"), PUT("0") } },
	{ "in parts of the rest where that is too large",
	  { ACCEPTED, NO("502"), HAS("0-2097151"), NO("413"), HAS("0-2097151"),
	    TAKEN, TAKEN, TAKEN, CREATED },
	  { POST, PATCH("5242880"), WHERE, PATCH("3145728"), WHERE,
	    PATCH("1048576"), PATCH("1048576"), PATCH("1048576"), PUT("0") } },
	{ "by more tries than one has, since each brings something",
	  { ACCEPTED, NO("502"), HAS("0-1048575"), NO("502"), HAS("0-2097151"),
	    NO("502"), HAS("0-3145727"), NO("502"), HAS("0-4194303"), TAKEN,
	    CREATED },
	  { POST, PATCH("5242880"), WHERE, PATCH("4194304"), WHERE,
	    PATCH("3145728"), WHERE, PATCH("2097152"), WHERE, PATCH("1048576"),
	    PUT("0") } },
};

static void upload_gets_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct zeros zeros = { .left = 0 };
		struct fixture self;

		print_message("# %s\n", ways[i].name);
		begin(&self, ways[i].answers, count(ways[i].answers), NULL);
		assert_done(upload(&self, &zeros, false) == 0, &self.err);
		stop(&self);
		assert_asked(&self, ways[i].asked, count(ways[i].asked));
		fake_server_release(&self.server);
	}
}

static void upload_says_which_bytes_it_sends(void **state)
{
	static const char *const answers[] = {
		ACCEPTED, NO("502"), HAS("0-2621439"), TAKEN, CREATED,
	};
	struct zeros zeros = { .left = 0 };
	struct fixture self;

	(void)state;
	begin(&self, answers, 5, NULL);
	assert_done(upload(&self, &zeros, true) == 0, &self.err);
	stop(&self);
	assert_true(head_has(&self, 1, "\r\nContent-Range: 0-5242879\r\n"));
	assert_true(
		head_has(&self, 3, "\r\nContent-Range: 2621440-5242879\r\n"));
	/* A source that was verified is not read from its start. */
	assert_int_equal(zeros.opened_at, SIZE / 2);
	fake_server_release(&self.server);
}

static void upload_gives_up_without_progress(void **state)
{
	static const char *const answers[] = {
		ACCEPTED,  NO("502"),	HAS("0-9"),
		NO("502"), HAS("0-19"), NO("502"),
	};
	struct zeros zeros = { .left = 0 };
	struct fixture self;

	(void)state;
	begin(&self, answers, 6, NULL);
	assert_int_equal(upload(&self, &zeros, false), -1);
	assert_error(&self.err, ERR_REGISTRY, "502");
	stop(&self);
	assert_int_equal(self.server.asked.nr, 6);
	fake_server_release(&self.server);
}

static void upload_tells_a_limit_it_cannot_meet(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 202 Accepted\r\nLocation: up/1?_state=x\r\n"
		"OCI-Chunk-Min-Length: 5000000\r\n" EMPTY,
		NO("413"),
		NO("204"),
	};
	struct zeros zeros = { .left = 0 };
	struct fixture self;

	(void)state;
	begin(&self, answers, 3, NULL);
	assert_int_equal(upload(&self, &zeros, false), -1);
	assert_error(&self.err, ERR_REGISTRY, "client_max_body_size");
	stop(&self);
	assert_int_equal(self.server.asked.nr, 3);
	fake_server_release(&self.server);
}

static void upload_goes_on_with_a_new_token(void **state)
{
	autofree char *bearer = wants_bearer("/token", NULL);
	const char *const answers[] = {
		bearer,	     TOKEN("t1"),      ACCEPTED, bearer,
		TOKEN("t2"), HAS("0-2621439"), TAKEN,	 CREATED,
	};
	struct zeros zeros = { .left = 0 };
	struct fixture self;

	(void)state;
	begin(&self, answers, 8, "admin");
	assert_done(upload(&self, &zeros, false) == 0, &self.err);
	stop(&self);
	assert_int_equal(self.server.asked.nr, 8);
	assert_string_equal(self.server.asked.item[6], PATCH(HALF));
	assert_true(head_has(&self, 6, "Bearer t2"));
	fake_server_release(&self.server);
}

/* An earlier run had one at `host`, or where that is NULL there is to be one
 * that is remembered. */
static void leave_upload(const struct fixture *self, const char *host)
{
	const struct upload_key key = {
		.registry = self->registry->base,
		.repository = "a",
		.digest = DIGEST,
	};
	autofree char *place =
		mem_printf("http://%s/v2/a/blobs/uploads/up/1?_state=x", host);
	autofree char *location = NULL;
	struct upload_state *left = upload_state_claim(
		self->registry->uploads_dirfd, &key, &location);

	assert_non_null(left);
	assert_true((location == NULL) == (host != NULL));
	if (host)
		upload_state_save(left, place);
	upload_state_close(left, host != NULL);
}

static char *make_uploads(char *dir)
{
	assert_non_null(mkdtemp(dir));
	return mem_printf("%s/uploads", dir);
}

/* What an earlier run has sent is damaged: not gone on with for ever. */
static void
upload_of_an_earlier_run_is_begun_anew_when_it_is_damaged(void **state)
{
	static const char *const answers[] = {
		HAS("0-2621439"), TAKEN,    NO("400"), NO("204"),
		NO("404"),	  ACCEPTED, TAKEN,     CREATED,
	};
	char dir[] = "/tmp/dws-csm-test-XXXXXX";
	autofree char *uploads = make_uploads(dir);
	struct zeros zeros = { .left = 0 };
	struct fixture self;

	(void)state;
	begin(&self, answers, 8, NULL);
	registry_keep_uploads(self.registry, dir);
	leave_upload(&self, self.host);
	assert_done(upload(&self, &zeros, false) == 0, &self.err);
	stop(&self);
	assert_string_equal(self.server.asked.item[0], WHERE);
	assert_string_equal(self.server.asked.item[1], PATCH(HALF));
	assert_string_equal(self.server.asked.item[6], PATCH("5242880"));
	assert_int_equal(self.server.asked.nr, 8);
	fake_server_release(&self.server);
	/* Nothing is remembered of what has ended. */
	assert_int_equal(rmdir(uploads), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
upload_that_is_whole_is_kept_while_the_registry_is_down(void **state)
{
	static const char *const answers[] = {
		ACCEPTED, TAKEN, NO("504"), NO("503"), NO("503"), NO("503"),
	};
	char dir[] = "/tmp/dws-csm-test-XXXXXX";
	autofree char *uploads = make_uploads(dir);
	struct zeros zeros = { .left = 0 };
	struct fixture self;

	(void)state;
	begin(&self, answers, 6, NULL);
	registry_keep_uploads(self.registry, dir);
	assert_int_equal(upload(&self, &zeros, false), -1);
	assert_error(&self.err, ERR_REGISTRY, "503");
	leave_upload(&self, NULL);
	stop(&self);
	/* Nor is it deleted there. */
	assert_int_equal(self.server.asked.nr, 6);
	fake_server_release(&self.server);
	assert_int_equal(rmdir(uploads), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* The host that was named is no more. */
static void upload_of_an_earlier_run_may_be_where_nobody_is(void **state)
{
	static const char *const answers[] = {
		NO("404"), NO("404"), ACCEPTED, TAKEN, CREATED,
	};
	static const char *const asked[] = {
		HEAD, HEAD, POST, PATCH("5242880"), PUT("0"),
	};
	char dir[] = "/tmp/dws-csm-test-XXXXXX";
	autofree char *uploads = make_uploads(dir);
	struct zeros zeros = { .left = 0 };
	struct fixture self;

	(void)state;
	begin(&self, answers, 5, NULL);
	registry_keep_uploads(self.registry, dir);
	leave_upload(&self, "127.0.0.1:1");
	assert_done(upload(&self, &zeros, false) == 0, &self.err);
	stop(&self);
	assert_asked(&self, asked, 5);
	fake_server_release(&self.server);
	assert_int_equal(rmdir(uploads), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upload_gets_there),
		cmocka_unit_test(upload_says_which_bytes_it_sends),
		cmocka_unit_test(upload_gives_up_without_progress),
		cmocka_unit_test(upload_tells_a_limit_it_cannot_meet),
		cmocka_unit_test(upload_goes_on_with_a_new_token),
		cmocka_unit_test(
			upload_of_an_earlier_run_is_begun_anew_when_it_is_damaged),
		cmocka_unit_test(
			upload_that_is_whole_is_kept_while_the_registry_is_down),
		cmocka_unit_test(
			upload_of_an_earlier_run_may_be_where_nobody_is),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include "base/mem.h"
#include "kube/csr.h"
#include "kube_fixture.h"

#define COLLECTION "/apis/certificates.k8s.io/v1/certificatesigningrequests"
#define REQUEST(spec, status)                                      \
	JSON_ANSWER("200 OK")                                      \
	"{\"metadata\":{\"name\":\"wlm-x1\"},\"spec\":{" spec "}," \
	"\"status\":{" status "}}"
#define APPROVED "\"conditions\":[{\"type\":\"Approved\",\"status\":\"True\"}]"

static const struct csr csr = {
	.name = "wlm-",
	.request_pem = "request\n",
	.rsa = true,
	.seconds = 86400,
	.timeout_ms = 300,
};

static int ask(struct kube_fixture *self, const char *const *answers, size_t nr,
	       char **pem, bool *heard)
{
	int result;

	kube_fixture_begin(self, answers, nr);
	result = csr_issue(self->kube, &csr, pem, heard, &self->err);
	kube_fixture_stop(self);
	return result;
}

static void csr_is_approved_fetched_and_deleted(void **state)
{
	static const char *const answers[] = {
		REQUEST("\"expirationSeconds\":86400", ""),
		REQUEST("", APPROVED),
		REQUEST("", APPROVED),
		REQUEST("", APPROVED ",\"certificate\":\"Y2VydAo=\""),
		REQUEST("", ""),
	};
	autofree char *pem = NULL;
	struct kube_fixture self;
	bool heard = false;

	(void)state;
	assert_done(ask(&self, answers, ARRAY_SIZE(answers), &pem, &heard) == 0,
		    &self.err);
	assert_string_equal(pem, "cert\n");
	assert_true(heard);
	assert_asked(&self, 0, "POST " COLLECTION);
	assert_asked(&self, 1, "PUT " COLLECTION "/wlm-x1/approval");
	assert_asked(&self, 2, "GET " COLLECTION "/wlm-x1");
	assert_asked(&self, 3, "GET " COLLECTION "/wlm-x1");
	assert_asked(&self, 4, "DELETE " COLLECTION "/wlm-x1");
	kube_fixture_end(&self);
}

static void csr_tells_that_an_old_server_hears_no_wish(void **state)
{
	static const char *const answers[] = {
		REQUEST("", ""),
		REQUEST("", APPROVED),
		REQUEST("", "\"certificate\":\"Y2VydAo=\""),
		REQUEST("", ""),
	};
	autofree char *pem = NULL;
	struct kube_fixture self;
	bool heard = true;

	(void)state;
	assert_done(ask(&self, answers, ARRAY_SIZE(answers), &pem, &heard) == 0,
		    &self.err);
	assert_false(heard);
	kube_fixture_end(&self);
}

/* Who fails leaves no request behind. */
static void csr_is_deleted_where_it_fails(void **state)
{
	static const struct {
		const char *answer; /* to the approval, or to the fetch */
		bool approved;
		enum err_kind kind;
		const char *told;
	} cases[] = {
		{ JSON_ANSWER(
			  "403 Forbidden") "{\"kind\":\"Status\","
					   "\"code\":403,\"message\":\"no\"}",
		  false, ERR_API, "may not approve" },
		{ REQUEST("", "\"conditions\":[{\"type\":\"Denied\","
			      "\"message\":\"by Jane\"}]"),
		  true, ERR_API, "'Denied': by Jane" },
		{ REQUEST("", "\"conditions\":[{\"type\":\"Failed\","
			      "\"message\":\"bad usage\"}]"),
		  true, ERR_API, "'Failed': bad usage" },
		{ REQUEST("", "\"certificate\":\"%%\""), true, ERR_INVALID,
		  "certificate" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *answers[] = { REQUEST("", ""), REQUEST("", ""),
					  cases[i].answer, REQUEST("", "") };
		size_t nr = 4, last = 3;
		struct kube_fixture self;
		char *pem = NULL;
		bool heard;

		if (!cases[i].approved) {
			answers[1] = cases[i].answer;
			last = 2;
		}
		assert_int_equal(ask(&self, answers, nr, &pem, &heard), -1);
		assert_int_equal(self.err.kind, cases[i].kind);
		assert_non_null(strstr(self.err.msg, cases[i].told));
		assert_null(pem);
		assert_asked(&self, last, "DELETE " COLLECTION "/wlm-x1");
		kube_fixture_end(&self);
	}
}

static void csr_that_nobody_signs_times_out(void **state)
{
	const char *answers[12];
	struct kube_fixture self;
	char *pem = NULL;
	bool heard;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		answers[i] = REQUEST("", APPROVED);
	assert_int_equal(ask(&self, answers, ARRAY_SIZE(answers), &pem, &heard),
			 -1);
	assert_int_equal(self.err.kind, ERR_TIMEOUT);
	assert_non_null(strstr(self.err.msg, "--cluster-signing-key-file"));
	assert_asked(&self, self.server.asked.nr - 1,
		     "DELETE " COLLECTION "/wlm-x1");
	kube_fixture_end(&self);
}

static void csr_that_may_not_be_approved_is_told_beforehand(void **state)
{
#define MAY JSON_ANSWER("201 Created") "{\"status\":{\"allowed\":true}}"
#define MAY_NOT JSON_ANSWER("201 Created") "{\"status\":{\"allowed\":false}}"
	static const char *const answers[] = { MAY, MAY, MAY, MAY, MAY_NOT };
	struct kube_fixture self;

	(void)state;
	kube_fixture_begin(&self, answers, ARRAY_SIZE(answers));
	assert_int_equal(csr_check(self.kube, &self.err), -1);
	kube_fixture_stop(&self);
	assert_error(&self.err, ERR_BLOCKED, "may not approve signers");
	kube_fixture_end(&self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csr_is_approved_fetched_and_deleted),
		cmocka_unit_test(csr_tells_that_an_old_server_hears_no_wish),
		cmocka_unit_test(csr_is_deleted_where_it_fails),
		cmocka_unit_test(csr_that_nobody_signs_times_out),
		cmocka_unit_test(
			csr_that_may_not_be_approved_is_told_beforehand),
	};

	return cmocka_run_group_tests_name("csr", tests, NULL, NULL);
}

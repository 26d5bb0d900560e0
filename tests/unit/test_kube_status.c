#include "unit.h"

#include "base/mem.h"
#include "kube/status.h"

static void status_describe_says_what_was_asked(void **state)
{
	static const struct {
		const char *method;
		const char *path;
		const char *type;
		const char *text;
	} cases[] = {
		{ NULL, "/api/v1/namespaces/ns/pods/p/log?x=1", NULL,
		  "read log of pod 'p' in namespace 'ns'" },
		{ "GET", "/apis/apps/v1/namespaces/ns/deployments/d", NULL,
		  "read deployment 'd' in namespace 'ns'" },
		{ "GET", "/api/v1/namespaces?limit=5", NULL,
		  "list namespaces" },
		{ "GET", "/api/v1/namespaces/ns", NULL, "read namespace 'ns'" },
		{ "DELETE",
		  "/apis/networking.k8s.io/v1/namespaces/n/networkpolicies/p",
		  NULL, "delete networkpolicy 'p' in namespace 'n'" },
		{ "DELETE",
		  "/apis/networking.k8s.io/v1/namespaces/n/ingresses/i", NULL,
		  "delete ingress 'i' in namespace 'n'" },
		{ "PATCH", "/apis/apps/v1/namespaces/n/deployments/d",
		  "application/apply-patch+yaml",
		  "apply deployment 'd' in namespace 'n'" },
		{ "PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterroles/c",
		  "application/json-patch+json", "change clusterrole 'c'" },
		{ "GET", "/version", NULL, "read '/version'" },
		{ "GET", "/apis", NULL, "read '/apis'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube_request request = {
			.method = cases[i].method,
			.path = cases[i].path,
			.content_type = cases[i].type,
		};
		struct buf auto_buf text = BUF_INIT(BUF_TEXT_MAX);

		status_describe(&text, &request);
		assert_string_equal(buf_str(&text), cases[i].text);
	}
}

static void status_describe_names_what_is_created(void **state)
{
	autojval struct jval *body = jval_pack(
		"{s:s, s:{s:s}}", "kind", "Secret", "metadata", "name", "s");
	struct kube_request request = {
		.method = "POST",
		.path = "/api/v1/namespaces/n/secrets",
		.body = body,
	};
	struct buf auto_buf text = BUF_INIT(BUF_TEXT_MAX);

	(void)state;
	status_describe(&text, &request);
	assert_string_equal(buf_str(&text),
			    "create secret 's' in namespace 'n'");
}

static void status_is_transient_where_waiting_helps(void **state)
{
	(void)state;
	assert_true(status_is_transient(429, ""));
	assert_true(status_is_transient(503, "webhook"));
	assert_true(status_is_transient(500, "etcdserver: leader changed"));
	assert_false(status_is_transient(500, "failed calling webhook"));
	assert_false(status_is_transient(404, ""));
	assert_false(status_is_transient(200, ""));
}

static void status_error_tells_message_and_causes(void **state)
{
	static const char text[] =
		"{\"kind\":\"Status\",\"message\":\"it is invalid\",\"details\":{\"causes\":[{\"field\":\"spec.x\",\"message\":\"must be y\"}]}}";
	struct kube_request request = { .path = "/api/v1/namespaces/n" };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(status_error(NULL, &request, 422, text, strlen(text),
				      &err),
			 -1);
	assert_error(
		&err, ERR_API,
		"cannot read namespace 'n': it is invalid; spec.x: must be y");
	assert_int_equal(err.http, 422);
	assert_false(err.transient);
}

static void status_error_copes_with_what_is_no_status(void **state)
{
	static const char text[] = "<html>Bad\tGateway\nmore";
	struct kube_request request = { .path = "/api/v1/namespaces/n" };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(status_error(NULL, &request, 502, text, strlen(text),
				      &err),
			 -1);
	assert_error(&err, ERR_API, ": status 502: <html>Bad Gateway");
	assert_null(strstr(err.msg, "more"));
	assert_true(err.transient);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_describe_says_what_was_asked),
		cmocka_unit_test(status_describe_names_what_is_created),
		cmocka_unit_test(status_is_transient_where_waiting_helps),
		cmocka_unit_test(status_error_tells_message_and_causes),
		cmocka_unit_test(status_error_copes_with_what_is_no_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include "base/mem.h"
#include "format/yaml.h"
#include "kube/kubeconfig_text.h"

static const struct kubeconfig_parts parts = {
	.cluster = "kubernetes",
	.user = "slurm-dws",
	.ns = "default",
	.server = "https://10.1.2.3:6443",
	.ca_pem = "ca\n",
	.cert_pem = "cert\n",
	.key_pem = "key\n",
};

static struct jval *parsed(const struct kubeconfig_parts *from)
{
	struct buf auto_buf_secret text = BUF_INIT(BUF_TEXT_MAX);
	struct err err = ERR_INIT;
	struct jval *value;

	kubeconfig_text(&text, from);
	value = yaml_parse(buf_str(&text), text.len, &err);
	assert_done(value != NULL, &err);
	return value;
}

static void kubeconfig_text_is_read_as_it_was_meant(void **state)
{
	autojval struct jval *value = parsed(&parts);
	const struct jval *cluster = jval_at(jval_get(value, "clusters"), 0);
	const struct jval *context = jval_at(jval_get(value, "contexts"), 0);
	const struct jval *user = jval_at(jval_get(value, "users"), 0);

	(void)state;
	assert_string_equal(jval_str(value, "kind"), "Config");
	assert_string_equal(jval_str(value, "current-context"),
			    "slurm-dws@kubernetes");
	assert_string_equal(jval_str(cluster, "cluster.server"), parts.server);
	assert_string_equal(jval_str(cluster,
				     "cluster.certificate-authority-data"),
			    "Y2EK");
	assert_null(jval_path(cluster, "cluster.proxy-url"));
	assert_null(jval_path(cluster, "cluster.tls-server-name"));
	assert_string_equal(jval_str(context, "context.namespace"), "default");
	assert_string_equal(jval_str(context, "context.cluster"), "kubernetes");
	assert_string_equal(jval_str(context, "context.user"), "slurm-dws");
	assert_string_equal(jval_str(user, "user.client-certificate-data"),
			    "Y2VydAo=");
	assert_string_equal(jval_str(user, "user.client-key-data"), "a2V5Cg==");
}

static void kubeconfig_text_takes_odd_names(void **state)
{
	static const char *const names[] = { "a: b", "- x", "\"q\"\n#c", "yes",
					     "1",    "{}",  "\xc3\xa4" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct kubeconfig_parts odd = parts;
		autojval struct jval *value = NULL;

		odd.cluster = odd.ns = odd.proxy = odd.tls_server_name =
			names[i];
		odd.ca_pem = NULL;
		value = parsed(&odd);
		assert_string_equal(
			jval_str(jval_at(jval_get(value, "clusters"), 0),
				 "name"),
			names[i]);
		assert_string_equal(
			jval_str(jval_at(jval_get(value, "clusters"), 0),
				 "cluster.proxy-url"),
			names[i]);
		assert_string_equal(
			jval_str(jval_at(jval_get(value, "contexts"), 0),
				 "context.namespace"),
			names[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kubeconfig_text_is_read_as_it_was_meant),
		cmocka_unit_test(kubeconfig_text_takes_odd_names),
	};

	return cmocka_run_group_tests_name("kubeconfig_text", tests, NULL,
					   NULL);
}

#include "unit.h"

#include "base/mem.h"
#include "bundle/host_time.h"
#include "bundle/render.h"
#include "format/yaml.h"
#include "kube/object.h"

static struct jval *rendered(const char *version)
{
	const struct render_options options = { .replicas = -1 };
	struct err err = ERR_INIT;
	autocatalogue struct catalogue *catalogue = catalogue_open(&err);
	struct jval *objects;

	assert_done(catalogue, &err);
	objects = render_release(catalogue_release(catalogue, version, &err),
				 &options, &err);
	assert_done(objects, &err);
	return objects;
}

static size_t count_mounted(const struct jval *objects)
{
	size_t nr = 0;

	for (size_t i = 0; i < jval_len(objects); i++)
		nr += host_time_mounted(jval_at(objects, i));
	return nr;
}

static void host_time_is_mounted_by_both_deployments_of_0_1_17(void **state)
{
	autojval struct jval *objects = rendered("0.1.17");
	autojval struct jval *older = rendered("0.0.20");

	(void)state;
	assert_int_equal(count_mounted(objects), 2);
	assert_int_equal(count_mounted(older), 0);
}

static void host_time_strips_every_trace_of_it(void **state)
{
	autojval struct jval *objects = rendered("0.1.17");

	(void)state;
	for (size_t i = 0; i < jval_len(objects); i++) {
		struct jval *object = jval_at(objects, i);
		autofree char *text = NULL;

		if (!host_time_mounted(object))
			continue;
		host_time_strip(object);
		text = jval_text(object, false);
		assert_null(strstr(text, "hostPath"));
		assert_null(strstr(text, "localtime"));
		assert_null(strstr(text, "tzdata"));
		/* The webhook's certificate stays, the controller has none. */
		if (str_eq(object_name(object), "dws-webhook"))
			assert_non_null(strstr(text, "\"mountPath\":\"/tmp/k8s-"
						     "webhook-server/"));
		else
			assert_null(strstr(text, "volume"));
	}
	assert_int_equal(count_mounted(objects), 0);
}

#define DEPLOYMENT_OF(containers, volumes)                             \
	"{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}," \
	" spec: {template: {spec: {" containers ", volumes: [" volumes "]}}}}"
#define LOG "{name: log, hostPath: {path: /var/log}}"
#define ZONE "{name: zone, hostPath: {path: /usr/share/zoneinfo/UTC}}"
#define MOUNTS "volumeMounts: [{name: zone, mountPath: /z}]"

static struct jval *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = yaml_parse(text, strlen(text), &err);

	assert_done(value, &err);
	return value;
}

static void host_time_leaves_other_host_paths(void **state)
{
	autojval struct jval *object = parse(DEPLOYMENT_OF(
		"initContainers: [{name: i, " MOUNTS "}], "
		"containers: [{name: c, volumeMounts: ["
		"{name: zone, mountPath: /z}, {name: log, mountPath: /l},"
		"{name: zone, mountPath: /y}]}]",
		LOG ", " ZONE));
	autojval struct jval *wanted =
		parse(DEPLOYMENT_OF("initContainers: [{name: i}], "
				    "containers: [{name: c, volumeMounts: ["
				    "{name: log, mountPath: /l}]}]",
				    LOG));
	autojval struct jval *before = jval_copy(wanted);

	(void)state;
	assert_true(host_time_mounted(object));
	host_time_strip(object);
	assert_true(jval_equal(object, wanted));
	assert_false(host_time_mounted(wanted));
	host_time_strip(wanted);
	assert_true(jval_equal(wanted, before));
}

static void host_time_takes_no_path_that_only_begins_alike(void **state)
{
	autojval struct jval *object = parse(DEPLOYMENT_OF(
		"containers: [{name: c, " MOUNTS "}]",
		"{name: zone, hostPath: {path: /etc/localtime.d}}"));

	(void)state;
	assert_false(host_time_mounted(object));
}

static void host_time_looks_only_at_deployments(void **state)
{
	autojval struct jval *object = parse(
		DEPLOYMENT_OF("containers: [{name: c, " MOUNTS "}]", ZONE));

	(void)state;
	jval_set_str(object, "kind", "DaemonSet");
	assert_false(host_time_mounted(object));
	host_time_strip(object);
	assert_int_equal(
		jval_len(jval_path(object, "spec.template.spec.volumes")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			host_time_is_mounted_by_both_deployments_of_0_1_17),
		cmocka_unit_test(host_time_strips_every_trace_of_it),
		cmocka_unit_test(host_time_leaves_other_host_paths),
		cmocka_unit_test(
			host_time_takes_no_path_that_only_begins_alike),
		cmocka_unit_test(host_time_looks_only_at_deployments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

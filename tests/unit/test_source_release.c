#include "unit.h"

#include "layout_fixture.h"

#include "bundle/source_release.h"

#define CRD                                                            \
	"apiVersion: apiextensions.k8s.io/v1\n"                        \
	"kind: CustomResourceDefinition\n"                             \
	"metadata: {name: workflows.dataworkflowservices.github.io}\n" \
	"spec: {versions: [{name: v1, storage: false},"                \
	" {name: v2, storage: true}]}\n"
#define ROLE                                         \
	"---\n"                                      \
	"apiVersion: rbac.authorization.k8s.io/v1\n" \
	"kind: ClusterRole\n"                        \
	"metadata: {name: dws-workload-manager}\n"
#define POD(images)             \
	"---\n"                 \
	"apiVersion: apps/v1\n" \
	"kind: Deployment\n"    \
	"metadata: {name: d}\n" \
	"spec: {template: {spec: {containers: [" images "]}}}\n"

static const struct release *newest(struct catalogue **catalogue)
{
	struct err err = ERR_INIT;
	const struct release *release;

	*catalogue = catalogue_open(&err);
	assert_done(*catalogue, &err);
	release = catalogue_release(*catalogue, NULL, &err);
	assert_done(release, &err);
	return release;
}

static int load(struct source_release *self, const struct release *like,
		const char *yaml, const char *version, struct err *err)
{
	autofree char *path = mem_printf("%s/m.yaml", dir);
	const struct source_release_options options = {
		.path = path,
		.rendered = true,
		.version = version,
		.like = like,
	};

	put("m.yaml", yaml);
	return source_release_load(self, &options, err);
}

static void release_is_read_out_of_its_objects(void **state)
{
	autocatalogue struct catalogue *catalogue = NULL;
	const struct release *like = newest(&catalogue);
	auto_source_release struct source_release self = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(load(&self, like,
			 CRD ROLE POD("{image: registry.local/dws:1.2.3}"),
			 NULL, &err) == 0,
		    &err);
	assert_string_equal(self.release.version, "1.2.3");
	assert_string_equal(self.release.storage_version, "v2");
	assert_string_equal(self.release.workload_manager_role,
			    "dws-workload-manager");
	assert_int_equal(jval_len(self.objects), 3);
	assert_string_equal(jval_str(self.source, "type"), "manifests");
	assert_string_equal(jval_str(self.source, "name"), "m.yaml");
}

static void images_are_called_as_the_overlay_of_csm_looks_for_them(void **state)
{
	static const char *const sources[] = {
		"quay.io/brancz/kube-rbac-proxy:v9",
		"registry.k8s.io/kubebuilder/kube-rbac-proxy:v9",
		"gcr.io/kubebuilder/kube-rbac-proxy:v9",
	};
	autocatalogue struct catalogue *catalogue = NULL;
	const struct release *like = newest(&catalogue);
	auto_source_release struct source_release self = { 0 };
	struct err err = ERR_INIT;
	const struct release_image *image;
	autofree char *text = NULL;

	(void)state;
	assert_done(
		load(&self, like,
		     CRD ROLE POD("{image: registry.local/kube-rbac-proxy:v9},"
				  "{image: 'ghcr.io/x/dws:latest'},"
				  "{image: 'quay.io/y/other'}"),
		     "v1.2.3", &err) == 0,
		&err);
	assert_string_equal(self.release.version, "1.2.3");
	assert_int_equal(self.release.nr_images, 3);
	image = self.release.image;
	assert_string_equal(image[0].name, "dws");
	assert_string_equal(image[0].tag, "1.2.3");
	assert_string_equal(image[0].repository,
			    "ghcr.io/dataworkflowservices/dws");
	assert_string_equal(image[0].sources.item[0], "ghcr.io/x/dws:1.2.3");
	assert_string_equal(image[1].name, "kube-rbac-proxy");
	assert_int_equal(image[1].sources.nr, ARRAY_SIZE(sources));
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		assert_string_equal(image[1].sources.item[i], sources[i]);
	assert_string_equal(image[2].name, "other");
	assert_string_equal(image[2].repository, "quay.io/y/other");
	assert_string_equal(image[2].tag, "latest");
	text = jval_text(jval_at(self.objects, 2), false);
	assert_non_null(strstr(text, "quay.io/brancz/kube-rbac-proxy:v9"));
	assert_non_null(strstr(text, "ghcr.io/dataworkflowservices/dws:1.2.3"));
}

static void release_is_refused(void **state)
{
	static const struct {
		const char *yaml;
		enum err_kind kind;
		const char *text;
	} cases[] = {
		{ ROLE, ERR_INVALID, "is it DWS?" },
		{ CRD, ERR_INVALID, "workload_manager_role.yaml" },
		{ CRD ROLE, ERR_USAGE, "--version" },
		{ CRD ROLE POD("{image: x/dws:latest}"), ERR_USAGE,
		  "--version" },
		{ "a: 1\n---\n" CRD ROLE, ERR_INVALID, "document 1" },
		{ "{", ERR_INVALID, "line" },
		{ CRD ROLE POD("{image: 'x/dws:1'}, {image: 'y/dws:2'}"),
		  ERR_INVALID, "two images 'dws'" },
		{ CRD ROLE POD("{image: 'x/dws:1'}, {image: 'y/UPPER:2'}"),
		  ERR_INVALID, "UPPER" },
	};
	autocatalogue struct catalogue *catalogue = NULL;
	const struct release *like = newest(&catalogue);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_source_release struct source_release self = { 0 };
		struct err err = ERR_INIT;

		assert_int_equal(load(&self, like, cases[i].yaml, NULL, &err),
				 -1);
		assert_error(&err, cases[i].kind, cases[i].text);
		assert_error(&err, cases[i].kind, "m.yaml");
	}
}

static void image_by_digest_is_refused(void **state)
{
	autocatalogue struct catalogue *catalogue = NULL;
	const struct release *like = newest(&catalogue);
	auto_source_release struct source_release self = { 0 };
	struct err err = ERR_INIT;
	char digest[DIGEST_SIZE];
	autofree char *yaml = NULL;

	(void)state;
	digest_of("x", 1, digest);
	yaml = mem_printf(CRD ROLE POD("{image: 'x/dws:1@%s'}"), digest);
	assert_int_equal(load(&self, like, yaml, NULL, &err), -1);
	assert_error(&err, ERR_INVALID, "by digest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(release_is_read_out_of_its_objects),
		cmocka_unit_test(
			images_are_called_as_the_overlay_of_csm_looks_for_them),
		cmocka_unit_test(release_is_refused),
		cmocka_unit_test(image_by_digest_is_refused),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}

/* From the releases that are embedded into each other. */
#include "unit.h"

#include "base/mem.h"
#include "base/strs.h"
#include "bundle/catalogue.h"
#include "bundle/render.h"
#include "txn/carry.h"

struct fixture {
	struct catalogue *catalogue;
	struct jval *old; /* objects of 0.0.20 */
	struct jval *new; /* of 0.1.17 */
	struct err err;
};

static struct jval *objects_of(struct fixture *self, const char *version)
{
	const struct release *release =
		catalogue_release(self->catalogue, version, &self->err);
	struct render_options options = { .replicas = -1 };
	struct jval *objects;

	assert_done(release != NULL, &self->err);
	objects = render_release(release, &options, &self->err);
	assert_done(objects != NULL, &self->err);
	return objects;
}

static int set_up(void **state)
{
	struct fixture *self = mem_alloc(sizeof(*self));

	self->catalogue = catalogue_open(&self->err);
	assert_done(self->catalogue != NULL, &self->err);
	self->old = objects_of(self, "0.0.20");
	self->new = objects_of(self, "0.1.17");
	*state = self;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *self = *state;

	jval_free(self->old);
	jval_free(self->new);
	catalogue_free(self->catalogue);
	free(self);
	return 0;
}

static struct jval *resource(const char *kind, const char *rest)
{
	autofree char *text = mem_printf(
		"{\"apiVersion\":\"dataworkflowservices.github.io/v1alpha2\","
		"\"kind\":\"%s\",\"metadata\":{\"name\":\"n\","
		"\"namespace\":\"ns\",\"uid\":\"u\",\"resourceVersion\":\"7\","
		"\"generation\":3,\"finalizers\":[\"f\"],"
		"\"ownerReferences\":[{\"apiVersion\":"
		"\"dataworkflowservices.github.io/v1alpha2\",\"kind\":"
		"\"Servers\",\"name\":\"o\",\"uid\":\"1\"},{\"apiVersion\":"
		"\"v1\",\"kind\":\"Pod\",\"name\":\"p\",\"uid\":\"2\"}]},%s}",
		kind, rest);
	struct err err = ERR_INIT;
	struct jval *value = jval_parse(text, strlen(text), &err);

	assert_done(value != NULL, &err);
	return value;
}

/* What becomes of it; err is filled in where it is refused. */
static struct jval *carried(const struct jval *objects,
			    const struct strs *abandon, const char *kind,
			    const char *rest, struct err *err)
{
	struct carry carry = { .objects = objects, .abandon = abandon };
	autojval struct jval *from = resource(kind, rest);

	err_clear(err);
	return carry_object(&carry, from, err);
}

static void carry_rewrites_version_and_keeps_what_a_user_wrote(void **state)
{
	struct fixture *self = *state;
	autojval struct jval *object =
		carried(self->new, NULL, "Storage",
			"\"spec\":{\"state\":\"Enabled\"},"
			"\"status\":{\"capacity\":5}",
			&self->err);
	const struct jval *owners;

	assert_done(object != NULL, &self->err);
	assert_string_equal(jval_str(object, "apiVersion"),
			    "dataworkflowservices.github.io/v1alpha7");
	assert_string_equal(jval_str(object, "metadata.name"), "n");
	assert_string_equal(
		jval_string(
			jval_at(jval_path(object, "metadata.finalizers"), 0)),
		"f");
	assert_null(jval_path(object, "metadata.uid"));
	assert_null(jval_path(object, "metadata.resourceVersion"));
	assert_null(jval_path(object, "metadata.generation"));
	assert_int_equal(jval_int(object, "status.capacity", 0), 5);
	owners = jval_path(object, "metadata.ownerReferences");
	assert_string_equal(jval_str(jval_at(owners, 0), "apiVersion"),
			    "dataworkflowservices.github.io/v1alpha7");
	assert_string_equal(jval_str(jval_at(owners, 1), "apiVersion"), "v1");
	assert_string_equal(jval_str(jval_at(owners, 1), "uid"), "2");
}

static void carry_names_what_the_release_does_not_take(void **state)
{
	static const struct {
		const char *kind, *rest, *field;
	} cases[] = {
		{ "Storage", "\"spec\":{\"mode\":\"Testing\"}",
		  "'spec.mode' is not known" },
		{ "Storage",
		  "\"spec\":{},\"status\":{\"capacity\":1,"
		  "\"status\":\"Drained\"}",
		  "'status.status' is \"Drained\"" },
		{ "DWDirectiveRule",
		  "\"spec\":[{\"command\":\"c\",\"ruleDefs\":[{\"key\":\"k\","
		  "\"type\":\"t\",\"patterns\":[\"p\"]}]}]",
		  "'spec[0].ruleDefs[0].patterns' is not known" },
		{ "SystemStatus", "\"data\":{}", "'kind' is not known" },
	};
	struct fixture *self = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err *err = &self->err;

		assert_null(carried(self->old, NULL, cases[i].kind,
				    cases[i].rest, err));
		assert_error(err, ERR_BLOCKED, cases[i].field);
		assert_error(err, ERR_BLOCKED, cases[i].kind);
		assert_error(err, ERR_BLOCKED, "'n' in namespace 'ns'");
		assert_error(err, ERR_BLOCKED, "--abandon-resources");
	}
}

static void carry_leaves_behind_what_is_abandoned_and_workflows(void **state)
{
	struct fixture *self = *state;
	auto_strs struct strs abandon = STRS_INIT;

	strs_add(&abandon, "systemstatus");
	assert_null(carried(self->old, &abandon, "SystemStatus", "\"data\":{}",
			    &self->err));
	assert_int_equal(self->err.kind, ERR_NONE);
	assert_null(carried(self->new, NULL, "Workflow", "\"spec\":{}",
			    &self->err));
	assert_int_equal(self->err.kind, ERR_NONE);
}

static void carry_makes_what_the_newer_release_demands(void **state)
{
	struct fixture *self = *state;
	autojval struct jval *mount = carried(
		self->new, NULL, "ClientMount",
		"\"status\":{\"mounts\":[{\"ready\":true,\"state\":\"mounted\"},"
		"{\"ready\":false,\"state\":\"mounted\"}]}",
		&self->err);
	autojval struct jval *servers = carried(
		self->new, NULL, "Servers",
		"\"status\":{\"ready\":true,\"allocationSets\":[{\"label\":\"l\","
		"\"storage\":{\"rabbit.0\":{\"allocationSize\":1}}}]}",
		&self->err);
	const struct jval *set;

	assert_done(mount && servers, &self->err);
	assert_false(jval_bool(mount, "status.allReady", true));
	set = jval_at(jval_path(servers, "status.allocationSets"), 0);
	assert_true(jval_bool(jval_get(jval_get(set, "storage"), "rabbit.0"),
			      "ready", false));
}

static void carry_leaves_off_what_says_nothing_to_the_older(void **state)
{
	struct fixture *self = *state;
	autojval struct jval *storage = carried(self->old, NULL, "Storage",
						"\"spec\":{\"mode\":\"Live\"}",
						&self->err);
	autojval struct jval *mount = carried(
		self->old, NULL, "ClientMount",
		"\"status\":{\"allReady\":true,\"mounts\":[]}", &self->err);
	autojval struct jval *same = carried(self->new, NULL, "Storage",
					     "\"spec\":{\"mode\":\"Live\"}",
					     &self->err);

	assert_done(storage && mount && same, &self->err);
	assert_null(jval_path(storage, "spec.mode"));
	assert_null(jval_path(mount, "status.allReady"));
	assert_string_equal(jval_str(same, "spec.mode"), "Live");
}

static void carry_refuse_tells_the_first_problem_and_how_many(void **state)
{
	static const char text[] =
		"[{\"kind\":\"Servers\",\"nrProblems\":0,\"problems\":[]},"
		"{\"kind\":\"Storage\",\"nrProblems\":30,\"problems\":["
		"{\"namespace\":\"ns\",\"name\":\"n\",\"field\":\"spec.x\","
		"\"why\":\"is not known\"}]}]";
	struct fixture *self = *state;
	autojval struct jval *report =
		jval_parse(text, strlen(text), &self->err);
	autojval struct jval *none = jval_new_array();

	assert_int_equal(carry_refuse(none, &self->err), 0);
	assert_int_equal(carry_refuse(report, &self->err), -1);
	assert_error(&self->err, ERR_BLOCKED,
		     "Storage 'n' in namespace 'ns': 'spec.x' is not known; "
		     "and there are 29 more; ");
	assert_error(&self->err, ERR_BLOCKED, "--abandon-resources Storage");
}

#define WITH_FIXTURE(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(
			carry_rewrites_version_and_keeps_what_a_user_wrote),
		WITH_FIXTURE(carry_names_what_the_release_does_not_take),
		WITH_FIXTURE(
			carry_leaves_behind_what_is_abandoned_and_workflows),
		WITH_FIXTURE(carry_makes_what_the_newer_release_demands),
		WITH_FIXTURE(carry_leaves_off_what_says_nothing_to_the_older),
		WITH_FIXTURE(carry_refuse_tells_the_first_problem_and_how_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include "base/mem.h"
#include "kube_fixture.h"
#include "txn/wlm_binding.h"

#define BINDINGS "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
#define SPARE BINDINGS "/slurm-dws-viewer-spare"
#define OLD                                                           \
	"{\"metadata\":{\"name\":\"slurm-dws-viewer\",\"uid\":\"u\"," \
	"\"resourceVersion\":\"7\",\"labels\":{\"site\":\"ours\"}},"  \
	"\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"old\"},"    \
	"\"subjects\":[{\"kind\":\"User\",\"name\":\"slurm-dws\"},"   \
	"{\"kind\":\"User\",\"name\":\"flux\"}]}"
#define A_SPARE                                                             \
	"{\"metadata\":{\"name\":\"slurm-dws-viewer-spare\",\"uid\":\"s\"," \
	"\"annotations\":{\"dws-csm.io/spare-of\":\"slurm-dws-viewer\"}},"  \
	"\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"new\"}}"
#define OK JSON_ANSWER("200 OK")
#define MADE JSON_ANSWER("201 Created")
#define FORBIDDEN                                        \
	JSON_ANSWER("403 Forbidden")                     \
	"{\"kind\":\"Status\",\"reason\":\"Forbidden\"," \
	"\"message\":\"you may not\",\"code\":403}"

static struct jval *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = jval_parse(text, strlen(text), &err);

	assert_done(value != NULL, &err);
	return value;
}

static int replace(struct kube_fixture *self, const char *const *answers,
		   size_t nr)
{
	autojval struct jval *was = parse(OLD);
	autojval struct jval *object = wlm_binding_to(was, "new");
	int result;

	kube_fixture_begin(self, answers, nr);
	result = wlm_binding_replace(self->kube, was, object, NULL, &self->err);
	kube_fixture_stop(self);
	return result;
}

static int mend(struct kube_fixture *self, const char *const *answers,
		size_t nr, struct jval **binding)
{
	int result;

	kube_fixture_begin(self, answers, nr);
	result = wlm_binding_mend(binding, self->kube, &self->err);
	kube_fixture_stop(self);
	return result;
}

static void binding_to_another_role_keeps_the_rest(void **state)
{
	autojval struct jval *was = parse(OLD);
	autojval struct jval *object = wlm_binding_to(was, "new");

	(void)state;
	assert_string_equal(jval_str(object, "roleRef.name"), "new");
	assert_string_equal(jval_str(object, "metadata.labels.site"), "ours");
	assert_null(jval_path(object, "metadata.uid"));
	assert_int_equal(jval_len(jval_get(object, "subjects")), 2);
	assert_string_equal(jval_str(was, "roleRef.name"), "old");
}

static void binding_without_the_user_has_the_others(void **state)
{
	autojval struct jval *was = parse(OLD);
	bool bound = false;
	autojval struct jval *others = wlm_binding_others(was, &bound);
	autojval struct jval *none = wlm_binding_others(NULL, &bound);

	(void)state;
	assert_int_equal(jval_len(others), 1);
	assert_string_equal(jval_str(jval_at(others, 0), "name"), "flux");
	assert_int_equal(jval_len(none), 0);
	assert_false(bound);
}

static void binding_is_made_anew_beside_a_spare(void **state)
{
	static const char *const answers[] = { MADE A_SPARE, OK "{}", MADE OLD,
					       OK "{}" };
	struct kube_fixture self;

	(void)state;
	assert_done(replace(&self, answers, ARRAY_SIZE(answers)) == 0,
		    &self.err);
	assert_asked(&self, 0, "POST " BINDINGS);
	assert_asked(&self, 1, "DELETE " WLM_BINDING_PATH);
	assert_asked(&self, 2, "POST " BINDINGS);
	assert_asked(&self, 3, "DELETE " SPARE);
	kube_fixture_end(&self);
}

static void binding_that_somebody_changed_stays(void **state)
{
	static const char *const answers[] = { MADE A_SPARE, CONFLICT_ANSWER,
					       OK "{}" };
	struct kube_fixture self;

	(void)state;
	assert_int_equal(replace(&self, answers, ARRAY_SIZE(answers)), -1);
	assert_int_equal(self.err.http, 409);
	assert_asked(&self, 2, "DELETE " SPARE);
	kube_fixture_end(&self);
}

static void binding_that_may_not_be_made_is_put_back(void **state)
{
	static const char *const answers[] = { MADE A_SPARE, OK "{}", FORBIDDEN,
					       MADE OLD, OK "{}" };
	struct kube_fixture self;

	(void)state;
	assert_int_equal(replace(&self, answers, ARRAY_SIZE(answers)), -1);
	assert_error(&self.err, ERR_API, "you may not");
	assert_asked(&self, 3, "POST " BINDINGS);
	assert_asked(&self, 4, "DELETE " SPARE);
	kube_fixture_end(&self);
}

static void spare_stays_where_nothing_else_gives_the_rights(void **state)
{
	static const char *const answers[] = { MADE A_SPARE, OK "{}", FORBIDDEN,
					       FORBIDDEN };
	struct kube_fixture self;

	(void)state;
	assert_int_equal(replace(&self, answers, ARRAY_SIZE(answers)), -1);
	assert_error(&self.err, ERR_API, "could not be made again");
	kube_fixture_end(&self);
}

static void spare_takes_the_place_of_what_is_missing(void **state)
{
	static const char *const answers[] = { NOT_FOUND_ANSWER, OK A_SPARE,
					       MADE OLD, OK "{}" };
	autojval struct jval *binding = NULL;
	struct kube_fixture self;

	(void)state;
	assert_int_equal(mend(&self, answers, ARRAY_SIZE(answers), &binding),
			 1);
	assert_string_equal(jval_str(binding, "roleRef.name"), "old");
	assert_asked(&self, 2, "POST " BINDINGS);
	assert_asked(&self, 3, "DELETE " SPARE);
	kube_fixture_end(&self);
}

static void spare_of_somebody_else_is_left_alone(void **state)
{
	static const char *const answers[] = { NOT_FOUND_ANSWER, OK OLD };
	autojval struct jval *binding = NULL;
	struct kube_fixture self;

	(void)state;
	assert_int_equal(mend(&self, answers, ARRAY_SIZE(answers), &binding),
			 0);
	assert_null(binding);
	kube_fixture_end(&self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binding_to_another_role_keeps_the_rest),
		cmocka_unit_test(binding_without_the_user_has_the_others),
		cmocka_unit_test(binding_is_made_anew_beside_a_spare),
		cmocka_unit_test(binding_that_somebody_changed_stays),
		cmocka_unit_test(binding_that_may_not_be_made_is_put_back),
		cmocka_unit_test(
			spare_stays_where_nothing_else_gives_the_rights),
		cmocka_unit_test(spare_takes_the_place_of_what_is_missing),
		cmocka_unit_test(spare_of_somebody_else_is_left_alone),
	};

	return cmocka_run_group_tests_name("wlm_binding", tests, NULL, NULL);
}

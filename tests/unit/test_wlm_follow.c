#include "unit.h"

#include "base/mem.h"
#include "kube_fixture.h"
#include "txn/wlm_binding.h"
#include "txn/wlm_follow.h"

#define OLD_ROLE "dws-workload-manager"
#define NEW_ROLE "workload-manager"
#define BINDING(name, role)                                      \
	"{\"metadata\":{\"name\":\"" name "\",\"uid\":\"u\","    \
	"\"resourceVersion\":\"7\"},\"roleRef\":{\"kind\":"      \
	"\"ClusterRole\",\"name\":\"" role "\"},\"subjects\":[{" \
	"\"kind\":\"User\",\"name\":\"slurm-dws\"}]}"
#define ROLE(group)                            \
	"{\"rules\":[{\"apiGroups\":[\"" group \
	"\"],\"resources\":[\"workflows\"],\"verbs\":[\"list\"]}]}"
#define OURS "dataworkflowservices.github.io"
#define OK JSON_ANSWER("200 OK")
#define MADE JSON_ANSWER("201 Created")

/* A release that has the role of that name. */
static struct jval *objects_with(const char *role)
{
	return jval_pack("[{s:s, s:{s:s}}, {s:s, s:{s:s}}]", "kind",
			 "ServiceAccount", "metadata", "name", NEW_ROLE, "kind",
			 "ClusterRole", "metadata", "name", role);
}

typedef int follow(struct kube *kube, const struct wlm_release *release,
		   void *result, struct err *err);

static int move(struct kube *kube, const struct wlm_release *release,
		void *result, struct err *err)
{
	(void)result;
	return wlm_follow(kube, release, err);
}

static int foresee(struct kube *kube, const struct wlm_release *release,
		   void *result, struct err *err)
{
	return wlm_foresee(kube, release, result, err);
}

static int list_stranded(struct kube *kube, const struct wlm_release *release,
			 void *result, struct err *err)
{
	return wlm_stranded(kube, release, result, err);
}

/* Call it for a release with `role`; what it returns. */
static int ask(struct kube_fixture *self, follow *call, const char *role,
	       void *result, const char *const *answers, size_t nr)
{
	autojval struct jval *objects = objects_with(role);
	struct err err = ERR_INIT;
	autocatalogue struct catalogue *catalogue = catalogue_open(&err);
	struct wlm_release release = { .catalogue = catalogue,
				       .version = "9.9.9",
				       .objects = objects };
	int returned;

	assert_done(catalogue != NULL, &err);
	kube_fixture_begin(self, answers, nr);
	returned = call(self->kube, &release, result, &self->err);
	kube_fixture_stop(self);
	return returned;
}

static void binding_goes_with_the_release(void **state)
{
	static const char *const answers[] = {
		OK BINDING("slurm-dws-viewer", OLD_ROLE),
		NOT_FOUND_ANSWER, /* a spare */
		NOT_FOUND_ANSWER, /* its role, of the last release */
		MADE BINDING("slurm-dws-viewer-spare", NEW_ROLE),
		OK "{}",
		MADE BINDING("slurm-dws-viewer", NEW_ROLE),
		OK "{}",
	};
	struct kube_fixture self;

	(void)state;
	assert_int_equal(ask(&self, move, NEW_ROLE, NULL, answers,
			     ARRAY_SIZE(answers)),
			 1);
	assert_asked(&self, 2, "GET " WLM_ROLES_PATH "/" OLD_ROLE);
	assert_asked(&self, 3, "POST " WLM_BINDINGS_PATH);
	assert_asked(&self, 4, "DELETE " WLM_BINDING_PATH);
	assert_asked(&self, 5, "POST " WLM_BINDINGS_PATH);
	assert_int_equal(self.server.asked.nr, 7);
	kube_fixture_end(&self);
}

static void binding_stays_where_it_is_right_or_the_sites(void **state)
{
	static const char *const roles[] = { NEW_ROLE, "site-role" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		const char *const answers[] = {
			i == 0 ? OK BINDING("slurm-dws-viewer", NEW_ROLE) :
				 OK BINDING("slurm-dws-viewer", "site-role"),
			NOT_FOUND_ANSWER,
		};
		struct kube_fixture self;

		assert_int_equal(ask(&self, move, NEW_ROLE, NULL, answers,
				     ARRAY_SIZE(answers)),
				 0);
		assert_int_equal(self.server.asked.nr, 2);
		kube_fixture_end(&self);
	}
}

static void binding_to_a_role_that_only_has_the_name_stays(void **state)
{
	static const char *const answers[] = {
		OK BINDING("slurm-dws-viewer", OLD_ROLE),
		NOT_FOUND_ANSWER,
		OK ROLE("batch"),
	};
	struct kube_fixture self;

	(void)state;
	assert_int_equal(ask(&self, move, NEW_ROLE, NULL, answers,
			     ARRAY_SIZE(answers)),
			 0);
	assert_int_equal(self.server.asked.nr, 3);
	kube_fixture_end(&self);
}

static void plan_tells_of_another_role_and_changes_nothing(void **state)
{
	static const char *const answers[] = {
		OK BINDING("slurm-dws-viewer", NEW_ROLE),
		OK ROLE(OURS),
	};
	struct plan plan = PLAN_INIT;
	struct kube_fixture self;

	(void)state;
	assert_int_equal(ask(&self, foresee, OLD_ROLE, &plan, answers,
			     ARRAY_SIZE(answers)),
			 0);
	assert_int_equal(jval_len(plan.steps), 1);
	assert_string_equal(jval_str(jval_at(plan.steps, 0), "action"), "bind");
	assert_non_null(strstr(jval_str(jval_at(plan.steps, 0), "thing"),
			       " to " OLD_ROLE));
	for (size_t i = 0; i < self.server.asked.nr; i++)
		assert_asked(&self, i, "GET ");
	plan_release(&plan);
	kube_fixture_end(&self);
}

static void stranded_are_bindings_of_others_to_a_role_that_is_gone(void **state)
{
	static const char *const answers[] = {
		OK
		"{\"kind\":\"List\",\"metadata\":{},\"items\":[" BINDING("slurm-dws-viewer", OLD_ROLE) "," BINDING(
			"slurm-dws-viewer-spare",
			OLD_ROLE) "," BINDING("flux",
					      OLD_ROLE) "," BINDING("pbs",
								    NEW_ROLE) "," BINDING("site",
											  "site-role") "]}",
		NOT_FOUND_ANSWER,
		OK ROLE(OURS),
	};
	auto_strs struct strs names = STRS_INIT;
	struct kube_fixture self;

	(void)state;
	assert_done(ask(&self, list_stranded, NEW_ROLE, &names, answers,
			ARRAY_SIZE(answers)) == 0,
		    &self.err);
	assert_int_equal(names.nr, 1);
	assert_string_equal(names.item[0], "flux");
	assert_int_equal(self.server.asked.nr, 3);
	kube_fixture_end(&self);
}

static void stranded_is_not_nobody_where_the_server_fails(void **state)
{
	auto_strs struct strs names = STRS_INIT;
	struct kube_fixture self;
	static const char *const answers[] = { JSON_ANSWER(
		"403 Forbidden") "{\"kind\":\"Status\",\"reason\":\"Forbidden\","
				 "\"message\":\"you may not\",\"code\":403}" };

	(void)state;
	assert_int_equal(ask(&self, list_stranded, NEW_ROLE, &names, answers,
			     ARRAY_SIZE(answers)),
			 -1);
	assert_error(&self.err, ERR_API, "you may not");
	kube_fixture_end(&self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binding_goes_with_the_release),
		cmocka_unit_test(binding_stays_where_it_is_right_or_the_sites),
		cmocka_unit_test(
			binding_to_a_role_that_only_has_the_name_stays),
		cmocka_unit_test(
			plan_tells_of_another_role_and_changes_nothing),
		cmocka_unit_test(
			stranded_are_bindings_of_others_to_a_role_that_is_gone),
		cmocka_unit_test(stranded_is_not_nobody_where_the_server_fails),
	};

	return cmocka_run_group_tests_name("wlm_follow", tests, NULL, NULL);
}

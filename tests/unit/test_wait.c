/* What wait.c judges by: ready.c and doom.c. */
#include "unit.h"

#include "base/mem.h"
#include "format/yaml.h"
#include "kube/doom.h"
#include "kube/wait.h"

static struct jval *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = yaml_parse(text, strlen(text), &err);

	assert_done(value != NULL, &err);
	return value;
}

#define DEPLOYMENT "apiVersion: apps/v1\nkind: Deployment\n"
#define CRD \
	"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
#define INJECTED \
	"metadata: {annotations: {cert-manager.io/inject-ca-from: a/b}}\n"

static const struct {
	const char *yaml;
	enum ready_state state;
	const char *why;
} ready_cases[] = {
	{ "kind: ConfigMap\napiVersion: v1\n", READY_YES, "" },
	{ "kind: ConfigMap\nmetadata: {deletionTimestamp: x}\n",
	  READY_TERMINATING, "deleted" },
	{ DEPLOYMENT
	  "metadata: {generation: 2}\nstatus: {observedGeneration: 1}\n",
	  READY_PROGRESSING, "not seen" },
	{ DEPLOYMENT "spec: {replicas: 3}\n", READY_PROGRESSING,
	  "0 of 3 pods updated" },
	{ DEPLOYMENT
	  "spec: {replicas: 3}\nstatus: {updatedReplicas: 3, replicas: 4}\n",
	  READY_PROGRESSING, "1 old pods" },
	{ DEPLOYMENT
	  "spec: {replicas: 3}\nstatus: {updatedReplicas: 3, replicas: 3, readyReplicas: 1}\n",
	  READY_PROGRESSING, "1 of 3 pods ready" },
	{ DEPLOYMENT
	  "spec: {replicas: 3}\nstatus: {updatedReplicas: 3, replicas: 3, readyReplicas: 3, availableReplicas: 2}\n",
	  READY_PROGRESSING, "2 of 3 pods available" },
	{ DEPLOYMENT
	  "spec: {replicas: 1}\nstatus: {updatedReplicas: 1, replicas: 1, readyReplicas: 1, availableReplicas: 1}\n",
	  READY_PROGRESSING, "not available" },
	{ DEPLOYMENT
	  "spec: {replicas: 1}\nstatus: {updatedReplicas: 1, replicas: 1, readyReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: 'True'}]}\n",
	  READY_YES, "1 of 1" },
	{ DEPLOYMENT "spec: {replicas: 0}\n", READY_YES, "" },
	{ DEPLOYMENT
	  "status: {conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: too slow}]}\n",
	  READY_FAILED, "too slow" },
	{ CRD, READY_PROGRESSING, "established" },
	{ CRD
	  "status: {conditions: [{type: NamesAccepted, status: 'False', message: taken}]}\n",
	  READY_FAILED, "taken" },
	{ CRD
	  "status: {conditions: [{type: Established, status: 'True'}]}\nspec: {conversion: {webhook: {clientConfig: {service: {}}}}}\n",
	  READY_YES, "" },
	{ CRD INJECTED
	  "status: {conditions: [{type: Established, status: 'True'}]}\nspec: {conversion: {webhook: {clientConfig: {service: {}, caBundle: Cg==}}}}\n",
	  READY_PROGRESSING, "caBundle" },
	{ CRD INJECTED
	  "status: {conditions: [{type: Established, status: 'True'}]}\nspec: {conversion: {webhook: {clientConfig: {service: {}, caBundle: QUJD}}}}\n",
	  READY_YES, "" },
	{ "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\n" INJECTED
	  "webhooks: [{name: w, clientConfig: {service: {}}}]\n",
	  READY_PROGRESSING, "'w'" },
	{ "apiVersion: v1\nkind: Service\nspec: {type: LoadBalancer}\nstatus: {loadBalancer: {}}\n",
	  READY_YES, "" },
	{ "apiVersion: v1\nkind: Namespace\nstatus: {phase: Active}\n",
	  READY_YES, "" },
	{ "apiVersion: v1\nkind: Namespace\n", READY_PROGRESSING, "active" },
	{ "apiVersion: cert-manager.io/v1\nkind: Certificate\n",
	  READY_PROGRESSING, "cert-manager" },
	{ "apiVersion: cert-manager.io/v1\nkind: Certificate\nstatus: {conditions: [{type: Ready, status: 'False', message: no issuer}]}\n",
	  READY_PROGRESSING, "no issuer" },
	{ "apiVersion: cert-manager.io/v1alpha3\nkind: Certificate\nstatus: {conditions: [{type: Ready, status: 'True'}]}\n",
	  READY_YES, "" },
	{ "apiVersion: cert-manager.io/v1\nkind: Issuer\n", READY_YES, "" },
	{ "apiVersion: cert-manager.io/v1\nkind: Issuer\nstatus: {conditions: [{type: Ready, status: 'False', reason: Bad}]}\n",
	  READY_PROGRESSING, "Bad" },
	{ "apiVersion: v1\nkind: Pod\nstatus: {phase: Failed}\n", READY_FAILED,
	  "failed" },
	{ "apiVersion: batch/v1\nkind: Job\nstatus: {conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded}]}\n",
	  READY_FAILED, "BackoffLimitExceeded" },
	{ "apiVersion: apps/v1\nkind: StatefulSet\nspec: {replicas: 2}\nstatus: {readyReplicas: 2, updatedReplicas: 1}\n",
	  READY_PROGRESSING, "1 of 2 pods updated" },
	{ "apiVersion: apps/v1\nkind: DaemonSet\n", READY_PROGRESSING,
	  "scheduled" },
	{ "kind: X\napiVersion: y/v1\nstatus: {conditions: [{type: Stalled, status: 'True', message: stuck}]}\n",
	  READY_FAILED, "stuck" },
};

static void object_ready_judges_each_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ready_cases); i++) {
		autojval struct jval *object = parsed(ready_cases[i].yaml);
		char why[256];
		enum ready_state ready = object_ready(object, why, sizeof(why));

		if (ready != ready_cases[i].state ||
		    !strstr(why, ready_cases[i].why))
			fail_msg("%s: %d, '%s'", ready_cases[i].yaml,
				 (int)ready, why);
	}
}

#define POD "kind: Pod\nmetadata: {name: p}\n"

static const struct {
	const char *yaml;
	enum doom_kind kind;
	const char *text;
} doom_cases[] = {
	{ POD
	  "status: {containerStatuses: [{name: c, state: {running: {}}}]}\n",
	  DOOM_NONE, "" },
	{ POD
	  "status: {containerStatuses: [{name: a, state: {running: {}}}, {name: c, image: 'r/i:1', state: {waiting: {reason: ImagePullBackOff}}}]}\n",
	  DOOM_PULL, "pod 'p' cannot pull image 'r/i:1': ImagePullBackOff" },
	{ POD
	  "status: {initContainerStatuses: [{name: c, image: i, state: {waiting: {reason: ErrImageNeverPull}}}]}\n",
	  DOOM_PULL, "ErrImageNeverPull" },
	{ POD
	  "status: {containerStatuses: [{name: c, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 2}}}]}\n",
	  DOOM_CRASH, "container 'c' ended with exit code 2" },
	{ POD
	  "status: {containerStatuses: [{name: c, state: {waiting: {reason: CreateContainerConfigError}}}]}\n",
	  DOOM_CONFIG, "cannot start container 'c'" },
	{ POD
	  "status: {containerStatuses: [{name: c, state: {waiting: {reason: ContainerCreating}}}]}\n",
	  DOOM_NONE, "" },
	{ POD
	  "status: {conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: no node}]}\n",
	  DOOM_SCHEDULE, "cannot be scheduled" },
	{ "kind: Pod\nmetadata: {name: p, deletionTimestamp: x}\n"
	  "status: {containerStatuses: [{name: c, state: {waiting: {reason: CrashLoopBackOff}}}]}\n",
	  DOOM_NONE, "" },
};

static void doom_of_pod_tells_trouble_from_patience(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(doom_cases); i++) {
		autojval struct jval *pod = parsed(doom_cases[i].yaml);
		struct buf auto_buf text = BUF_INIT(BUF_TEXT_MAX);
		struct doom doom;

		doom_of_pod(&doom, pod);
		if (doom.kind != DOOM_NONE)
			doom_describe(&text, &doom, pod);
		if (doom.kind != doom_cases[i].kind ||
		    !strstr(buf_str(&text), doom_cases[i].text))
			fail_msg("%s: %d, '%s'", doom_cases[i].yaml,
				 (int)doom.kind, buf_str(&text));
	}
}

static void doom_of_owner_tells_of_quota_and_admission(void **state)
{
	autojval struct jval *owner = parsed(
		"status: {conditions: [{type: ReplicaFailure, status: 'True', message: exceeded quota}]}\n");
	autojval struct jval *fine = parsed(
		"status: {conditions: [{type: ReplicaFailure, status: 'False'}]}\n");
	struct doom doom;

	(void)state;
	doom_of_owner(&doom, owner);
	assert_int_equal(doom.kind, DOOM_REPLICAS);
	assert_string_equal(doom.message, "exceeded quota");
	doom_of_owner(&doom, fine);
	assert_int_equal(doom.kind, DOOM_NONE);
}

static void doom_event_is_the_newest_that_says_something(void **state)
{
	autojval struct jval *events = parsed(
		"- {type: Warning, message: 'Failed to pull: not found', lastTimestamp: '2026-01-01T00:00:02Z'}\n"
		"- {type: Warning, message: older, lastTimestamp: '2026-01-01T00:00:01Z'}\n"
		"- {type: Warning, message: 'Error: ErrImagePull', lastTimestamp: '2026-01-01T00:00:03Z'}\n"
		"- {type: Warning, message: 'Back-off pulling image', eventTime: '2026-01-01T00:00:04Z'}\n"
		"- {type: Normal, message: Pulling, lastTimestamp: '2026-01-01T00:00:05Z'}\n");

	(void)state;
	assert_string_equal(doom_event(events), "Failed to pull: not found");
	assert_null(doom_event(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(object_ready_judges_each_kind),
		cmocka_unit_test(doom_of_pod_tells_trouble_from_patience),
		cmocka_unit_test(doom_of_owner_tells_of_quota_and_admission),
		cmocka_unit_test(doom_event_is_the_newest_that_says_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"
#include "kube/wait.h"

#define INJECTION "cert-manager.io/inject-ca-from"

/* What the check of a kind needs: the object, and where to say why. */
struct check {
	const struct jval *object;
	char *why;
	size_t size;
};

static enum ready_state state(const struct check *check, enum ready_state state,
			      const char *fmt, ...) printf_like(3, 4);

static enum ready_state state(const struct check *check, enum ready_state state,
			      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(check->why, check->size, fmt, args);
	va_end(args);
	return state;
}

static bool condition_is(const struct check *check, const char *type,
			 const char *status)
{
	return str_eq(jval_str(object_condition(check->object, type), "status"),
		      status);
}

static const char *condition_text(const struct check *check, const char *type)
{
	const struct jval *condition = object_condition(check->object, type);
	const char *message = jval_str(condition, "message");
	const char *reason = jval_str(condition, "reason");

	if (!str_empty(message))
		return message;
	return str_empty(reason) ? type : reason;
}

static int64_t number(const struct check *check, const char *path)
{
	return jval_int(check->object, path, 0);
}

static enum ready_state deployment(const struct check *check)
{
	int64_t want = jval_int(check->object, "spec.replicas", 1);
	int64_t updated = number(check, "status.updatedReplicas");
	int64_t have = number(check, "status.replicas");
	int64_t ready = number(check, "status.readyReplicas");
	int64_t available = number(check, "status.availableReplicas");
	const struct jval *progressing =
		object_condition(check->object, "Progressing");

	if (str_eq(jval_str(progressing, "reason"), "ProgressDeadlineExceeded"))
		return state(check, READY_FAILED, "%s",
			     condition_text(check, "Progressing"));
	if (updated < want)
		return state(check, READY_PROGRESSING,
			     "%lld of %lld pods updated", (long long)updated,
			     (long long)want);
	if (have > updated)
		return state(check, READY_PROGRESSING,
			     "%lld old pods still there",
			     (long long)(have - updated));
	if (ready < want)
		return state(check, READY_PROGRESSING,
			     "%lld of %lld pods ready", (long long)ready,
			     (long long)want);
	if (available < want)
		return state(check, READY_PROGRESSING,
			     "%lld of %lld pods available",
			     (long long)available, (long long)want);
	if (want > 0 && !condition_is(check, "Available", "True"))
		return state(check, READY_PROGRESSING, "not available yet");
	return state(check, READY_YES, "%lld of %lld pods ready",
		     (long long)ready, (long long)want);
}

static enum ready_state replica_set(const struct check *check)
{
	int64_t want = jval_int(check->object, "spec.replicas", 1);
	int64_t have = number(check, "status.replicas");
	int64_t ready = number(check, "status.readyReplicas");

	if (condition_is(check, "ReplicaFailure", "True"))
		return state(check, READY_PROGRESSING, "%s",
			     condition_text(check, "ReplicaFailure"));
	if (ready < want || have != want)
		return state(check, READY_PROGRESSING,
			     "%lld of %lld pods ready", (long long)ready,
			     (long long)want);
	return READY_YES;
}

static enum ready_state stateful_set(const struct check *check)
{
	int64_t want = jval_int(check->object, "spec.replicas", 1);
	int64_t ready = number(check, "status.readyReplicas");
	int64_t updated = number(check, "status.updatedReplicas");
	int64_t partition =
		jval_int(check->object,
			 "spec.updateStrategy.rollingUpdate.partition", 0);

	if (str_eq(jval_str(check->object, "spec.updateStrategy.type"),
		   "OnDelete"))
		return READY_YES;
	if (ready < want)
		return state(check, READY_PROGRESSING,
			     "%lld of %lld pods ready", (long long)ready,
			     (long long)want);
	if (updated < want - partition)
		return state(check, READY_PROGRESSING,
			     "%lld of %lld pods updated", (long long)updated,
			     (long long)(want - partition));
	return READY_YES;
}

static enum ready_state daemon_set(const struct check *check)
{
	int64_t want =
		jval_int(check->object, "status.desiredNumberScheduled", -1);
	int64_t updated = number(check, "status.updatedNumberScheduled");
	int64_t available = number(check, "status.numberAvailable");
	int64_t ready = number(check, "status.numberReady");

	if (want < 0)
		return state(check, READY_PROGRESSING, "not scheduled yet");
	if (updated < want || available < want || ready < want)
		return state(check, READY_PROGRESSING,
			     "%lld of %lld pods ready", (long long)ready,
			     (long long)want);
	return READY_YES;
}

static enum ready_state job(const struct check *check)
{
	if (condition_is(check, "Failed", "True"))
		return state(check, READY_FAILED, "%s",
			     condition_text(check, "Failed"));
	if (condition_is(check, "Complete", "True"))
		return READY_YES;
	return state(check, READY_PROGRESSING, "%lld pods active",
		     (long long)number(check, "status.active"));
}

static enum ready_state pod(const struct check *check)
{
	const char *phase = jval_str(check->object, "status.phase");

	if (str_eq(phase, "Succeeded") || condition_is(check, "Ready", "True"))
		return READY_YES;
	if (str_eq(phase, "Failed"))
		return state(check, READY_FAILED, "the pod has failed");
	return state(check, READY_PROGRESSING, "%s",
		     str_empty(phase) ? "Pending" : phase);
}

/* cert-manager's injector writes it; "\n" stands in for none until then. */
static bool lacks_ca(const struct jval *client_config)
{
	const char *bundle = jval_str(client_config, "caBundle");

	return jval_get(client_config, "service") &&
	       (str_empty(bundle) || strcmp(bundle, "Cg==") == 0);
}

static bool awaits_injection(const struct check *check)
{
	return jval_get(jval_path(check->object, "metadata.annotations"),
			INJECTION) != NULL;
}

static enum ready_state crd(const struct check *check)
{
	if (condition_is(check, "NamesAccepted", "False"))
		return state(check, READY_FAILED, "%s",
			     condition_text(check, "NamesAccepted"));
	if (!condition_is(check, "Established", "True"))
		return state(check, READY_PROGRESSING, "not established yet");
	if (awaits_injection(check) &&
	    lacks_ca(jval_path(check->object,
			       "spec.conversion.webhook.clientConfig")))
		return state(check, READY_PROGRESSING,
			     "its conversion webhook has no caBundle yet");
	return READY_YES;
}

static enum ready_state webhooks(const struct check *check)
{
	const struct jval *list = jval_get(check->object, "webhooks");

	for (size_t i = 0; awaits_injection(check) && i < jval_len(list); i++) {
		const struct jval *webhook = jval_at(list, i);
		const char *name = jval_str(webhook, "name");

		if (lacks_ca(jval_get(webhook, "clientConfig")))
			return state(check, READY_PROGRESSING,
				     "webhook '%s' has no caBundle yet",
				     name ? name : "");
	}
	return READY_YES;
}

static enum ready_state namespace(const struct check *check) {
	const char *phase = jval_str(check->object, "status.phase");

	if (str_eq(phase, "Active")) return READY_YES;
	return state(check, READY_PROGRESSING, "not active yet");
}

static enum ready_state claim(const struct check *check)
{
	const char *phase = jval_str(check->object, "status.phase");

	if (str_eq(phase, "Bound"))
		return READY_YES;
	return state(check, READY_PROGRESSING, "not bound yet");
}

/* cert-manager says by its condition alone whether it has done its work. */
static enum ready_state certificate(const struct check *check)
{
	if (condition_is(check, "Ready", "True"))
		return READY_YES;
	if (object_condition(check->object, "Ready") == NULL)
		return state(check, READY_PROGRESSING,
			     "cert-manager has not looked at it yet");
	return state(check, READY_PROGRESSING, "%s",
		     condition_text(check, "Ready"));
}

static enum ready_state exists(const struct check *check)
{
	(void)check;
	return READY_YES;
}

static enum ready_state by_condition(const struct check *check)
{
	if (condition_is(check, "Ready", "False"))
		return state(check, READY_PROGRESSING, "%s",
			     condition_text(check, "Ready"));
	return READY_YES;
}

static const struct {
	const char *group;
	const char *kind;
	enum ready_state (*check)(const struct check *check);
} checks[] = {
	{ "apps", "Deployment", deployment },
	{ "apps", "ReplicaSet", replica_set },
	{ "apps", "StatefulSet", stateful_set },
	{ "apps", "DaemonSet", daemon_set },
	{ "batch", "Job", job },
	{ "", "Pod", pod },
	{ "", "Namespace", namespace },
	{ "", "PersistentVolumeClaim", claim },
	/* An external address of a LoadBalancer is not ours to wait for. */
	{ "", "Service", exists },
	{ "apiextensions.k8s.io", "CustomResourceDefinition", crd },
	{ "admissionregistration.k8s.io", "MutatingWebhookConfiguration",
	  webhooks },
	{ "admissionregistration.k8s.io", "ValidatingWebhookConfiguration",
	  webhooks },
	{ "cert-manager.io", "Certificate", certificate },
};

enum ready_state object_ready(const struct jval *object, char *why, size_t size)
{
	struct check check = { .object = object, .why = why, .size = size };
	int64_t generation = number(&check, "metadata.generation");
	char group[256];

	why[0] = '\0';
	if (jval_path(object, "metadata.deletionTimestamp"))
		return state(&check, READY_TERMINATING, "it is being deleted");
	if (jval_int(object, "status.observedGeneration", generation) <
	    generation)
		return state(&check, READY_PROGRESSING,
			     "its controller has not seen it yet");
	if (condition_is(&check, "Stalled", "True"))
		return state(&check, READY_FAILED, "%s",
			     condition_text(&check, "Stalled"));
	if (condition_is(&check, "Reconciling", "True"))
		return state(&check, READY_PROGRESSING, "%s",
			     condition_text(&check, "Reconciling"));
	object_group(object, group, sizeof(group));
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (strcmp(checks[i].group, group) == 0 &&
		    strcmp(checks[i].kind, object_kind(object)) == 0)
			return checks[i].check(&check);
	return by_condition(&check);
}

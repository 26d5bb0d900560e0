#include "kube/doom.h"

#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"

#define SURE_RESTARTS 2

static const struct {
	const char *reason;
	enum doom_kind kind;
} reasons[] = {
	{ "ImagePullBackOff", DOOM_PULL },
	{ "ErrImagePull", DOOM_PULL },
	{ "ErrImageNeverPull", DOOM_PULL },
	{ "InvalidImageName", DOOM_PULL },
	{ "ImageInspectError", DOOM_PULL },
	{ "RegistryUnavailable", DOOM_PULL },
	{ "SignatureValidationFailed", DOOM_PULL },
	{ "CrashLoopBackOff", DOOM_CRASH },
	{ "CreateContainerConfigError", DOOM_CONFIG },
	{ "CreateContainerError", DOOM_CONFIG },
	{ "RunContainerError", DOOM_CONFIG },
	{ "PreCreateHookError", DOOM_CONFIG },
	{ "PostStartHookError", DOOM_CONFIG },
};

static bool doom_of_container(struct doom *doom, const struct jval *status)
{
	const struct jval *waiting = jval_path(status, "state.waiting");
	const char *reason = jval_str(waiting, "reason");

	for (size_t i = 0; reason && i < ARRAY_SIZE(reasons); i++) {
		if (strcmp(reasons[i].reason, reason) != 0)
			continue;
		doom->kind = reasons[i].kind;
		doom->container = jval_str(status, "name");
		doom->image = jval_str(status, "image");
		doom->reason = reason;
		doom->message = jval_str(waiting, "message");
		doom->exit_code = (int)jval_int(
			status, "lastState.terminated.exitCode", -1);
		doom->restarts = jval_int(status, "restartCount", 0);
		return true;
	}
	return false;
}

void doom_of_pod(struct doom *doom, const struct jval *pod)
{
	static const char *const lists[] = { "status.initContainerStatuses",
					     "status.containerStatuses" };
	const struct jval *scheduled = object_condition(pod, "PodScheduled");

	memset(doom, 0, sizeof(*doom));
	if (jval_path(pod, "metadata.deletionTimestamp"))
		return;
	if (str_eq(jval_str(scheduled, "status"), "False") &&
	    str_eq(jval_str(scheduled, "reason"), "Unschedulable")) {
		doom->kind = DOOM_SCHEDULE;
		doom->reason = "Unschedulable";
		doom->message = jval_str(scheduled, "message");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct jval *list = jval_path(pod, lists[i]);

		for (size_t j = 0; j < jval_len(list); j++)
			if (doom_of_container(doom, jval_at(list, j)))
				return;
	}
}

void doom_of_owner(struct doom *doom, const struct jval *owner)
{
	const struct jval *failure = object_condition(owner, "ReplicaFailure");

	memset(doom, 0, sizeof(*doom));
	if (!str_eq(jval_str(failure, "status"), "True"))
		return;
	doom->kind = DOOM_REPLICAS;
	doom->reason = jval_str(failure, "reason");
	doom->message = jval_str(failure, "message");
}

bool doom_is_sure_pull(const char *message)
{
	static const char *const causes[] = { "not found", "manifest unknown",
					      "unauthorized", "denied" };

	for (size_t i = 0; message && i < ARRAY_SIZE(causes); i++)
		if (strcasestr(message, causes[i]))
			return true;
	return false;
}

bool doom_is_sure(const struct doom *doom)
{
	switch (doom->kind) {
	case DOOM_PULL:
		return str_eq(doom->reason, "InvalidImageName") ||
		       str_eq(doom->reason, "ErrImageNeverPull") ||
		       doom_is_sure_pull(doom->message);
	case DOOM_CRASH:
		return doom->restarts >= SURE_RESTARTS;
	default:
		return doom->kind != DOOM_NONE;
	}
}

void doom_describe(struct buf *out, const struct doom *doom,
		   const struct jval *object)
{
	const char *container = doom->container ? doom->container : "";
	const char *reason = doom->reason ? doom->reason : "";

	if (doom->kind != DOOM_REPLICAS)
		buf_addf(out, "pod '%s' ", object_name(object));
	switch (doom->kind) {
	case DOOM_PULL:
		buf_addf(out, "cannot pull image '%s': %s",
			 doom->image ? doom->image : "", reason);
		break;
	case DOOM_CRASH:
		buf_addf(out, "crashes again and again: container '%s'",
			 container);
		if (doom->exit_code >= 0)
			buf_addf(out, " ended with exit code %d",
				 doom->exit_code);
		buf_addf(out, ", %s", reason);
		break;
	case DOOM_CONFIG:
		buf_addf(out, "cannot start container '%s': %s", container,
			 reason);
		break;
	case DOOM_SCHEDULE:
		buf_addstr(out, "cannot be scheduled");
		break;
	case DOOM_REPLICAS:
		buf_addstr(out, "its pods cannot be created");
		break;
	case DOOM_NONE:
		break;
	}
}

/* Events told again count by their last time; newer API: eventTime. */
static const char *event_time(const struct jval *event)
{
	static const char *const fields[] = { "series.lastObservedTime",
					      "lastTimestamp", "eventTime",
					      "metadata.creationTimestamp" };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *text = jval_str(event, fields[i]);

		if (!str_empty(text))
			return text;
	}
	return "";
}

static bool says_something(const char *message)
{
	return !str_empty(message) && !str_starts(message, "Back-off ") &&
	       !str_starts(message, "Error: ");
}

const char *doom_event(const struct jval *events)
{
	const char *best = NULL;
	const char *best_time = "";

	for (size_t i = 0; i < jval_len(events); i++) {
		const struct jval *event = jval_at(events, i);
		const char *message = jval_str(event, "message");
		const char *time = event_time(event);

		if (!str_eq(jval_str(event, "type"), "Warning") ||
		    !says_something(message) || strcmp(time, best_time) < 0)
			continue;
		best = message;
		best_time = time;
	}
	return best;
}

int64_t doom_pull_failures(const struct jval *events)
{
	int64_t nr = 0;

	for (size_t i = 0; i < jval_len(events); i++) {
		const struct jval *event = jval_at(events, i);
		const char *message = jval_str(event, "message");
		int64_t count = jval_int(event, "series.count", 0);

		if (message == NULL || !str_starts(message, "Failed to pull "))
			continue;
		if (count == 0)
			count = jval_int(event, "count", 1);
		nr += count;
	}
	return nr;
}

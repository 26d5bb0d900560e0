#include "txn/probe.h"

#include "base/clock.h"
#include "base/mem.h"
#include "txn/names.h"

#define PAUSE_MS 250
#define PAUSE_MAX_MS 2000

/* A Workflow that is refused by nothing but what is wrong. */
static struct jval *probe_object(const char *version, const char *pass)
{
	autofree char *api = mem_printf("%s/%s", DWS_GROUP, version);
	struct jval *object =
		jval_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:i, s:i, s:i, s:s, "
			  "s:[]}}",
			  "apiVersion", api, "kind", "Workflow", "metadata",
			  "name", "dws-csm-probe", "spec", "wlmID", "dws-csm",
			  "jobID", 1, "userID", 1, "groupID", 1, "desiredState",
			  "Proposal", "dwDirectives");

	if (pass)
		jval_set(jval_get(object, "metadata"), "labels",
			 jval_pack("{s:s}", PROBE_LABEL, pass));
	return object;
}

int probe_once(struct kube *kube, const char *version, const char *pass,
	       struct err *err)
{
	autofree char *path = mem_printf(
		"/apis/%s/%s/namespaces/default/workflows?dryRun=All",
		DWS_GROUP, version);
	autojval struct jval *object = probe_object(version, pass);
	int64_t patience = kube_set_patience(kube, 0);
	int status;

	status = kube_call(kube, "POST", path, NULL, object, NULL, err);
	kube_set_patience(kube, patience);
	return status;
}

int probe_wait(struct kube *kube, const char *version, const char *pass,
	       int64_t timeout_ms, struct err *err)
{
	int64_t deadline = deadline_in_ms(timeout_ms);

	for (unsigned int tries = 1;; tries++) {
		struct err why = ERR_INIT;

		if (probe_once(kube, version, pass, &why) == 0)
			return 0;
		if (deadline_left_ms(deadline) == 0)
			return err_set(err, ERR_TIMEOUT,
				       "a Workflow would still be refused "
				       "after %lld s: %s",
				       (long long)timeout_ms / 1000, why.msg);
		if (clock_sleep(clock_backoff_ms(tries, PAUSE_MS, PAUSE_MAX_MS),
				err) < 0)
			return -1;
	}
}

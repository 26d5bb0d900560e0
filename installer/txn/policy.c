#include "txn/policy.h"

#include <ctype.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "bundle/host_time.h"
#include "kube/object.h"
#include "txn/survey.h"

/* Where a namespace that is not there yet cannot be asked about. */
#define OTHER_NAMESPACE "default"

/* Who really creates the pods of a Deployment: PodSecurityPolicy, and policies
 * that except the administrators, tell him and us apart. */
#define POD_MAKER "system:serviceaccount:kube-system:replicaset-controller"

enum host_time host_time_of(const char *text)
{
	if (str_eq(text, "keep"))
		return HOST_TIME_KEEP;
	if (str_eq(text, "strip"))
		return HOST_TIME_STRIP;
	return HOST_TIME_AUTO;
}

/* The server's words without ours before them, on one line: policy engines
 * write several. */
static char *refusal_words(const struct err *failure)
{
	const char *from = strstr(failure->msg, "': ");
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	bool space = false;

	for (const char *c = from ? from + 3 : failure->msg; *c; c++) {
		if (isspace((unsigned char)*c)) {
			space = true;
			continue;
		}
		if (space)
			buf_addch(&out, ' ');
		space = false;
		buf_addch(&out, *c);
	}
	return buf_steal(&out);
}

/* What is asked of the cluster. */
struct question {
	struct kube *kube;
	const char *path; /* where they would be created */
	const char *as;	  /* in whose name; NULL = our own */
	const struct jval *with;
	const struct jval *without;
};

enum answer { ANSWER_TAKEN, ANSWER_REFUSED, ANSWER_NONE };

/* Would it be created? Admission comes before the look whether its name is
 * taken, so that 409 is a yes. -1 where the server cannot be reached; `why`
 * gets the words of a refusal. */
static int ask(const struct question *question, const struct jval *object,
	       enum answer *answer, char **why, struct err *err)
{
	struct kube_request request = {
		.method = "POST",
		.path = question->path,
		.body = object,
		.as = question->as,
		.form = KUBE_METADATA,
	};
	struct err failure = ERR_INIT;

	*answer = ANSWER_TAKEN;
	if (kube_request(question->kube, &request, NULL, &failure) >= 0 ||
	    kube_is_conflict(&failure))
		return 0;
	if (failure.kind != ERR_API || failure.http == 0) {
		*err = failure;
		return -1;
	}
	log_verbose("asking for policies: %s", failure.msg);
	*answer = failure.http < 500 ? ANSWER_REFUSED : ANSWER_NONE;
	*why = refusal_words(&failure);
	return 0;
}

enum verdict { VERDICT_ALLOWED, VERDICT_FORBIDDEN, VERDICT_UNKNOWN };

/* Forbidden when `with` is refused where `without` is taken: so not for a
 * quota, a missing right or whatever else has nothing to do with the mounts. */
static int judge(const struct question *question, enum verdict *verdict,
		 char **why, struct err *err)
{
	autofree char *words = NULL;
	autofree char *unused = NULL;
	enum answer answer;

	if (ask(question, question->with, &answer, &words, err) < 0)
		return -1;
	*verdict = answer == ANSWER_TAKEN ? VERDICT_ALLOWED : VERDICT_UNKNOWN;
	if (answer != ANSWER_REFUSED)
		return 0;
	if (ask(question, question->without, &answer, &unused, err) < 0)
		return -1;
	if (answer != ANSWER_TAKEN)
		return 0;
	*verdict = VERDICT_FORBIDDEN;
	*why = mem_steal(&words);
	return 0;
}

static int is_there(struct kube *kube, struct discovery *discovery,
		    const char *kind, const char *ns, const char *name,
		    struct err *err)
{
	autojval struct jval *object = jval_pack("{s:s, s:s, s:{s:s, s:s*}}",
						 "apiVersion", "v1", "kind",
						 kind, "metadata", "name", name,
						 "namespace", ns);

	return object_exists(kube, discovery, object, err);
}

/* The pod that a Deployment makes. Its account comes with it, at an
 * installation: one that is not there yet would be the reason of a refusal. */
static struct jval *pod_of(const struct jval *deployment, bool with_account)
{
	const struct jval *template = jval_path(deployment, "spec.template");
	autofree char *name =
		mem_printf("%s-host-time", object_name(deployment));
	struct jval *pod = jval_copy(template);

	jval_set_str(pod, "apiVersion", "v1");
	jval_set_str(pod, "kind", "Pod");
	jval_set_str(pod, "metadata.name", name);
	if (!with_account) {
		jval_del_path(pod, "spec.serviceAccountName");
		jval_del_path(pod, "spec.serviceAccount");
	}
	return pod;
}

static int pod_forbidden(struct kube *kube, struct discovery *discovery,
			 const char *ns, const struct jval *with,
			 const struct jval *without, enum verdict *verdict,
			 char **why, struct err *err)
{
	const char *account =
		jval_str(with, "spec.template.spec.serviceAccountName");
	autofree char *path =
		mem_printf("/api/v1/namespaces/%s/pods?dryRun=All", ns);
	struct question question = { kube, path, POD_MAKER, NULL, NULL };
	autojval struct jval *pod_with = NULL, *pod_without = NULL;
	int there = 0;

	if (account)
		there = is_there(kube, discovery, "ServiceAccount", ns, account,
				 err);
	if (there < 0)
		return -1;
	question.with = pod_with = pod_of(with, there);
	question.without = pod_without = pod_of(without, there);
	if (judge(&question, verdict, why, err) < 0)
		return -1;
	if (*verdict != VERDICT_UNKNOWN)
		return 0;
	/* Who may not speak for others is refused both. */
	question.as = NULL;
	return judge(&question, verdict, why, err);
}

/* Policy engines see the Deployment, Pod Security its pods. */
static int deployment_forbidden(struct kube *kube, struct discovery *discovery,
				const char *ns, const struct jval *deployment,
				enum verdict *verdict, char **why,
				struct err *err)
{
	autojval struct jval *with = jval_copy(deployment);
	autojval struct jval *without = NULL;
	autofree char *path = mem_printf(
		"/apis/apps/v1/namespaces/%s/deployments?dryRun=All", ns);
	struct question question = { kube, path, NULL, NULL, NULL };

	jval_set_str(with, "metadata.namespace", ns);
	question.with = with;
	question.without = without = jval_copy(with);
	host_time_strip(without);
	if (judge(&question, verdict, why, err) < 0)
		return -1;
	if (*verdict == VERDICT_FORBIDDEN)
		return 0;
	return pod_forbidden(kube, discovery, ns, with, without, verdict, why,
			     err);
}

/* 1 when the cluster forbids the mounts of one of the Deployments; `name` of
 * it, borrowed. */
static int mounts_forbidden(struct kube *kube, struct discovery *discovery,
			    const struct jval *objects, const char **name,
			    char **why, struct err *err)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);
		const char *ns = object_namespace(object);
		enum verdict verdict;
		int there;

		if (!host_time_mounted(object))
			continue;
		there = is_there(kube, discovery, "Namespace", NULL, ns, err);
		if (there < 0 ||
		    deployment_forbidden(kube, discovery,
					 there ? ns : OTHER_NAMESPACE, object,
					 &verdict, why, err) < 0)
			return -1;
		*name = object_name(object);
		if (verdict == VERDICT_FORBIDDEN)
			return 1;
	}
	return 0;
}

static bool any_mounted(const struct jval *objects)
{
	for (size_t i = 0; i < jval_len(objects); i++)
		if (host_time_mounted(jval_at(objects, i)))
			return true;
	return false;
}

int policy_host_time(struct kube *kube, struct discovery *discovery,
		     enum host_time host_time, struct jval *objects,
		     struct strs *notes, struct err *err)
{
	autofree char *why = NULL;
	const char *name = NULL;
	int forbidden = 0;

	if (!any_mounted(objects))
		return 0;
	if (host_time != HOST_TIME_STRIP) {
		forbidden = mounts_forbidden(kube, discovery, objects, &name,
					     &why, err);
		if (forbidden < 0)
			return err_wrap(err, "ask for policies against mounts "
					     "of the host's time zone");
		if (forbidden == 0)
			return 0;
	}
	if (host_time == HOST_TIME_KEEP) {
		strs_addf(notes,
			  "the cluster forbids that deployment '%s' mounts the "
			  "host's time zone (hostPath): %s; --host-time strip "
			  "leaves it out",
			  name, why);
		return 0;
	}
	host_time_strip_all(objects);
	if (forbidden)
		strs_addf(notes,
			  "the host's time zone is not mounted, the pods run "
			  "in UTC: the cluster forbids hostPath: %s",
			  why);
	else
		strs_add(notes, "the host's time zone is not mounted, the pods "
				"run in UTC: --host-time strip");
	return 0;
}

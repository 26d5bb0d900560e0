#include "cmd/wlm_make.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/output.h"
#include "net/url.h"
#include "txn/wlm.h"

#define CA_CERT "/etc/kubernetes/pki/ca.crt"
#define CA_KEY "/etc/kubernetes/pki/ca.key"
#define DAY_S 86400

const char *wlm_path(const struct strs *args)
{
	return args->nr ? args->item[0] : WLM_FILE;
}

static int64_t days_left(time_t until)
{
	return (int64_t)(until - clock_wall()) / DAY_S;
}

static void warn_of(const struct wlm_issue *issue,
		    const struct wlm_issued *issued)
{
	const char *server = issue->server ? issue->server :
					     kube_config_server(issue->place);

	if (issued->shorter)
		log_warn("the certificate is valid for %" PRId64 " days, not "
			 "%d: %s",
			 days_left(issued->until), issue->days,
			 !issue->via_csr ? "its CA ends then" :
			 issued->heard	 ? "the cluster's signer gives no more "
					   "(--cluster-signing-duration)" :
					   "before Kubernetes 1.22 the "
					   "cluster's signer decides");
	else if (!issued->heard)
		log_warn("the certificate is valid for %" PRId64 " days: "
			 "before Kubernetes 1.22 the cluster's signer decides",
			 days_left(issued->until));
	if (strstr(server, "//127.") || strstr(server, "//localhost") ||
	    strstr(server, "//[::1]"))
		log_warn("'%s' is reached on this host only; where slurmctld "
			 "runs on another, give --server",
			 server);
	if (issued->no_dws)
		log_warn("no Workflows are served: DWS is not installed yet");
}

static struct jval *made_value(const struct wlm_issue *issue,
			       const struct wlm_issued *issued,
			       const struct wlm_grant *grant)
{
	struct jval *value = jval_new_object();
	char when[CLOCK_RFC3339_SIZE];

	clock_rfc3339(when, sizeof(when), issued->until);
	jval_set_str(value, "file", issue->path);
	jval_set_str(value, "user", WLM_USER);
	jval_set_str(value, "role", grant->role);
	jval_set_str(value, "binding", WLM_BINDING);
	jval_set_str(value, "cluster", kube_config_cluster(issue->place));
	jval_set_str(value, "server",
		     issue->server ? issue->server :
				     kube_config_server(issue->place));
	jval_set_str(value, "namespace", issue->ns);
	jval_set_str(value, "keyType",
		     issue->key_type == X509_KEY_RSA ? "rsa" : "ec");
	jval_set_str(value, "signedBy",
		     issue->via_csr ? "cluster" : issue->ca_cert);
	jval_set_str(value, "until", when);
	jval_set(value, "daysLeft", jval_new_int(days_left(issued->until)));
	jval_set(value, "listsWorkflows", jval_new_bool(!issued->no_dws));
	jval_set(value, "readsSecrets", jval_new_bool(false));
	return value;
}

static int made_tell(const struct jval *value, const struct settings *settings,
		     struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	const char *file = jval_str(value, "file");

	if (output_format(settings->output))
		return output_value(value, settings->output, err);
	buf_addf(&out, "credential   %s\n", file);
	buf_addf(&out, "user         " WLM_USER ", role %s\n",
		 jval_str(value, "role"));
	buf_addf(&out, "server       %s, namespace %s\n",
		 jval_str(value, "server"), jval_str(value, "namespace"));
	buf_addf(&out, "valid until  %s (%" PRId64 " days)\n",
		 jval_str(value, "until"), jval_int(value, "daysLeft", 0));
	buf_addf(&out, "proven       %s, may not read Secrets\n",
		 jval_bool(value, "listsWorkflows", false) ?
			 "lists Workflows" :
			 "may list Workflows once DWS is installed");
	buf_addf(&out,
		 "\nOn the host of slurmctld it belongs to " WLM_FILE
		 ",\nto user slurm, with mode 0600: install -o slurm -g slurm "
		 "-m 0600 %s " WLM_FILE "\n",
		 str_eq(file, WLM_FILE) ? "FILE" : file);
	return output_text(buf_str(&out), err);
}

/* The message of the first failure is the one to tell. */
static void take_back(const struct wlm_grant *grant, struct kube *kube)
{
	bool deferred = interrupt_defer(true);
	struct err err = ERR_INIT;

	if (wlm_take_back(grant, kube, &err) < 0)
		log_warn("user '" WLM_USER "' stays bound by '" WLM_BINDING
			 "': %s",
			 err.msg);
	interrupt_defer(deferred);
}

/* The credential is in its place and works: this is told, and no failure. */
static void note(struct kube *kube, time_t until)
{
	bool deferred = interrupt_defer(true);
	struct err err = ERR_INIT;

	if (wlm_note(kube, until, &err) < 0)
		log_warn("the credential works, but 'dws-csm status' cannot "
			 "tell when it expires: %s",
			 err.msg);
	interrupt_defer(deferred);
}

int wlm_make(struct wlm_issue *issue, struct cluster *cluster,
	     const struct settings *settings, struct err *err)
{
	autocatalogue struct catalogue *catalogue = catalogue_open(err);
	auto_wlm_grant struct wlm_grant grant = { .role = NULL };
	autojval struct jval *value = NULL;
	auto_wlm_issued struct wlm_issued issued = { .until = 0 };

	if (catalogue == NULL)
		return -1;
	issue->kube = cluster->kube;
	issue->days = (int)settings->days;
	issue->via_csr = settings->via_csr;
	issue->ca_cert = settings->ca_cert ? settings->ca_cert : CA_CERT;
	issue->ca_key = settings->ca_key ? settings->ca_key : CA_KEY;
	issue->server = settings->server;
	if (settings->via_csr && (settings->ca_cert || settings->ca_key))
		return err_set(err, ERR_USAGE,
			       "'--via-csr' has the cluster sign: it does not "
			       "go with '--ca-cert' and '--ca-key'");
	/* Rights come late: who has an older certificate would have them too,
	 * also where this comes to nothing. */
	if (wlm_sign(issue, &issued, err) < 0)
		return -1;
	if (wlm_grant(&grant, cluster->kube, cluster->discovery, catalogue,
		      err) < 0 ||
	    wlm_place(issue, &issued, err) < 0) {
		take_back(&grant, cluster->kube);
		return -1;
	}
	note(cluster->kube, issued.until);
	warn_of(issue, &issued);
	value = made_value(issue, &issued, &grant);
	return made_tell(value, settings, err);
}

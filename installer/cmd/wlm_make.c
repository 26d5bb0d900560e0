#include "cmd/wlm_make.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
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

/* --- the place of the file ----------------------------------------------------- */

/* "/etc/slurm" of "/etc/slurm/x", "." of "x"; the caller's. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_strdup(".");
	return mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int wlm_check_folder(const char *path, bool make, struct err *err)
{
	autofree char *dir = folder_of(path);

	/* On a master node of another host than slurmctld's. */
	if (make && str_eq(path, WLM_FILE) &&
	    file_make_dirs(dir, 0755, err) < 0)
		return -1;
	if (!make && str_eq(path, WLM_FILE) &&
	    faccessat(AT_FDCWD, dir, F_OK, AT_EACCESS) < 0 && errno == ENOENT)
		return wlm_check_folder(dir, false, err);
	if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0)
		return err_sys(err, errno, "cannot write to folder '%s'", dir);
	return 0;
}

int wlm_check_file(const struct wlm_file *file, const char *path,
		   struct err *err)
{
	if (file->link)
		return err_set(
			err, ERR_BLOCKED,
			"'%s' is a symbolic link, which is not followed; "
			"give the name of the file itself",
			path);
	if (file->mode & 077)
		return err_set(err, ERR_BLOCKED,
			       "others may read '%s' (mode %04o), but not what "
			       "would take its place: give it to who reads it, "
			       "then run this again: 'chown slurm %s && chmod "
			       "0600 %s'",
			       path, file->mode, path, path);
	return 0;
}

/* --- what is to be made ---------------------------------------------------------- */

int wlm_issue_set(struct wlm_issue *issue, struct cluster *cluster,
		  const struct settings *settings, struct err *err)
{
	issue->kube = cluster->kube;
	issue->place = cluster->config;
	issue->ns = settings->namespace ? settings->namespace : "default";
	issue->server = settings->server;
	issue->key_type = str_eq(settings->key_type, "ec") ? X509_KEY_EC :
							     X509_KEY_RSA;
	issue->days = (int)settings->days;
	issue->via_csr = settings->via_csr;
	issue->ca_cert = settings->ca_cert ? settings->ca_cert : CA_CERT;
	issue->ca_key = settings->ca_key ? settings->ca_key : CA_KEY;
	if (settings->via_csr && (settings->ca_cert || settings->ca_key))
		return err_set(err, ERR_USAGE,
			       "'--via-csr' has the cluster sign: it does not "
			       "go with '--ca-cert' and '--ca-key'");
	return 0;
}

void wlm_issue_keep(struct wlm_issue *issue, const struct wlm_file *file,
		    const struct settings *settings)
{
	const char *ns = kube_config_namespace(file->config);

	issue->place = file->config;
	issue->ns = ns ? ns : "default";
	if (settings->key_type == NULL)
		issue->key_type = file->key_type;
}

/* --- what was made --------------------------------------------------------------- */

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

struct jval *wlm_put(const struct wlm_issue *issue, struct wlm_issued *issued,
		     struct cluster *cluster, struct err *err)
{
	autocatalogue struct catalogue *catalogue = catalogue_open(err);
	auto_wlm_grant struct wlm_grant grant = { .role = NULL };

	if (catalogue == NULL)
		return NULL;
	if (wlm_grant(&grant, cluster->kube, cluster->discovery, catalogue,
		      err) < 0 ||
	    wlm_place(issue, issued, err) < 0) {
		take_back(&grant, cluster->kube);
		return NULL;
	}
	note(cluster->kube, issued->until);
	warn_of(issue, issued);
	return made_value(issue, issued, &grant);
}

int wlm_make(const struct wlm_issue *issue, struct cluster *cluster,
	     const struct settings *settings, struct err *err)
{
	autojval struct jval *value = NULL;
	auto_wlm_issued struct wlm_issued issued = { .until = 0 };

	/* Rights come late: who has an older certificate would have them too,
	 * also where this comes to nothing. */
	if (wlm_sign(issue, &issued, err) < 0)
		return -1;
	value = wlm_put(issue, &issued, cluster, err);
	return value ? made_tell(value, settings, err) : -1;
}

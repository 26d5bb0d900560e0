#include "txn/wlm_credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/csr.h"
#include "kube/discovery.h"
#include "kube/kubeconfig_text.h"
#include "txn/names.h"
#include "txn/wlm.h"

#define PEM_MAX_BYTES ((size_t)1 << 20)
#define DAY_S ((int64_t)86400)
#define SIGNER_TIMEOUT_MS 60000
#define RIGHTS_TIMEOUT_MS 15000
#define PAUSE_MS 100
#define PAUSE_MAX_MS 1000
/* A signer counts from some minutes ago, since clocks differ. */
#define SHORTER_S 3600
#define SECRETS_PATH "/api/v1/secrets?limit=1"

/* --- proof ------------------------------------------------------------------ */

/* The path of all Workflows, at the version that the server prefers: that is
 * the newest, which is stored, so no webhook has to convert. */
static char *workflows_path(struct kube *kube, struct err *err)
{
	struct discovery *discovery = discovery_new();
	auto_strs struct strs versions = STRS_INIT;
	char *path = NULL;

	if (discovery_versions(discovery, kube, DWS_GROUP, &versions, err) == 0)
		path = mem_printf("/apis/" DWS_GROUP "/%s/workflows?limit=1",
				  versions.nr ? versions.item[0] : "v1alpha1");
	discovery_free(discovery);
	return path;
}

/* 1, or 0 where none are served. */
static int may_list(struct kube *kube, int64_t patience_ms, struct err *err)
{
	int64_t deadline = deadline_in_ms(patience_ms);
	autofree char *path = workflows_path(kube, err);

	for (unsigned int tries = 1; path; tries++) {
		struct err failure = ERR_INIT;
		autojval struct jval *list = kube_get(kube, path, &failure);

		if (list)
			return 1;
		/* Who may not look is told so before what is not there. */
		if (kube_is_not_found(&failure))
			return 0;
		if (failure.http != 403 || deadline_left_ms(deadline) == 0) {
			*err = failure;
			return -1;
		}
		if (clock_sleep(clock_backoff_ms(tries, PAUSE_MS, PAUSE_MAX_MS),
				err) < 0)
			return -1;
	}
	return -1;
}

static int may_not_read_secrets(struct kube *kube, struct err *err)
{
	struct kube_request request = { .path = SECRETS_PATH,
					.method = "GET",
					.form = KUBE_METADATA_LIST };
	struct err failure = ERR_INIT;
	autojval struct jval *answer = NULL;

	if (kube_request(kube, &request, &answer, &failure) >= 0)
		return err_set(err, ERR_BLOCKED,
			       "user '" WLM_USER
			       "' may read Secrets, which is more than a "
			       "workload manager needs; find what gives it "
			       "that: 'kubectl auth can-i --list --as " WLM_USER
			       "'");
	if (failure.http == 403)
		return 0;
	*err = failure;
	return -1;
}

int wlm_prove(struct kube_config *config, int64_t patience_ms, struct err *err)
{
	autokube struct kube *kube = kube_new(config);
	int listed = may_list(kube, patience_ms, err);

	if (listed < 0 || may_not_read_secrets(kube, err) < 0)
		return -1;
	return listed;
}

int wlm_recognised(struct kube_config *config, struct err *err)
{
	autokube struct kube *kube = kube_new(config);

	return may_not_read_secrets(kube, err);
}

/* --- making ------------------------------------------------------------------ */

static int read_ca(const struct wlm_issue *issue, struct x509_pair *ca,
		   struct err *err)
{
	if (file_read(AT_FDCWD, issue->ca_cert, PEM_MAX_BYTES, &ca->cert_pem,
		      NULL, err) < 0 ||
	    file_read_secret(issue->ca_key, PEM_MAX_BYTES, &ca->key_pem, err) <
		    0) {
		err_hint(err, "the cluster's CA is on its master nodes; give "
			      "--ca-cert and --ca-key, or --via-csr to have "
			      "the cluster sign");
		return -1;
	}
	return 0;
}

static int sign_here(const struct wlm_issue *issue, struct x509_pair *pair,
		     struct err *err)
{
	auto_x509_pair struct x509_pair ca = { 0 };

	if (read_ca(issue, &ca, err) < 0)
		return -1;
	if (x509_issue_client(pair, &ca, issue->key_type, WLM_USER, issue->days,
			      err) < 0)
		return err_wrap(err, "sign with '%s' and '%s'", issue->ca_cert,
				issue->ca_key);
	return 0;
}

static int have_signed(const struct wlm_issue *issue, struct x509_pair *pair,
		       bool *heard, struct err *err)
{
	autofree char *request = NULL;
	enum x509_key_type type;
	struct csr csr = {
		.name = WLM_USER "-",
		.rsa = issue->key_type == X509_KEY_RSA,
		.seconds = issue->days * DAY_S,
		.timeout_ms = SIGNER_TIMEOUT_MS,
	};

	if (x509_make_request(&request, &pair->key_pem, issue->key_type,
			      WLM_USER, err) < 0)
		return -1;
	csr.request_pem = request;
	if (csr_issue(issue->kube, &csr, &pair->cert_pem, heard, err) < 0)
		return -1;
	if (x509_pair_check(pair, &type, err) < 0)
		return err_wrap(err, "certificate of the API server");
	return 0;
}

/* --- its place --------------------------------------------------------------- */

/* What the file says, and its CA out of `access`; borrowed from all of them. */
static int file_parts(struct kubeconfig_parts *parts,
		      const struct wlm_issue *issue,
		      const struct wlm_issued *issued,
		      struct kube_access *access, struct err *err)
{
	if (kube_config_access(issue->place, access, err) < 0)
		return -1;
	*parts = (struct kubeconfig_parts){
		.cluster = kube_config_cluster(issue->place),
		.user = WLM_USER,
		.ns = issue->ns,
		.server = issue->server ? issue->server :
					  kube_config_server(issue->place),
		.ca_pem = access->http->ca_pem,
		.tls_server_name = access->http->tls_server_name,
		.proxy = access->http->proxy,
		.cert_pem = issued->pair.cert_pem,
		.key_pem = issued->pair.key_pem,
	};
	return 0;
}

/* A certificate of another CA than the cluster's is the likely mistake. */
static int tell_trial(const struct wlm_issue *issue, struct err *err)
{
	if (err->http == 401 && !issue->via_csr)
		err_hint(err, "'%s' is not the CA of this cluster's users",
			 issue->ca_cert);
	return err_wrap(err, "try the new credential");
}

static int prove(const struct wlm_issue *issue,
		 const struct kubeconfig_parts *parts, bool *no_dws,
		 struct err *err)
{
	autokube_config struct kube_config *config =
		kube_config_of_parts(parts, "the new credential");
	int proven = wlm_prove(config, RIGHTS_TIMEOUT_MS, err);

	if (proven < 0)
		return tell_trial(issue, err);
	*no_dws = proven == 0;
	return 0;
}

int wlm_try(const struct wlm_issue *issue, const struct wlm_issued *issued,
	    struct err *err)
{
	auto_access struct kube_access access = { .http = NULL };
	struct kubeconfig_parts parts;
	autokube_config struct kube_config *config = NULL;

	if (file_parts(&parts, issue, issued, &access, err) < 0)
		return -1;
	config = kube_config_of_parts(&parts, "the new credential");
	return wlm_recognised(config, err) < 0 ? tell_trial(issue, err) : 0;
}

/* The file belongs to whom it belonged. */
static int keep_owner(int fd, const char *place, struct err *err)
{
	struct stat was;

	if (geteuid() != 0 || lstat(place, &was) < 0 || !S_ISREG(was.st_mode))
		return 0;
	if (fchown(fd, was.st_uid, was.st_gid) < 0)
		return err_sys(err, errno, "cannot give '%s' to its owner",
			       place);
	return 0;
}

/* "/etc/slurm/.x.XXXXXX"; the caller's. */
static char *beside(const char *place)
{
	const char *slash = strrchr(place, '/');
	const char *base = slash ? slash + 1 : place;

	return mem_printf("%.*s.%s.XXXXXX", (int)(base - place), place, base);
}

static int fill(int fd, const char *temp, const char *place,
		const struct buf *text, struct err *err)
{
	if (io_write_all(fd, text->data, text->len, err) < 0)
		return err_wrap(err, "write '%s'", temp);
	if (keep_owner(fd, place, err) < 0)
		return -1;
	if (fsync(fd) < 0)
		return err_sys(err, errno, "cannot sync '%s'", temp);
	if (rename(temp, place) < 0)
		return err_sys(err, errno, "cannot rename '%s' to '%s'", temp,
			       place);
	if (!file_is_at(fd, AT_FDCWD, place))
		return err_set(err, ERR_FAILED,
			       "'%s' is not what was written; somebody else "
			       "writes in this folder",
			       place);
	return 0;
}

/* Once it is in its place, it is done: what fails then is only told. */
static int put_in_place(const char *place, const struct buf *text,
			struct err *err)
{
	autofree char *temp = beside(place);
	autoclose int fd = mkostemp(temp, O_CLOEXEC);
	struct err failure = ERR_INIT;

	if (fd < 0)
		return err_sys(err, errno, "cannot create a file beside '%s'",
			       place);
	if (fill(fd, temp, place, text, err) < 0) {
		if (file_is_at(fd, AT_FDCWD, temp))
			unlink(temp);
		return -1;
	}
	if (file_sync_dir(AT_FDCWD, place, &failure) < 0)
		log_warn("%s", failure.msg);
	return 0;
}

int wlm_place(const struct wlm_issue *issue, struct wlm_issued *issued,
	      struct err *err)
{
	struct buf auto_buf_secret text = BUF_INIT(PEM_MAX_BYTES * 4);
	auto_access struct kube_access access = { .http = NULL };
	struct kubeconfig_parts parts;

	if (file_parts(&parts, issue, issued, &access, err) < 0 ||
	    prove(issue, &parts, &issued->no_dws, err) < 0)
		return -1;
	kubeconfig_text(&text, &parts);
	if (buf_check(&text, issue->path, err) < 0)
		return -1;
	return put_in_place(issue->path, &text, err);
}

int wlm_sign(const struct wlm_issue *issue, struct wlm_issued *issued,
	     struct err *err)
{
	int64_t wish = clock_wall() + issue->days * DAY_S - SHORTER_S;
	int result;

	*issued = (struct wlm_issued){ .heard = true };
	result = issue->via_csr ? have_signed(issue, &issued->pair,
					      &issued->heard, err) :
				  sign_here(issue, &issued->pair, err);
	if (result < 0 ||
	    x509_not_after(issued->pair.cert_pem, &issued->until, err) < 0)
		return -1;
	issued->shorter = issued->until < wish;
	return 0;
}

void wlm_issued_release(struct wlm_issued *issued)
{
	x509_pair_release(&issued->pair);
}

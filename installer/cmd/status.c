#include "cmd/cmd.h"

#include <inttypes.h>

#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "cmd/workflow_table.h"
#include "txn/status.h"

static void show_head(const struct jval *status, struct buf *out)
{
	const char *version = jval_str(status, "version");

	buf_addf(out, "DWS %s in namespace %s, Kubernetes %s\n",
		 version ? version : "(release unknown)",
		 jval_str(status, "namespace"), jval_str(status, "kubernetes"));
	if (str_eq(jval_str(status, "managedBy"), "dws-csm"))
		buf_addf(out,
			 "Installed by dws-csm, revision %" PRId64 ", %s\n",
			 jval_int(status, "revision", 0),
			 jval_str(status, "recordStatus"));
	else
		buf_addstr(out, "Installed by hand (no record of dws-csm)\n");
}

static void show_images(const struct jval *images, struct buf *out)
{
	static const char *const heads[] = { "IMAGE", "REFERENCE", "DIGEST",
					     NULL };
	struct table *table = table_new(heads);

	for (size_t i = 0; i < jval_len(images); i++) {
		const struct jval *image = jval_at(images, i);
		const char *digest = jval_str(image, "digest");
		const char *const cells[] = { jval_str(image, "name"),
					      jval_str(image, "reference"),
					      digest ? digest : "unknown" };

		table_row(table, cells);
	}
	buf_addch(out, '\n');
	table_print(table, out);
	table_free(table);
}

static void show_deployments(const struct jval *list, struct buf *out)
{
	static const char *const heads[] = { "DEPLOYMENT", "READY", "STATE",
					     "MESSAGE", NULL };
	struct table *table = table_new(heads);

	for (size_t i = 0; i < jval_len(list); i++) {
		const struct jval *one = jval_at(list, i);
		autofree char *ready = mem_printf("%" PRId64 "/%" PRId64,
						  jval_int(one, "ready", 0),
						  jval_int(one, "desired", 0));
		const char *const cells[] = { jval_str(one, "name"), ready,
					      jval_str(one, "state"),
					      jval_str(one, "message") };

		table_row(table, cells);
	}
	buf_addch(out, '\n');
	table_print(table, out);
	table_free(table);
}

static void show_crds(const struct jval *crds, struct buf *out)
{
	static const char *const heads[] = { "CUSTOM RESOURCE DEFINITION",
					     "STORAGE", "STATE", NULL };
	struct table *table = table_new(heads);

	for (size_t i = 0; i < jval_len(crds); i++) {
		const struct jval *crd = jval_at(crds, i);
		const char *storage = jval_str(crd, "storage");
		const char *const cells[] = { jval_str(crd, "name"),
					      storage ? storage : "-",
					      jval_str(crd, "state") };

		table_row(table, cells);
	}
	buf_addch(out, '\n');
	table_print(table, out);
	table_free(table);
}

static void show_certificate(const struct jval *certificate, struct buf *out)
{
	const char *error = jval_str(certificate, "error");

	if (error)
		buf_addf(out, "Certificate  Secret %s: %s\n",
			 jval_str(certificate, "secret"), error);
	else
		buf_addf(out,
			 "Certificate  Secret %s by %s, valid until %s "
			 "(%" PRId64 " days)\n",
			 jval_str(certificate, "secret"),
			 jval_str(certificate, "issuedBy"),
			 jval_str(certificate, "notAfter"),
			 jval_int(certificate, "daysLeft", 0));
}

static void show_webhook(const struct jval *webhook, struct buf *out)
{
	const struct jval *list = jval_get(webhook, "configurations");

	int64_t endpoints = jval_int(webhook, "endpoints", 0);

	buf_addf(out, "\nWebhook      %" PRId64 " endpoint%s\n", endpoints,
		 endpoints == 1 ? "" : "s");
	for (size_t i = 0; i < jval_len(list); i++) {
		const struct jval *one = jval_at(list, i);
		const char *state =
			!jval_bool(one, "present", false) ? "missing" :
			jval_bool(one, "caBundle", false) ? "has its CA" :
							    "has no CA";

		buf_addf(out, "             %s %s\n", jval_str(one, "name"),
			 state);
	}
	show_certificate(jval_get(webhook, "certificate"), out);
}

/* As `wlm check` has it. */
#define CREDENTIAL_WARN_DAYS 60

static void show_credential(const struct jval *credential, struct buf *out)
{
	const char *error = jval_str(credential, "error");
	const char *until = jval_str(credential, "until");
	int64_t left = jval_int(credential, "daysLeft", 0);

	if (!jval_is_object(credential))
		return;
	if (error) {
		buf_addf(out, "Slurm        unknown: %s\n", error);
		return;
	}
	buf_addf(out, "Slurm        user %s, role %s%s\n",
		 jval_str(credential, "user"), jval_str(credential, "role"),
		 jval_bool(credential, "roleFound", false) ?
			 "" :
			 " IS MISSING: 'dws-csm wlm renew' mends it");
	if (until)
		buf_addf(out,
			 "             credential valid until %s (%" PRId64
			 " days)%s\n",
			 until, left,
			 left < CREDENTIAL_WARN_DAYS ?
				 ": 'dws-csm wlm renew' makes a new one" :
				 "");
	else
		buf_addstr(out, "             credential not made by dws-csm, "
				"valid until an unknown time\n");
}

static void show_workflows(const struct jval *workflows, struct buf *out)
{
	const char *error = jval_str(workflows, "error");

	if (error) {
		buf_addf(out, "\nWorkflows    unknown: %s\n", error);
		return;
	}
	buf_addf(out, "\nWorkflows    %" PRId64 " in flight\n",
		 jval_int(workflows, "count", 0));
	if (jval_int(workflows, "count", 0) > 0)
		workflow_table(jval_get(workflows, "items"), out);
}

static void show_transaction(const struct jval *txn, struct buf *out)
{
	const struct jval *alive = jval_get(txn, "alive");
	bool back = str_eq(jval_str(txn, "direction"), "back");
	const char *version = jval_str(txn, "version");

	if (!jval_is_object(txn))
		return;
	buf_addf(out, "%s: %s%s%s%s, begun by '%s' on '%s' at %s, step '%s'\n",
		 jval_is_true(alive) ? "A change is under way" :
				       "A CHANGE IS HALF DONE",
		 jval_str(txn, "operation"), version ? " of DWS " : "",
		 version ? version : "", back ? ", going back" : "",
		 jval_str(txn, "user"), jval_str(txn, "host"),
		 jval_str(txn, "started"), jval_str(txn, "step"));
	if (jval_is_true(alive))
		return;
	if (jval_is_null(alive))
		buf_addf(out,
			 "Unless it is still at work on '%s': 'dws-csm resume' "
			 "goes on, 'dws-csm rollback' goes back\n",
			 jval_str(txn, "host"));
	else
		buf_addstr(out, "'dws-csm resume' goes on, 'dws-csm rollback' "
				"goes back\n");
}

static void show_gate(const struct jval *status, struct buf *out)
{
	if (!jval_bool(status, "gate", false))
		return;
	buf_addstr(out, "New Workflows are kept out");
	if (!jval_is_object(jval_get(status, "transaction")))
		buf_addstr(out, " though no change is under way: 'dws-csm "
				"resume' lets them in");
	buf_addch(out, '\n');
}

static int status_show(const struct jval *status, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	int64_t leftovers = jval_int(status, "leftovers", 0);

	show_transaction(jval_get(status, "transaction"), &out);
	show_gate(status, &out);
	if (leftovers > 0) {
		buf_addf(&out,
			 "DWS is not installed, but %" PRId64
			 " object%s of it %s left (Kubernetes %s); 'dws-csm "
			 "uninstall' removes %s\n",
			 leftovers, leftovers == 1 ? "" : "s",
			 leftovers == 1 ? "is" : "are",
			 jval_str(status, "kubernetes"),
			 leftovers == 1 ? "it" : "them");
		return output_text(buf_str(&out), err);
	}
	if (!jval_bool(status, "installed", false)) {
		buf_addf(&out, "DWS is not installed (Kubernetes %s)\n",
			 jval_str(status, "kubernetes"));
		return output_text(buf_str(&out), err);
	}
	show_head(status, &out);
	show_images(jval_get(status, "images"), &out);
	show_deployments(jval_get(status, "deployments"), &out);
	show_crds(jval_get(status, "crds"), &out);
	show_webhook(jval_get(status, "webhook"), &out);
	show_credential(jval_get(status, "workloadManager"), &out);
	show_workflows(jval_get(status, "workflows"), &out);
	return output_text(buf_str(&out), err);
}

static int status_main(struct settings *settings, const struct strs *args,
		       struct err *err)
{
	autocatalogue struct catalogue *catalogue = catalogue_open(err);
	auto_cluster struct cluster cluster = { 0 };
	autojval struct jval *status = NULL;

	(void)args;
	if (catalogue == NULL || cluster_open(&cluster, settings, err) < 0)
		return -1;
	status = status_take(cluster.kube, cluster.discovery, catalogue, err);
	if (status == NULL)
		return -1;
	if (output_format(settings->output))
		return output_value(status, settings->output, err);
	return status_show(status, err);
}

const struct command cmd_status = {
	.name = "status",
	.summary = "tell what stands in the cluster and how it is",
	.groups = GROUP_CLUSTER | GROUP_OUTPUT,
	.run = status_main,
};

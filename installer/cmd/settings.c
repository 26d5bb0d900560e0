#include "cmd/settings.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cmd/option_check.h"
#include "format/yaml.h"
#include "txn/transaction.h"

#define CONFIG_FILE "/etc/dws-csm/config.yaml"
#define CONFIG_MAX_BYTES ((size_t)1 << 20)

#define AT(field) .offset = offsetof(struct settings, field)

/* In the order in which help shows them: what is special first. */
static const struct opt table[] = {
	{ "version", 0, OPT_TEXT, "VERSION", NULL,
	  "release of DWS (default: see 'dws-csm manifests --list')",
	  AT(version), GROUP_RELEASE },
	{ "overlay", 0, OPT_LIST, "NAME|FILE|DIR", NULL,
	  "lay a kustomization of the site over the release; may be repeated",
	  AT(overlays), GROUP_RELEASE },
	{ "host-time", 0, OPT_TEXT, "HOW", "auto|keep|strip",
	  "mounts of the host's time zone (default auto: stripped where a "
	  "policy forbids hostPath)",
	  AT(host_time), GROUP_INSTALL | GROUP_MANIFESTS },
	{ "abandon-resources", 0, OPT_LIST, "KIND", NULL,
	  "custom resources that may be left behind where the release does "
	  "not take them; may be repeated",
	  AT(abandon), GROUP_CARRY, .only_flag = true },
	{ "allow-downgrade", 0, OPT_FLAG, NULL, NULL,
	  "take a bundle that is older than the one installed; 'upgrade' "
	  "takes an older release as well",
	  AT(allow_downgrade), GROUP_UPGRADE, .only_flag = true },
	{ "no-rollback", 0, OPT_FLAG, NULL, NULL,
	  "stop where it fails, to be resumed or rolled back by hand",
	  AT(no_rollback), GROUP_REVERT },
	{ "keep", 0, OPT_NUMBER, "N", NULL,
	  "revisions kept to roll back to (default 10)", AT(keep), GROUP_TXN,
	  .min = 2, .max = 1000 },
	{ "hooks", 0, OPT_TEXT, "DIR", NULL,
	  "directory of the site's hooks, besides /etc/dws-csm/hooks.d",
	  AT(hooks), GROUP_TXN },
	{ "hooks-timeout", 0, OPT_DURATION, "TIME", NULL,
	  "longest time of each hook (default 5m)", AT(hooks_timeout_ms),
	  GROUP_TXN, .min = 1 },
	{ "state-dir", 0, OPT_TEXT, "DIR", NULL,
	  "directory of undo data (default /var/lib/dws-csm)", AT(state_dir),
	  GROUP_STATE },
	{ "bundle", 0, OPT_TEXT, "FILE", NULL,
	  "take release and images out of this bundle (default: the one that "
	  "the executable carries, if any)",
	  AT(bundle), GROUP_BUNDLE },
	{ "trust", 0, OPT_LIST, "FILE|DIR", NULL,
	  "public keys whose signature counts (default "
	  "/etc/dws-csm/trust.d); may be repeated",
	  AT(trust), GROUP_TRUST | GROUP_INSPECT },
	{ "allow-unsigned", 0, OPT_FLAG, NULL, NULL,
	  "take a bundle that nobody signed", AT(allow_unsigned), GROUP_TRUST,
	  .only_flag = true },
	{ "key", 0, OPT_TEXT, "FILE", NULL, "private key to sign with, in PEM",
	  AT(key), GROUP_KEY, .check = check_file },
	{ "key-password-stdin", 0, OPT_FLAG, NULL, NULL,
	  "read the password of the private key from standard input",
	  AT(key_password_stdin), GROUP_KEY | GROUP_PASSWORD, true },
	{ "force", 0, OPT_FLAG, NULL, NULL, "overwrite what is there",
	  AT(force), GROUP_KEYGEN | GROUP_WLM_CREATE, .only_flag = true },
	{ "with-wlm", 0, OPT_FLAG, NULL, NULL,
	  "make the credential of the workload manager as well, where there is "
	  "none",
	  AT(with_wlm), GROUP_WITH_WLM },
	{ "wlm-file", 0, OPT_TEXT, "FILE", NULL,
	  "where --with-wlm puts it (default /etc/slurm/slurm-dws.kubeconfig)",
	  AT(wlm_file), GROUP_WITH_WLM, .check = check_not_empty },
	{ "via-csr", 0, OPT_FLAG, NULL, NULL,
	  "have the cluster sign the credential, by its certificates API, not "
	  "the CA's key",
	  AT(via_csr), GROUP_WLM_ISSUE },
	{ "ca-cert", 0, OPT_TEXT, "FILE", NULL,
	  "certificate of the cluster's CA (default "
	  "/etc/kubernetes/pki/ca.crt)",
	  AT(ca_cert), GROUP_WLM_ISSUE, .check = check_not_empty },
	{ "ca-key", 0, OPT_TEXT, "FILE", NULL,
	  "its private key (default /etc/kubernetes/pki/ca.key)", AT(ca_key),
	  GROUP_WLM_ISSUE, .check = check_not_empty },
	{ "days", 0, OPT_NUMBER, "N", NULL,
	  "validity of the credential (default 500)", AT(days), GROUP_WLM_ISSUE,
	  .min = 1, .max = 3650 },
	{ "key-type", 0, OPT_TEXT, "TYPE", "rsa|ec",
	  "its key: RSA of 2048 bits (default), or EC on P-256", AT(key_type),
	  GROUP_WLM_ISSUE },
	{ "server", 0, OPT_TEXT, "URL", NULL,
	  "address of the API server as the Slurm host reaches it (default: "
	  "that of the kubeconfig)",
	  AT(server), GROUP_WLM_ISSUE, .check = check_not_empty },
	{ "warn-days", 0, OPT_NUMBER, "N", NULL,
	  "fail where the certificate ends in fewer days (default 60)",
	  AT(warn_days), GROUP_WLM_CHECK, .min = 0, .max = 3650 },
	{ "force", 0, OPT_FLAG, NULL, NULL,
	  "also where jobs with #DW lines are in the queue", AT(force),
	  GROUP_SLURM_DISABLE, .only_flag = true },
	{ "slurm-conf", 0, OPT_TEXT, "FILE", NULL,
	  "slurm.conf of slurmctld (default: SLURM_CONF, "
	  "/etc/slurm/slurm.conf)",
	  AT(slurm_conf), GROUP_SLURM, .check = check_not_empty },
	{ "restart", 0, OPT_FLAG, NULL, NULL,
	  "restart slurmctld, and put slurm.conf back where it does not come "
	  "up",
	  AT(restart), GROUP_SLURM_CHANGE, .only_flag = true },
	{ "restart-command", 0, OPT_TEXT, "COMMAND", NULL,
	  "how it is restarted (default 'systemctl restart slurmctld'); words "
	  "between blanks, no shell",
	  AT(restart_command), GROUP_SLURM_CHANGE, .check = check_not_empty },
	{ "csm", 0, OPT_FLAG, NULL, NULL,
	  "Slurm runs in a pod of CSM: tell what is to be done there", AT(csm),
	  GROUP_SLURM_CHANGE, .only_flag = true },
	{ "apply", 0, OPT_FLAG, NULL, NULL, "and do it", AT(apply),
	  GROUP_SLURM_CHANGE, .only_flag = true },
	{ "sbom", 0, OPT_FLAG, NULL, NULL,
	  "print what is inside as SPDX 2.3 in JSON", AT(sbom), GROUP_INSPECT,
	  true },
	{ "release", 0, OPT_LIST, "VERSION", NULL,
	  "release of DWS that dws-csm carries (default: the newest); may be "
	  "repeated",
	  AT(releases), GROUP_CREATE },
	{ "from-source", 0, OPT_TEXT, "DIR|TAR", NULL,
	  "a release out of upstream's source tree, rendered by kustomize or "
	  "kubectl",
	  AT(from_source), GROUP_CREATE, .check = check_not_empty },
	{ "manifests", 0, OPT_TEXT, "FILE", NULL,
	  "a release out of YAML that was rendered before", AT(manifests),
	  GROUP_CREATE, .check = check_file },
	{ "version", 0, OPT_TEXT, "VERSION", NULL,
	  "name of the release of --from-source or --manifests", AT(version),
	  GROUP_CREATE },
	{ "rpm", 0, OPT_LIST, "FILE", NULL, "put this RPM in; may be repeated",
	  AT(rpms), GROUP_CREATE },
	{ "doc", 0, OPT_LIST, "FILE", NULL,
	  "put this document in; may be repeated", AT(docs), GROUP_CREATE },
	{ "split", 0, OPT_SIZE, "SIZE", NULL,
	  "write parts of this size, such as 700M or 4700000000",
	  AT(split_bytes), GROUP_CREATE, .min = 65536 },
	{ "self-contained", 0, OPT_FLAG, NULL, NULL,
	  "write this executable with the bundle behind it", AT(self_contained),
	  GROUP_CREATE },
	{ "list", 0, OPT_FLAG, NULL, NULL, "list the releases carried",
	  AT(list), GROUP_MANIFESTS, true },
	{ "from", 0, OPT_LIST, "SOURCE", NULL,
	  "take images from oci:DIR, oci-archive:FILE, docker-archive:FILE, "
	  "dir:DIR or docker://HOST/IMAGE:TAG, not from upstream's registries",
	  AT(from), GROUP_IMAGES },
	{ "to", 0, OPT_TEXT, "DIR", NULL,
	  "directory to write, one OCI image layout", AT(to), GROUP_PULL,
	  true },
	{ "to", 0, OPT_TEXT, "DIR", NULL,
	  "directory to write files to; it is made where there is none", AT(to),
	  GROUP_EXTRACT, true },
	{ "platform", 0, OPT_TEXT, "OS/ARCH[/VARIANT]", NULL,
	  "platform taken out of a manifest list (default linux/amd64)",
	  AT(platform), GROUP_IMAGES, .check = check_platform },
	{ "all-platforms", 0, OPT_FLAG, NULL, NULL, "take manifest lists whole",
	  AT(all_platforms), GROUP_IMAGES },
	{ "jobs", 'j', OPT_NUMBER, "N", NULL,
	  "transfers at the same time (default 6)", AT(jobs), GROUP_IMAGES,
	  .min = 1, .max = 64 },
	{ "skip-images", 0, OPT_FLAG, NULL, NULL,
	  "the images are in the registry already: push none", AT(skip_images),
	  GROUP_INSTALL | GROUP_ROLLBACK },
	{ "pin-digests", 0, OPT_FLAG, NULL, NULL,
	  "name images by tag and digest in the Deployments", AT(pin_digests),
	  GROUP_INSTALL },
	{ "webhook-certs", 0, OPT_TEXT, "WHO", "auto|cert-manager|self-signed",
	  "who issues the webhook's certificate (default auto: cert-manager "
	  "where it is served)",
	  AT(webhook_certs), GROUP_INSTALL },
	{ "replicas", 0, OPT_NUMBER, "N", NULL,
	  "pods of the webhook, for clusters of less than three nodes",
	  AT(replicas), GROUP_INSTALL | GROUP_MANIFESTS, .min = 1, .max = 100 },
	{ "delete-namespace", 0, OPT_FLAG, NULL, NULL,
	  "delete the Namespace dws-system as well", AT(delete_namespace),
	  GROUP_UNINSTALL, .only_flag = true },
	{ "registry", 0, OPT_TEXT, "HOST[:PORT][/PREFIX]", NULL,
	  "registry that the nodes pull from (default registry.local)",
	  AT(registry), GROUP_REGISTRY | GROUP_PLACE, .check = check_registry },
	{ "registry-username", 0, OPT_TEXT, "NAME", NULL,
	  "user of the registry (default: Secret nexus-admin-credential)",
	  AT(registry_username), GROUP_REGISTRY, .check = check_not_empty },
	{ "registry-password-stdin", 0, OPT_FLAG, NULL, NULL,
	  "read the password of that user from standard input",
	  AT(registry_password_stdin), GROUP_REGISTRY, true },
	{ "registry-ca", 0, OPT_TEXT, "FILE", NULL,
	  "CA certificates to trust for registries, besides the host's",
	  AT(registry_ca), GROUP_REGISTRY | GROUP_SOURCE, .check = check_file },
	{ "authfile", 0, OPT_TEXT, "FILE", NULL,
	  "credentials as podman, skopeo and docker keep them", AT(authfile),
	  GROUP_REGISTRY | GROUP_IMAGES, .check = check_authfile },
	{ "no-write", 0, OPT_FLAG, NULL, NULL,
	  "look only: write nothing to the registry, not even to try",
	  AT(no_write), GROUP_DOCTOR },
	{ "namespace", 'n', OPT_TEXT, "NAME", NULL,
	  "only this namespace (default: all)", AT(namespace),
	  GROUP_NAMESPACE },
	{ "namespace", 'n', OPT_TEXT, "NAME", NULL,
	  "namespace that Workflows go to (default: default)", AT(namespace),
	  GROUP_WLM_CREATE },
	{ "namespace", 'n', OPT_TEXT, "NAME", NULL,
	  "namespace that Workflows of --with-wlm go to (default: default)",
	  AT(namespace), GROUP_WITH_WLM },
	{ "all-namespaces", 'A', OPT_FLAG, NULL, NULL,
	  "all namespaces, also where --namespace names one",
	  AT(all_namespaces), GROUP_NAMESPACE },
	{ "from-stdin", 0, OPT_FLAG, NULL, NULL,
	  "read the Workflow as JSON from standard input", AT(from_stdin),
	  GROUP_STDIN, .only_flag = true },
	{ "hurry", 0, OPT_FLAG, NULL, NULL,
	  "set 'hurry' as well: drivers leave out what they may", AT(hurry),
	  GROUP_SET_STATE, .only_flag = true },
	{ "resource-version", 0, OPT_TEXT, "N", NULL,
	  "only where nobody changed the Workflow since it was this one",
	  AT(resource_version), GROUP_SET_STATE, .only_flag = true },
	{ "changes", 0, OPT_FLAG, NULL, NULL,
	  "print each change as it comes, until the Workflow is gone",
	  AT(changes), GROUP_WAIT_FOR, .only_flag = true },
	{ "resource-version", 0, OPT_TEXT, "N", NULL,
	  "of the Workflow that is known already: only changes after it",
	  AT(resource_version), GROUP_WAIT_FOR, .only_flag = true },
	{ "api-version", 0, OPT_TEXT, "VERSION", NULL,
	  "version of Workflows to use, such as v1alpha7 (default: the one "
	  "that the server prefers)",
	  AT(api_version), GROUP_WORKFLOW },
	{ "namespace", 'n', OPT_TEXT, "NAME", NULL,
	  "namespace of the Workflow (default: that of the context, else "
	  "'default')",
	  AT(namespace), GROUP_WORKFLOW },
	{ "dry-run", 0, OPT_FLAG, NULL, NULL,
	  "tell every step and change nothing", AT(dry_run),
	  GROUP_CHANGE | GROUP_REHEARSE, .only_flag = true },
	{ "wait", 0, OPT_SWITCH, NULL, NULL,
	  "wait until all is ready (default), or do not", AT(wait),
	  GROUP_WAIT },
	{ "timeout", 0, OPT_DURATION, "TIME", NULL,
	  "longest wait for each object (default 120s)", AT(timeout_ms),
	  GROUP_CHANGE | GROUP_RESUME, .min = 1 },
	{ "timeout", 0, OPT_DURATION, "TIME", NULL,
	  "longest time of the whole command (default 120s)", AT(timeout_ms),
	  GROUP_WORKFLOW, .min = 1 },
	{ "timeout", 0, OPT_DURATION, "TIME", NULL,
	  "longest wait for slurmctld to come up, and for each step in CSM "
	  "(default 120s)",
	  AT(timeout_ms), GROUP_SLURM_CHANGE, .min = 1 },
	{ "timeout", 0, OPT_DURATION, "TIME", NULL,
	  "longest time of the job, and of its Workflow (default 15m)",
	  AT(job_timeout_ms), GROUP_TEST_JOB, .min = 1 },
	{ "user", 0, OPT_TEXT, "NAME", NULL,
	  "user that the job belongs to; root must name one", AT(user),
	  GROUP_TEST_JOB, .check = check_not_empty },
	{ "partition", 0, OPT_TEXT, "NAME", NULL,
	  "partition (default: that of the script, else Slurm's)",
	  AT(partition), GROUP_TEST_JOB, .check = check_not_empty },
	{ "account", 0, OPT_TEXT, "NAME", NULL,
	  "account (default: that of the script, else the user's)", AT(account),
	  GROUP_TEST_JOB, .check = check_not_empty },
	{ "chdir", 0, OPT_TEXT, "DIR", NULL,
	  "directory on the node that the job runs in and writes its output to "
	  "(default /tmp)",
	  AT(chdir), GROUP_TEST_JOB, .check = check_not_empty },
	{ "no-cancel", 0, OPT_FLAG, NULL, NULL,
	  "leave a job that does not end as it is, to look at it",
	  AT(no_cancel), GROUP_TEST_JOB, .only_flag = true },
	{ "yes", 'y', OPT_FLAG, NULL, NULL, "do not ask", AT(yes),
	  GROUP_UNINSTALL, .only_flag = true },
	{ "output", 'o', OPT_TEXT, "FORMAT", "yaml|json", "form of the result",
	  AT(output), GROUP_FORMAT },
	{ "output", 'o', OPT_TEXT, "FORMAT", "table|json|yaml",
	  "form of the result", AT(output), GROUP_OUTPUT },
	{ "output", 'o', OPT_TEXT, "FORMAT|FILE", NULL,
	  "table, json or yaml; or a file for 'dws-csm apply': a name with a "
	  "slash, or that ends in .json or .yaml",
	  AT(output), GROUP_PLAN, .check = check_plan_output },
	{ "man", 0, OPT_FLAG, NULL, NULL, "as a man page (roff)", AT(man),
	  GROUP_HELP, true },
	{ "kubeconfig", 0, OPT_TEXT, "FILE", NULL,
	  "kubeconfig (default: KUBECONFIG, ~/.kube/config, "
	  "/etc/kubernetes/admin.conf)",
	  AT(kubeconfig), GROUP_CLUSTER },
	{ "context", 0, OPT_TEXT, "NAME", NULL, "context in the kubeconfig",
	  AT(context), GROUP_CLUSTER },
	{ "progress", 0, OPT_TEXT, "FACE", "auto|tty|plain|json|none",
	  "how progress is told (default auto)", AT(progress_name),
	  GROUP_PROGRESS },
	{ "verbose", 'v', OPT_COUNT, NULL, NULL,
	  "say more; -vv tells each request", AT(verbose), GROUP_ALL },
	{ "quiet", 'q', OPT_FLAG, NULL, NULL, "warnings and errors only",
	  AT(quiet), GROUP_ALL },
	{ "help", 'h', OPT_FLAG, NULL, NULL, "tell about the command", AT(help),
	  GROUP_ALL, true },
};

const struct opts_table settings_table = { table, ARRAY_SIZE(table) };

void settings_init(struct settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	settings->wait = true;
	settings->timeout_ms = TXN_TIMEOUT_MS;
	settings->replicas = -1;
	settings->hooks_timeout_ms = 300000;
	settings->job_timeout_ms = 900000;
	settings->chdir = "/tmp";
	settings->keep = 10;
	settings->days = 500;
	settings->warn_days = 60;
	settings->restart_command = "systemctl restart slurmctld";
	settings->registry = "registry.local";
	settings->webhook_certs = "auto";
	settings->output = NULL;
	settings->progress_name = "auto";
}

void settings_release(struct settings *settings)
{
	strs_release(&settings->from);
	strs_release(&settings->overlays);
	strs_release(&settings->trust);
	strs_release(&settings->releases);
	strs_release(&settings->rpms);
	strs_release(&settings->docs);
	strs_release(&settings->abandon);
	strs_release(&settings->store);
}

/* A scalar of the configuration file as the text an option takes. */
static char *config_scalar(const struct jval *value)
{
	if (jval_string(value))
		return mem_strdup(jval_string(value));
	if (jval_is_object(value) || jval_is_array(value) ||
	    jval_is_null(value))
		return NULL;
	return jval_text(value, false);
}

static bool config_is_list(const char *name)
{
	for (size_t i = 0; i < settings_table.nr; i++)
		if (str_eq(table[i].name, name))
			return table[i].kind == OPT_LIST;
	return false;
}

/* Likewise of a list: with commas between. */
static char *config_text(const char *name, const struct jval *value)
{
	auto_strs struct strs parts = STRS_INIT;

	if (!jval_is_array(value) || !config_is_list(name))
		return config_scalar(value);
	for (size_t i = 0; i < jval_len(value); i++) {
		char *part = config_scalar(jval_at(value, i));

		if (part == NULL)
			return NULL;
		strs_take(&parts, part);
	}
	return strs_join(&parts, ",");
}

static int config_apply(struct settings *settings, uint64_t groups,
			const char *name, const struct jval *value,
			struct err *err)
{
	char *text = config_text(name, value);

	if (text == NULL)
		return err_set(err, ERR_USAGE, "'%s' must be %s", name,
			       config_is_list(name) ? "a list of plain values" :
						      "a plain value");
	strs_take(&settings->store, text);
	return opts_set(&settings_table, groups, name, text, settings, err);
}

static int config_load(struct settings *settings, uint64_t groups,
		       const char *path, bool required, struct err *err)
{
	autofree char *text = NULL;
	autojval struct jval *config = NULL;
	size_t len;

	if (file_read(AT_FDCWD, path, CONFIG_MAX_BYTES, &text, &len, err) < 0) {
		if (err->kind != ERR_NOT_FOUND || required)
			return -1;
		err_clear(err);
		return 0;
	}
	config = yaml_parse_all(text, len, err);
	if (config == NULL)
		return err_wrap(err, "read '%s'", path);
	if (jval_len(config) == 0)
		return 0;
	if (jval_len(config) > 1 || !jval_is_object(jval_at(config, 0)))
		return err_set(err, ERR_USAGE,
			       "'%s' must be one mapping of option names to "
			       "values",
			       path);
	for (void *it = jval_first(jval_at(config, 0)); it;
	     it = jval_next(jval_at(config, 0), it))
		if (config_apply(settings, groups, jval_member_name(it),
				 jval_member_value(it), err) < 0)
			return err_wrap(err, "read '%s'", path);
	return 0;
}

/* What holds unless the command line says something else. */
static int settings_load_defaults(struct settings *settings, uint64_t groups,
				  struct err *err)
{
	const char *path = getenv("DWS_CSM_CONFIG");

	if (config_load(settings, groups, path ? path : CONFIG_FILE,
			path != NULL, err) < 0)
		return -1;
	return opts_from_environment(&settings_table, groups, settings, err);
}

/* '--context "$CONTEXT"' in a script where there is none. */
static void settings_unset_empty(const char **text)
{
	if (str_empty(*text))
		*text = NULL;
}

int settings_load(struct settings *settings, uint64_t groups, char *const *argv,
		  struct strs *args, struct err *err)
{
	struct err defaults_err = ERR_INIT;
	int defaults, line;

	defaults = settings_load_defaults(settings, groups, &defaults_err);
	line = opts_parse(&settings_table, groups, argv, settings, args, err);
	settings_unset_empty(&settings->kubeconfig);
	settings_unset_empty(&settings->context);
	settings_unset_empty(&settings->namespace);
	if (line == 0 && defaults < 0 && !(groups & GROUP_PROGRAM)) {
		*err = defaults_err;
		return -1;
	}
	return line;
}

int settings_progress(const struct settings *settings,
		      struct progress **progress, struct err *err)
{
	enum progress_mode mode;

	if (progress_mode_parse(&mode, settings->progress_name, err) < 0)
		return -1;
	if (settings->quiet && mode == PROGRESS_AUTO)
		mode = PROGRESS_NONE;
	*progress = progress_new(mode, STDERR_FILENO);
	return 0;
}

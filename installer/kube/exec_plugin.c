#include "kube/exec_plugin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strs.h"
#include "kube/kubeconfig.h"

#define EXEC_GROUP "client.authentication.k8s.io/"
#define EXEC_TIMEOUT_MS 60000
/* An interactive one waits for a human. */
#define EXEC_INTERACTIVE_MS 300000

enum interactive {
	INTERACTIVE_NEVER,
	INTERACTIVE_IF_AVAILABLE,
	INTERACTIVE_ALWAYS
};

struct exec_plugin {
	char *user;
	char *api_version;
	char *install_hint;
	struct strs argv;
	struct strs env;
	enum interactive interactive;
	struct jval *cluster; /* told to the plugin, or NULL */
};

void exec_plugin_free(struct exec_plugin *plugin)
{
	if (plugin == NULL)
		return;
	free(plugin->user);
	free(plugin->api_version);
	free(plugin->install_hint);
	strs_release(&plugin->argv);
	strs_release(&plugin->env);
	jval_free(plugin->cluster);
	free(plugin);
}

static int parse_version(struct exec_plugin *plugin, const struct jval *exec,
			 struct err *err)
{
	static const char *const known[] = { "v1", "v1beta1", "v1alpha1" };
	const char *text = jval_str(exec, "apiVersion");
	const char *version = text ? str_after(text, EXEC_GROUP) : NULL;

	for (size_t i = 0; version && i < ARRAY_SIZE(known); i++) {
		if (strcmp(version, known[i]) == 0) {
			plugin->api_version = mem_strdup(text);
			return 0;
		}
	}
	return err_set(err, ERR_INVALID,
		       "apiVersion '%s' is not known; it must be " EXEC_GROUP
		       "v1 or v1beta1",
		       text ? text : "");
}

static int parse_interactive(struct exec_plugin *plugin,
			     const struct jval *exec, struct err *err)
{
	const char *mode = jval_str(exec, "interactiveMode");

	if (mode == NULL || strcmp(mode, "IfAvailable") == 0)
		plugin->interactive = INTERACTIVE_IF_AVAILABLE;
	else if (strcmp(mode, "Never") == 0)
		plugin->interactive = INTERACTIVE_NEVER;
	else if (strcmp(mode, "Always") == 0)
		plugin->interactive = INTERACTIVE_ALWAYS;
	else
		return err_set(err, ERR_INVALID,
			       "interactiveMode '%s' is not known", mode);
	return 0;
}

/* A command with a slash is relative to the kubeconfig, another in PATH. */
static int parse_command(struct exec_plugin *plugin, const struct jval *exec,
			 const char *file, struct err *err)
{
	const char *command = jval_str(exec, "command");
	const struct jval *args = jval_get(exec, "args");
	const struct jval *env = jval_get(exec, "env");

	if (str_empty(command))
		return err_set(err, ERR_INVALID, "it names no command");
	strs_take(&plugin->argv, strchr(command, '/') ?
					 kubeconfig_resolve(file, command) :
					 mem_strdup(command));
	for (size_t i = 0; i < jval_len(args); i++) {
		const char *arg = jval_string(jval_at(args, i));

		if (arg == NULL)
			return err_set(err, ERR_INVALID,
				       "an argument is not a string");
		strs_add(&plugin->argv, arg);
	}
	for (size_t i = 0; i < jval_len(env); i++) {
		const char *name = jval_str(jval_at(env, i), "name");
		const char *value = jval_str(jval_at(env, i), "value");

		if (!str_empty(name) && !strchr(name, '='))
			strs_addf(&plugin->env, "%s=%s", name,
				  value ? value : "");
	}
	return 0;
}

struct exec_plugin *exec_plugin_new(const struct jval *exec, const char *user,
				    const char *file,
				    const struct jval *cluster, struct err *err)
{
	struct exec_plugin *plugin = mem_alloc(sizeof(*plugin));

	plugin->user = mem_strdup(user);
	plugin->install_hint = mem_strdup(jval_str(exec, "installHint"));
	if (jval_bool(exec, "provideClusterInfo", false))
		plugin->cluster = jval_copy(cluster);
	if (parse_version(plugin, exec, err) < 0 ||
	    parse_interactive(plugin, exec, err) < 0 ||
	    parse_command(plugin, exec, file, err) < 0) {
		err_wrap(err, "exec plugin of user '%s' in '%s'", user, file);
		exec_plugin_free(plugin);
		return NULL;
	}
	return plugin;
}

static char *exec_info(const struct exec_plugin *plugin, bool interactive)
{
	autojval struct jval *info = jval_new_object();

	jval_set_str(info, "kind", "ExecCredential");
	jval_set_str(info, "apiVersion", plugin->api_version);
	jval_set_path(info, "spec.interactive", jval_new_bool(interactive));
	if (plugin->cluster)
		jval_set_path(info, "spec.cluster", jval_ref(plugin->cluster));
	return jval_text(info, false);
}

static char *secret_copy(const char *s)
{
	return str_empty(s) ? NULL : mem_strdup(s);
}

static int parse_answer(const struct exec_plugin *plugin, const struct buf *out,
			struct exec_answer *answer, struct err *err)
{
	autojval struct jval *value = jval_parse(buf_str(out), out->len, err);
	const struct jval *status = jval_get(value, "status");
	const char *version = jval_str(value, "apiVersion");
	const char *expires = jval_str(status, "expirationTimestamp");

	if (value == NULL)
		return err_wrap(err, "its output is not an ExecCredential");
	if (!str_eq(jval_str(value, "kind"), "ExecCredential") ||
	    !str_eq(version, plugin->api_version))
		return err_set(err, ERR_INVALID,
			       "its output is not an ExecCredential of '%s'",
			       plugin->api_version);
	if (expires && clock_parse_rfc3339(expires, &answer->expires, err) < 0)
		return err_wrap(err, "expirationTimestamp");
	answer->token = secret_copy(jval_str(status, "token"));
	answer->cert_pem =
		secret_copy(jval_str(status, "clientCertificateData"));
	answer->key_pem = secret_copy(jval_str(status, "clientKeyData"));
	if ((answer->cert_pem == NULL) != (answer->key_pem == NULL))
		return err_set(
			err, ERR_INVALID,
			"its answer has only one of clientCertificateData and clientKeyData");
	if (answer->token == NULL && answer->cert_pem == NULL)
		return err_set(
			err, ERR_INVALID,
			"its answer has neither a token nor a certificate");
	return 0;
}

static int run(const struct exec_plugin *plugin, struct exec_answer *answer,
	       struct err *err)
{
	bool interactive = plugin->interactive != INTERACTIVE_NEVER &&
			   isatty(STDIN_FILENO);
	struct strs auto_strs env = STRS_INIT;
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	struct proc_request request = {
		.argv = plugin->argv.item,
		.keep_stdin = interactive,
		.keep_stderr = true,
		.timeout_ms = interactive ? EXEC_INTERACTIVE_MS :
					    EXEC_TIMEOUT_MS,
	};
	autofree char *info = exec_info(plugin, interactive);

	if (plugin->interactive == INTERACTIVE_ALWAYS && !interactive)
		return err_set(
			err, ERR_API,
			"it must ask on a terminal, and standard input is none");
	for (size_t i = 0; i < plugin->env.nr; i++)
		strs_add(&env, plugin->env.item[i]);
	strs_addf(&env, "KUBERNETES_EXEC_INFO=%s", info);
	request.env = env.item;
	if (proc_run(&request, &result, err) < 0) {
		if (err->kind == ERR_NOT_FOUND && plugin->install_hint)
			err_hint(err, "%s", plugin->install_hint);
		return -1;
	}
	if (result.status != 0)
		return err_set(err, ERR_API, "it ended with status %d",
			       result.status);
	return parse_answer(plugin, &result.out, answer, err);
}

int exec_plugin_run(const struct exec_plugin *plugin,
		    struct exec_answer *answer, struct err *err)
{
	const char *command = plugin->argv.item[0];

	log_verbose("asking '%s' for a credential", command);
	if (run(plugin, answer, err) < 0) {
		exec_answer_release(answer);
		if (err->kind != ERR_INTERRUPTED)
			err->kind = ERR_API;
		return err_wrap(err, "exec plugin '%s' of user '%s'", command,
				plugin->user);
	}
	return 0;
}

void exec_answer_release(struct exec_answer *answer)
{
	mem_free_secret(answer->token);
	mem_free_secret(answer->cert_pem);
	mem_free_secret(answer->key_pem);
	memset(answer, 0, sizeof(*answer));
}

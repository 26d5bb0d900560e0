#include "cmd/plan_file.h"

#include "base/mem.h"
#include "format/jval.h"

/* Of the host or the moment, not of what is done; and a plan says not whom to
 * believe. */
#define GROUPS_APART                                               \
	(GROUP_ALL | GROUP_STATE | GROUP_PROGRESS | GROUP_OUTPUT | \
	 GROUP_PLAN | GROUP_TRUST)

const struct command *plan_command(const char *operation, struct err *err)
{
	static const char *const names[] = { "install", "upgrade", "rollback",
					     "uninstall" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *argv[] = { (char *)names[i], NULL };
		size_t words;

		if (str_eq(operation, names[i]))
			return command_find(argv, &words);
	}
	err_set(err, ERR_USAGE,
		"'%s' cannot be planned: install, upgrade, rollback and "
		"uninstall can",
		operation);
	return NULL;
}

static bool is_kept(const struct opt *opt, const struct command *command)
{
	return (opt->groups & command->groups & ~(uint64_t)GROUPS_APART) &&
	       !str_eq(opt->name, "dry-run");
}

static struct jval *options_value(const struct command *command,
				  const struct settings *settings)
{
	struct jval *value = jval_new_object();
	struct settings defaults;

	settings_init(&defaults);
	for (size_t i = 0; i < settings_table.nr; i++) {
		const struct opt *opt = &settings_table.opt[i];
		autofree char *text = opts_value(opt, settings);
		autofree char *otherwise = opts_value(opt, &defaults);

		if (is_kept(opt, command) && !str_eq(text, otherwise))
			jval_set(value, opt->name, jval_new_str(text));
	}
	settings_release(&defaults);
	return value;
}

struct jval *plan_file_meta(const struct command *command,
			    const struct strs *arguments,
			    const struct settings *settings,
			    const char *cluster)
{
	struct jval *list = jval_new_array();

	for (size_t i = 0; i < arguments->nr; i++)
		jval_append(list, jval_new_str(arguments->item[i]));
	return jval_pack("{s:s, s:o, s:o, s:s?}", "operation", command->name,
			 "arguments", list, "options",
			 options_value(command, settings), "cluster", cluster);
}

/* As words of a command line, which are kept: settings borrow from them. */
static int take_options(const struct jval *options,
			const struct command *command,
			struct settings *settings, struct err *err)
{
	autofree char **argv = mem_array(jval_len(options) + 1, sizeof(*argv));
	auto_strs struct strs none = STRS_INIT;
	size_t nr = 0;

	for (void *it = jval_first(options); it; it = jval_next(options, it)) {
		const char *text = jval_string(jval_member_value(it));

		argv[nr] = mem_printf("--%s=%s", jval_member_name(it),
				      text ? text : "");
		strs_take(&settings->store, argv[nr++]);
	}
	return opts_parse(&settings_table, command->groups, argv, settings,
			  &none, err);
}

int plan_file_take(const struct jval *saved, struct settings *settings,
		   struct strs *arguments, struct err *err)
{
	const struct command *command =
		plan_command(jval_str(saved, "operation"), err);
	const struct jval *list = jval_get(saved, "arguments");
	const char *kubeconfig = settings->kubeconfig;
	const char *context = settings->context;
	const char *bundle = settings->bundle;

	if (command == NULL || take_options(jval_get(saved, "options"), command,
					    settings, err) < 0)
		return -1;
	if (bundle)
		settings->bundle = bundle;
	if (kubeconfig)
		settings->kubeconfig = kubeconfig;
	if (context || kubeconfig)
		settings->context = context;
	for (size_t i = 0; i < jval_len(list); i++)
		if (jval_is_str(jval_at(list, i)))
			strs_add(arguments, jval_string(jval_at(list, i)));
	return 0;
}

char *cluster_uid(struct cluster *cluster)
{
	struct err err = ERR_INIT;
	autojval struct jval *ns =
		kube_get(cluster->kube, "/api/v1/namespaces/kube-system", &err);

	return mem_strdup(jval_str(ns, "metadata.uid"));
}

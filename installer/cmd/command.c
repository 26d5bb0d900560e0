#include "cmd/cmd.h"

#include <string.h>

extern const struct command cmd_apply, cmd_backup_create, cmd_backup_list,
	cmd_backup_restore, cmd_backup_show, cmd_bundle_create,
	cmd_bundle_extract, cmd_bundle_inspect, cmd_bundle_keygen,
	cmd_bundle_sign, cmd_bundle_verify, cmd_completion, cmd_doctor_registry,
	cmd_help, cmd_history, cmd_images_list, cmd_images_pull,
	cmd_images_push, cmd_install, cmd_manifests, cmd_plan, cmd_resume,
	cmd_rollback, cmd_slurm_check, cmd_slurm_disable, cmd_slurm_enable,
	cmd_slurm_test_job, cmd_status, cmd_uninstall, cmd_upgrade, cmd_version,
	cmd_wlm_check, cmd_wlm_create, cmd_wlm_renew, cmd_wlm_revoke,
	cmd_workflows_create, cmd_workflows_delete, cmd_workflows_get,
	cmd_workflows_list, cmd_workflows_set_state, cmd_workflows_show,
	cmd_workflows_wait;

/* One a line. */
/* clang-format off */
const struct command *const commands[] = {
	&cmd_install,
	&cmd_upgrade,
	&cmd_rollback,
	&cmd_resume,
	&cmd_uninstall,
	&cmd_plan,
	&cmd_apply,
	&cmd_status,
	&cmd_history,
	&cmd_backup_create,
	&cmd_backup_list,
	&cmd_backup_show,
	&cmd_backup_restore,
	&cmd_manifests,
	&cmd_images_list,
	&cmd_images_push,
	&cmd_images_pull,
	&cmd_bundle_create,
	&cmd_bundle_keygen,
	&cmd_bundle_sign,
	&cmd_bundle_verify,
	&cmd_bundle_inspect,
	&cmd_bundle_extract,
	&cmd_wlm_create,
	&cmd_wlm_renew,
	&cmd_wlm_check,
	&cmd_wlm_revoke,
	&cmd_slurm_check,
	&cmd_slurm_enable,
	&cmd_slurm_disable,
	&cmd_slurm_test_job,
	&cmd_doctor_registry,
	&cmd_workflows_list,
	&cmd_workflows_show,
	&cmd_workflows_create,
	&cmd_workflows_get,
	&cmd_workflows_set_state,
	&cmd_workflows_wait,
	&cmd_workflows_delete,
	&cmd_help,
	&cmd_completion,
	&cmd_version,
	NULL,
};
/* clang-format on */

/* How many words of `argv` the name is, or 0 when they differ. */
static size_t command_matches(const char *name, char *const *argv)
{
	size_t words = 0;

	for (;; words++) {
		size_t len = strcspn(name, " ");

		if (argv[words] == NULL || strlen(argv[words]) != len ||
		    strncmp(argv[words], name, len) != 0)
			return 0;
		if (name[len] == '\0')
			return words + 1;
		name += len + 1;
	}
}

const struct command *command_find(char *const *argv, size_t *words)
{
	for (size_t i = 0; commands[i]; i++) {
		*words = command_matches(commands[i]->name, argv);
		if (*words > 0)
			return commands[i];
	}
	return NULL;
}

bool command_is_family(const char *word)
{
	for (size_t i = 0; commands[i]; i++) {
		const char *rest = str_after(commands[i]->name, word);

		if (rest && *rest == ' ')
			return true;
	}
	return false;
}

/* How many words the option at `argv` is: two where a value follows it. */
static size_t option_words(char *const *argv)
{
	const char *word = argv[0];
	bool is_long = str_starts(word, "--");

	if (strchr(word, '=') || argv[1] == NULL)
		return 1;
	for (size_t i = 0; i < settings_table.nr; i++) {
		const struct opt *opt = &settings_table.opt[i];
		bool same = is_long ? str_eq(opt->name, word + 2) :
				      opt->letter && word[1] == opt->letter &&
					      word[2] == '\0';

		if (same)
			return opt->arg ? 2 : 1;
	}
	return 1;
}

/* Take the wishes for help out of `argv`; whether there was one. */
static bool take_help(char **argv)
{
	char **kept = argv;

	for (; *argv; argv++)
		if (!str_eq(*argv, "--help") && !str_eq(*argv, "-h"))
			*kept++ = *argv;
	*kept = NULL;
	return kept != argv;
}

const struct command *command_take(char **argv, char ***words)
{
	const struct command *command;
	size_t nr = 0, at = 0;

	while (argv[at] && argv[at][0] == '-' && argv[at][1] != '\0')
		at += option_words(argv + at);
	*words = argv + at;
	command = command_find(argv + at, &nr);
	for (size_t i = at; nr > 0; i++) {
		argv[i] = argv[i + nr];
		if (argv[i] == NULL)
			break;
	}
	if (command == NULL && argv[at] && command_is_family(argv[at]) &&
	    (argv[at + 1] == NULL || argv[at + 1][0] == '-') &&
	    take_help(argv + at))
		command = &cmd_help;
	return command;
}

#include "cmd/cmd.h"

#include <string.h>

extern const struct command cmd_completion, cmd_help, cmd_history,
	cmd_images_list, cmd_images_pull, cmd_images_push, cmd_install,
	cmd_manifests, cmd_status, cmd_uninstall, cmd_version,
	cmd_workflows_list, cmd_workflows_show;

const struct command *const commands[] = {
	&cmd_install,	     &cmd_uninstall,
	&cmd_status,	     &cmd_history,
	&cmd_manifests,	     &cmd_images_list,
	&cmd_images_push,    &cmd_images_pull,
	&cmd_workflows_list, &cmd_workflows_show,
	&cmd_help,	     &cmd_completion,
	&cmd_version,	     NULL,
};

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

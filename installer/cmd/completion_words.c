#include <string.h>

#include "base/mem.h"
#include "cmd/completion.h"

bool completion_takes(const struct command *command, const struct opt *opt)
{
	return opt->groups & (command->groups | GROUP_ALL);
}

char *completion_first_word(const struct command *command)
{
	return mem_strndup(command->name, strcspn(command->name, " "));
}

void completion_families(struct strs *list)
{
	for (size_t i = 0; commands[i]; i++) {
		autofree char *word = completion_first_word(commands[i]);

		if (command_is_family(word) && !strs_has(list, word))
			strs_add(list, word);
	}
}

char *completion_words_after(const char *first)
{
	auto_strs struct strs list = STRS_INIT;

	for (size_t i = 0; commands[i]; i++) {
		autofree char *word = completion_first_word(commands[i]);
		const char *rest = strchr(commands[i]->name, ' ');

		if (*first == '\0' && !strs_has(&list, word))
			strs_add(&list, word);
		else if (rest && str_eq(word, first))
			strs_add(&list, rest + 1);
	}
	return strs_join(&list, " ");
}

enum completion_want completion_option_wants(const struct opt *opt)
{
	if (opt->choices || str_eq(opt->arg, "VERSION"))
		return WANT_WORDS;
	if (str_eq(opt->arg, "SOURCE"))
		return WANT_SOURCE;
	if (opt->arg &&
	    (str_ends(opt->arg, "FILE") || str_ends(opt->arg, "DIR")))
		return WANT_FILE;
	return WANT_NOTHING;
}

char *completion_option_words(const struct completion *self,
			      const struct opt *opt)
{
	auto_strs struct strs list = STRS_INIT;

	if (opt->choices == NULL)
		return strs_join(&self->releases, " ");
	strs_split(&list, opt->choices, '|');
	return strs_join(&list, " ");
}

bool completion_takes_topics(const struct command *command)
{
	return str_eq(command->arguments, "[COMMAND]");
}

char *completion_argument_words(const struct completion *self,
				const struct command *command)
{
	auto_strs struct strs list = STRS_INIT;
	const char *arguments = command->arguments;

	if (completion_takes_topics(command))
		return completion_words_after("");
	if (str_eq(arguments, "[IMAGE...]"))
		return strs_join(&self->images, " ");
	if (arguments &&
	    strpbrk(arguments, "[ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL)
		strs_split(&list, arguments, '|');
	return strs_join(&list, " ");
}

void completion_spellings(const struct opt *opt, struct strs *list)
{
	strs_addf(list, "--%s", opt->name);
	if (opt->kind == OPT_SWITCH)
		strs_addf(list, "--no-%s", opt->name);
	if (opt->letter)
		strs_addf(list, "-%c", opt->letter);
}

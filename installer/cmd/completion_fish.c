/* The script for fish. */
#include <string.h>

#include "base/mem.h"
#include "cmd/completion.h"

/* Text within '...'. */
static void fish_quoted(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("'\\", *text))
			buf_addch(out, '\\');
		buf_addch(out, *text);
	}
}

static void fish_value(const struct completion *self, const struct opt *opt,
		       struct buf *out)
{
	autofree char *words = NULL;

	buf_addstr(out, " -r");
	switch (completion_option_wants(opt)) {
	case WANT_WORDS:
		words = completion_option_words(self, opt);
		buf_addf(out, " -f -a '%s'", words);
		break;
	case WANT_FILE:
		buf_addstr(out, " -F");
		break;
	case WANT_SOURCE:
		buf_addstr(out, " -f -a '(__dws_csm_sources)'");
		break;
	case WANT_NOTHING:
		break;
	}
}

static void fish_option(const struct completion *self,
			const struct command *command, const struct opt *opt,
			struct buf *out)
{
	buf_addf(out, "complete -c dws-csm -n '__dws_csm_is %s' -l %s",
		 command->name, opt->name);
	if (opt->letter)
		buf_addf(out, " -s %c", opt->letter);
	if (opt->arg)
		fish_value(self, opt, out);
	buf_addstr(out, " -d '");
	fish_quoted(out, opt->help);
	buf_addstr(out, "'\n");
	if (opt->kind == OPT_SWITCH)
		buf_addf(out,
			 "complete -c dws-csm -n '__dws_csm_is %s' "
			 "-l no-%s\n",
			 command->name, opt->name);
}

static void fish_arguments(const struct completion *self,
			   const struct command *command, struct buf *out)
{
	autofree char *words = completion_argument_words(self, command);
	auto_strs struct strs list = STRS_INIT;

	if (*words)
		buf_addf(out,
			 "complete -c dws-csm -n '__dws_csm_is %s%s' "
			 "-a '%s'\n",
			 command->name,
			 completion_takes_topics(command) ?
				 "; and __dws_csm_after help" :
				 "",
			 words);
	if (!completion_takes_topics(command))
		return;
	completion_families(&list);
	for (size_t i = 0; i < list.nr; i++) {
		autofree char *follow = completion_words_after(list.item[i]);

		buf_addf(out,
			 "complete -c dws-csm -n '__dws_csm_is %s; and "
			 "__dws_csm_after %s' -a '%s'\n",
			 command->name, list.item[i], follow);
	}
}

static void fish_command(const struct completion *self,
			 const struct command *command, struct buf *out)
{
	autofree char *word = completion_first_word(command);
	const char *rest = strchr(command->name, ' ');

	buf_addf(out, "complete -c dws-csm -n '__dws_csm_is %s' -a %s -d '",
		 rest ? word : "", rest ? rest + 1 : word);
	fish_quoted(out, command->summary);
	buf_addstr(out, "'\n");
	fish_arguments(self, command, out);
	for (size_t i = 0; i < settings_table.nr; i++)
		if (completion_takes(command, &settings_table.opt[i]))
			fish_option(self, command, &settings_table.opt[i], out);
}

/* --from: a kind, perhaps behind the name of an image, then a file. */
static void fish_sources(const struct completion *self, struct buf *out)
{
	static const char *const kinds[] = { COMPLETION_FILE_KINDS };

	buf_addstr(out, "function __dws_csm_sources\n"
			"    set -l word (string replace -r -- '^--from=' '' "
			"(commandline -ct))\n"
			"    set -l parts (string match -r -- "
			"'^((?:[a-z0-9-]+=)?(?:");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		buf_addf(out, "%s%s", i ? "|" : "", kinds[i]);
	buf_addstr(out, "):)(.*)$' $word)\n"
			"    if set -q parts[2]\n"
			"        for path in $parts[3]*\n"
			"            test -d $path; and set path $path/\n"
			"            echo $parts[2]$path\n"
			"        end\n"
			"        return\n"
			"    end\n"
			"    set -l name (string match -r -- '^[a-z0-9-]+=' "
			"$word)\n"
			"    for kind in " COMPLETION_SOURCES "\n"
			"        echo \"$name\"$kind\n"
			"    end\n"
			"    set -q name[1]; or printf '%s\\n'");
	for (size_t i = 0; i < self->images.nr; i++)
		buf_addf(out, " %s=", self->images.item[i]);
	buf_addstr(out, "\nend\n\n");
}

void completion_fish(const struct completion *self, struct buf *out)
{
	auto_strs struct strs list = STRS_INIT;

	completion_families(&list);
	buf_addstr(out, "# fish completion for dws-csm, made by "
			"'dws-csm completion fish'\n\n"
			"# Whether the command so far is just these words.\n"
			"function __dws_csm_is\n"
			"    set -l words (commandline -opc)[2..]\n"
			"    set -l names (string match -v -- '-*' $words)\n"
			"    set -l nr 1\n"
			"    contains -- \"$names[1]\"");
	for (size_t i = 0; i < list.nr; i++)
		buf_addf(out, " %s", list.item[i]);
	buf_addstr(out, "; and set nr 2\n"
			"    test \"$names[1..$nr]\" = \"$argv\"\n"
			"end\n\n"
			"function __dws_csm_after\n"
			"    test (commandline -opc)[-1] = $argv[1]\n"
			"end\n\n");
	fish_sources(self, out);
	buf_addstr(out, "complete -c dws-csm -f\n");
	for (size_t i = 0; i < list.nr; i++)
		buf_addf(out, "complete -c dws-csm -n '__dws_csm_is' -a %s\n",
			 list.item[i]);
	for (size_t i = 0; commands[i]; i++)
		fish_command(self, commands[i], out);
}

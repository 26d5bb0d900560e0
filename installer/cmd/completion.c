#include "cmd/cmd.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cmd/output.h"

/* What may stand where a value is wanted. */
enum wanted { WANT_NOTHING, WANT_FILE, WANT_WORDS };

static unsigned int groups_of(const struct command *command)
{
	return command->groups | GROUP_ALL;
}

/* "images" of "images push". */
static char *first_word(const struct command *command)
{
	return mem_strndup(command->name, strcspn(command->name, " "));
}

static bool is_in_family(const struct command *command)
{
	return strchr(command->name, ' ') != NULL;
}

/* The first words of commands of two ("images", "workflows"). */
static void families(struct strs *list)
{
	for (size_t i = 0; commands[i]; i++) {
		autofree char *word = first_word(commands[i]);

		if (is_in_family(commands[i]) && !strs_has(list, word))
			strs_add(list, word);
	}
}

/* What may follow `first` ("" = nothing yet), with blanks between. */
static char *words_after(const char *first)
{
	auto_strs struct strs list = STRS_INIT;

	for (size_t i = 0; commands[i]; i++) {
		autofree char *word = first_word(commands[i]);

		if (*first == '\0' && !strs_has(&list, word))
			strs_add(&list, word);
		else if (is_in_family(commands[i]) && str_eq(word, first))
			strs_add(&list, strchr(commands[i]->name, ' ') + 1);
	}
	return strs_join(&list, " ");
}

static enum wanted option_wants(const struct opt *opt)
{
	if (opt->choices)
		return WANT_WORDS;
	if (opt->arg && (strstr(opt->arg, "FILE") || strstr(opt->arg, "DIR") ||
			 strstr(opt->arg, "SOURCE")))
		return WANT_FILE;
	return WANT_NOTHING;
}

/* The arguments of a command that are known: "bash|zsh|fish" in its usage,
 * or other commands; the caller's, "" for none. */
static char *argument_words(const struct command *command)
{
	auto_strs struct strs list = STRS_INIT;
	const char *arguments = command->arguments;

	if (arguments && strcmp(arguments, "[COMMAND]") == 0)
		return words_after("");
	if (arguments &&
	    strpbrk(arguments, "[ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL)
		strs_split(&list, arguments, '|');
	return strs_join(&list, " ");
}

static char *choice_words(const struct opt *opt)
{
	auto_strs struct strs list = STRS_INIT;

	strs_split(&list, opt->choices, '|');
	return strs_join(&list, " ");
}

/* Every spelling of an option ("--wait", "--no-wait", "-o"). */
static void add_spellings(const struct opt *opt, struct strs *list)
{
	strs_addf(list, "--%s", opt->name);
	if (opt->kind == OPT_SWITCH)
		strs_addf(list, "--no-%s", opt->name);
	if (opt->letter)
		strs_addf(list, "-%c", opt->letter);
}

static void bash_options(struct buf *out)
{
	for (size_t i = 0; commands[i]; i++) {
		auto_strs struct strs list = STRS_INIT;
		autofree char *joined = NULL;
		autofree char *words = argument_words(commands[i]);

		for (size_t k = 0; k < settings_table.nr; k++)
			if (settings_table.opt[k].groups &
			    groups_of(commands[i]))
				add_spellings(&settings_table.opt[k], &list);
		joined = strs_join(&list, " ");
		buf_addf(out,
			 "\t'%s')\n\t\toptions='%s'\n\t\twords='%s'\n"
			 "\t\t;;\n",
			 commands[i]->name, joined, words);
	}
}

static void bash_values(struct buf *out)
{
	for (size_t i = 0; i < settings_table.nr; i++) {
		const struct opt *opt = &settings_table.opt[i];
		auto_strs struct strs spellings = STRS_INIT;
		autofree char *pattern = NULL;
		autofree char *words = NULL;

		if (opt->arg == NULL)
			continue;
		add_spellings(opt, &spellings);
		pattern = strs_join(&spellings, " | ");
		buf_addf(out, "\t%s)\n", pattern);
		if (option_wants(opt) == WANT_WORDS) {
			words = choice_words(opt);
			buf_addf(out,
				 "\t\tmapfile -t COMPREPLY < "
				 "<(compgen -W '%s' -- \"$current\")\n",
				 words);
		} else if (option_wants(opt) == WANT_FILE) {
			buf_addstr(out, "\t\tcompopt -o filenames 2>/dev/null\n"
					"\t\tmapfile -t COMPREPLY < "
					"<(compgen -f -- \"$current\")\n");
		}
		buf_addstr(out, "\t\treturn\n\t\t;;\n");
	}
}

static void bash_family_case(struct buf *out)
{
	auto_strs struct strs list = STRS_INIT;

	families(&list);
	for (size_t i = 0; i < list.nr; i++) {
		autofree char *words = words_after(list.item[i]);

		buf_addf(out, "\t%s) words='%s' ;;\n", list.item[i], words);
	}
}

static void bash_script(struct buf *out)
{
	autofree char *first = words_after("");

	buf_addstr(out, "# bash completion for dws-csm, made by "
			"'dws-csm completion bash'\n"
			"_dws_csm()\n{\n"
			"\tlocal current=${COMP_WORDS[COMP_CWORD]}\n"
			"\tlocal before=${COMP_WORDS[COMP_CWORD - 1]}\n"
			"\tlocal command='' options='' words='' i\n\n"
			"\tCOMPREPLY=()\n"
			"\t# --option=value arrives as three words\n"
			"\tif [[ $current == '=' ]]; then\n"
			"\t\tcurrent=''\n"
			"\telif [[ $before == '=' ]]; then\n"
			"\t\tbefore=${COMP_WORDS[COMP_CWORD - 2]}\n"
			"\tfi\n"
			"\tcase $before in\n");
	bash_values(out);
	buf_addstr(out, "\tesac\n"
			"\tfor ((i = 1; i < COMP_CWORD && i < 3; i++)); do\n"
			"\t\t[[ ${COMP_WORDS[i]} == -* ]] && break\n"
			"\t\tcommand=${command:+$command }${COMP_WORDS[i]}\n"
			"\tdone\n"
			"\tcase $command in\n");
	buf_addf(out, "\t'') words='%s' ;;\n", first);
	bash_family_case(out);
	buf_addstr(out, "\t*)\n\t\t_dws_csm_options \"$command\" ||\n"
			"\t\t\t_dws_csm_options \"${command%% *}\"\n"
			"\t\t;;\n\tesac\n"
			"\t[[ $current == -* ]] && words=$options\n"
			"\tmapfile -t COMPREPLY < "
			"<(compgen -W \"$words\" -- \"$current\")\n}\n\n"
			"_dws_csm_options()\n{\n\tcase $1 in\n");
	bash_options(out);
	buf_addstr(out, "\t*)\n\t\treturn 1\n\t\t;;\n\tesac\n}\n\n"
			"complete -F _dws_csm dws-csm\n");
}

/* Text within '...' of a shell; brackets and colons as _arguments of zsh
 * wants them when `zsh`. */
static void add_quoted(struct buf *out, const char *text, bool zsh)
{
	for (; *text; text++) {
		if (*text == '\'') {
			buf_addstr(out, zsh ? "'\\''" : "\\'");
			continue;
		}
		if (zsh ? strchr("[]:\\", *text) != NULL : *text == '\\')
			buf_addch(out, '\\');
		buf_addch(out, *text);
	}
}

static void zsh_spec(const struct opt *opt, const char *spelling,
		     struct buf *out)
{
	bool many = opt->kind == OPT_LIST || opt->kind == OPT_COUNT;
	autofree char *words = NULL;

	buf_addf(out, "\t\t'%s%s%s[", many ? "*" : "", spelling,
		 opt->arg == NULL   ? "" :
		 spelling[1] == '-' ? "=" :
				      "+");
	add_quoted(out, opt->help, true);
	buf_addch(out, ']');
	if (opt->arg) {
		buf_addch(out, ':');
		add_quoted(out, opt->arg, true);
		buf_addch(out, ':');
		if (option_wants(opt) == WANT_WORDS) {
			words = choice_words(opt);
			buf_addf(out, "(%s)", words);
		} else if (option_wants(opt) == WANT_FILE) {
			buf_addstr(out, "_files");
		}
	}
	buf_addstr(out, "' \\\n");
}

static void zsh_command(const struct command *command, struct buf *out)
{
	autofree char *words = argument_words(command);

	buf_addf(out, "\t'%s')\n\t\t_arguments -s \\\n", command->name);
	for (size_t i = 0; i < settings_table.nr; i++) {
		auto_strs struct strs spellings = STRS_INIT;

		if (!(settings_table.opt[i].groups & groups_of(command)))
			continue;
		add_spellings(&settings_table.opt[i], &spellings);
		for (size_t k = 0; k < spellings.nr; k++)
			zsh_spec(&settings_table.opt[i], spellings.item[k],
				 out);
	}
	if (*words)
		buf_addf(out, "\t\t'*:argument:(%s)'\n\t\t;;\n", words);
	else
		buf_addstr(out, "\t\t'*:argument:'\n\t\t;;\n");
}

/* "'name:summary'" for what may follow `first`. */
static void zsh_names(const char *first, struct buf *out)
{
	auto_strs struct strs seen = STRS_INIT;

	for (size_t i = 0; commands[i]; i++) {
		autofree char *word = first_word(commands[i]);
		const char *rest = strchr(commands[i]->name, ' ');
		bool top = *first == '\0';
		const char *name = top ? word : rest ? rest + 1 : NULL;

		if ((!top && !str_eq(word, first)) || name == NULL ||
		    strs_has(&seen, name))
			continue;
		strs_add(&seen, name);
		buf_addf(out, "\t\t'%s:", name);
		add_quoted(out, top && rest ? "..." : commands[i]->summary,
			   true);
		buf_addstr(out, "'\n");
	}
}

static void zsh_script(struct buf *out)
{
	auto_strs struct strs list = STRS_INIT;

	families(&list);
	buf_addstr(out, "#compdef dws-csm\n"
			"# zsh completion for dws-csm, made by "
			"'dws-csm completion zsh'\n\n"
			"_dws-csm() {\n\tlocal name=$words[2]\n"
			"\tlocal -a names\n\n"
			"\tif (( CURRENT == 2 )); then\n\t\tnames=(\n");
	zsh_names("", out);
	buf_addstr(out, "\t\t)\n\t\t_describe command names\n\t\treturn\n"
			"\tfi\n");
	for (size_t i = 0; i < list.nr; i++) {
		buf_addf(out,
			 "\tif [[ $name == %s ]]; then\n"
			 "\t\tif (( CURRENT == 3 )); then\n\t\tnames=(\n",
			 list.item[i]);
		zsh_names(list.item[i], out);
		buf_addstr(out, "\t\t)\n\t\t_describe command names\n"
				"\t\treturn\n\t\tfi\n"
				"\t\tname=\"$name $words[3]\"\n"
				"\t\tshift words\n\t\t(( CURRENT-- ))\n"
				"\tfi\n");
	}
	buf_addstr(out, "\tshift words\n\t(( CURRENT-- ))\n"
			"\tcase $name in\n");
	for (size_t i = 0; commands[i]; i++)
		zsh_command(commands[i], out);
	buf_addstr(out, "\tesac\n}\n\n"
			"if [[ $funcstack[1] == _dws-csm ]]; then\n"
			"\t_dws-csm \"$@\"\nelse\n"
			"\tcompdef _dws-csm dws-csm\nfi\n");
}

static void fish_option(const struct command *command, const struct opt *opt,
			struct buf *out)
{
	autofree char *words = NULL;

	buf_addf(out, "complete -c dws-csm -n '__dws_csm_is %s' -l %s",
		 command->name, opt->name);
	if (opt->letter)
		buf_addf(out, " -s %c", opt->letter);
	if (opt->arg)
		buf_addstr(out, " -r");
	if (option_wants(opt) == WANT_FILE)
		buf_addstr(out, " -F");
	if (option_wants(opt) == WANT_WORDS) {
		words = choice_words(opt);
		buf_addf(out, " -f -a '%s'", words);
	}
	buf_addstr(out, " -d '");
	add_quoted(out, opt->help, false);
	buf_addstr(out, "'\n");
	if (opt->kind == OPT_SWITCH)
		buf_addf(out,
			 "complete -c dws-csm -n '__dws_csm_is %s' "
			 "-l no-%s\n",
			 command->name, opt->name);
}

static void fish_command(const struct command *command, struct buf *out)
{
	autofree char *word = first_word(command);
	autofree char *words = argument_words(command);
	const char *rest = strchr(command->name, ' ');

	buf_addf(out, "complete -c dws-csm -n '__dws_csm_is %s' -a %s -d '",
		 rest ? word : "", rest ? rest + 1 : word);
	add_quoted(out, command->summary, false);
	buf_addstr(out, "'\n");
	if (*words)
		buf_addf(out,
			 "complete -c dws-csm -n '__dws_csm_is %s' "
			 "-a '%s'\n",
			 command->name, words);
	for (size_t i = 0; i < settings_table.nr; i++)
		if (settings_table.opt[i].groups & groups_of(command))
			fish_option(command, &settings_table.opt[i], out);
}

static void fish_script(struct buf *out)
{
	auto_strs struct strs list = STRS_INIT;

	families(&list);
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
			"end\n\ncomplete -c dws-csm -f\n");
	for (size_t i = 0; i < list.nr; i++)
		buf_addf(out, "complete -c dws-csm -n '__dws_csm_is' -a %s\n",
			 list.item[i]);
	for (size_t i = 0; commands[i]; i++)
		fish_command(commands[i], out);
}

static int completion_run(struct settings *settings, const struct strs *args,
			  struct err *err)
{
	static const struct {
		const char *shell;
		void (*script)(struct buf *out);
	} shells[] = {
		{ "bash", bash_script },
		{ "zsh", zsh_script },
		{ "fish", fish_script },
	};
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	(void)settings;
	for (size_t i = 0; args->nr > 0 && i < ARRAY_SIZE(shells); i++)
		if (strcmp(args->item[0], shells[i].shell) == 0) {
			shells[i].script(&out);
			return output_text(buf_str(&out), err);
		}
	return err_set(err, ERR_USAGE,
		       "name the shell: 'dws-csm completion bash', zsh or "
		       "fish");
}

const struct command cmd_completion = {
	.name = "completion",
	.arguments = "bash|zsh|fish",
	.summary = "print a script that completes commands and options",
	.groups = GROUP_PROGRAM,
	.max_args = 1,
	.run = completion_run,
};

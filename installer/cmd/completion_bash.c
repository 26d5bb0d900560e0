/* The script for bash, whose words are cut at '=' and ':' as well. */
#include "base/mem.h"
#include "cmd/completion.h"

/* What a command takes, by its name. */
static void bash_options(const struct completion *self, struct buf *out)
{
	buf_addstr(out, "_dws_csm_options()\n{\n\tcase $1 in\n");
	for (size_t i = 0; commands[i]; i++) {
		auto_strs struct strs list = STRS_INIT;
		autofree char *joined = NULL;
		autofree char *words =
			completion_argument_words(self, commands[i]);

		for (size_t k = 0; k < settings_table.nr; k++)
			if (completion_takes(commands[i],
					     &settings_table.opt[k]))
				completion_spellings(&settings_table.opt[k],
						     &list);
		joined = strs_join(&list, " ");
		buf_addf(out,
			 "\t'%s')\n\t\toptions='%s'\n\t\twords='%s'\n"
			 "\t\t;;\n",
			 commands[i]->name, joined, words);
	}
	buf_addstr(out, "\t*)\n\t\treturn 1\n\t\t;;\n\tesac\n\tname=$1\n}\n\n");
}

/* Whether another option of that name follows in the table. */
static bool is_of_some_commands(size_t index)
{
	for (size_t i = index + 1; i < settings_table.nr; i++)
		if (str_eq(settings_table.opt[i].name,
			   settings_table.opt[index].name))
			return true;
	return false;
}

/* "COMMAND:OPTION" for all spellings; any command, unless it matters. */
static char *bash_pattern(size_t index)
{
	const struct opt *opt = &settings_table.opt[index];
	auto_strs struct strs spellings = STRS_INIT;
	auto_strs struct strs patterns = STRS_INIT;
	bool some = is_of_some_commands(index);

	completion_spellings(opt, &spellings);
	for (size_t i = 0; i < spellings.nr && !some; i++)
		strs_addf(&patterns, "*:%s", spellings.item[i]);
	for (size_t k = 0; commands[k] && some; k++)
		for (size_t i = 0; i < spellings.nr; i++)
			if (completion_takes(commands[k], opt))
				strs_addf(&patterns, "'%s:%s'",
					  commands[k]->name, spellings.item[i]);
	return strs_join(&patterns, " | ");
}

static void bash_values(const struct completion *self, struct buf *out)
{
	static const char *const wanted[] = {
		[WANT_NOTHING] = "nothing",
		[WANT_FILE] = "files",
		[WANT_WORDS] = "words",
		[WANT_SOURCE] = "source",
	};

	for (size_t i = 0; i < settings_table.nr; i++) {
		const struct opt *opt = &settings_table.opt[i];
		enum completion_want want = completion_option_wants(opt);
		autofree char *words = NULL;
		autofree char *pattern = NULL;

		if (opt->arg == NULL)
			continue;
		pattern = bash_pattern(i);
		buf_addf(out, "\t%s)\n\t\twanted=%s\n", pattern, wanted[want]);
		if (want == WANT_WORDS) {
			words = completion_option_words(self, opt);
			buf_addf(out, "\t\twords='%s'\n", words);
		}
		buf_addstr(out, "\t\t;;\n");
	}
}

static void bash_families(struct buf *out)
{
	auto_strs struct strs list = STRS_INIT;

	completion_families(&list);
	for (size_t i = 0; i < list.nr; i++) {
		autofree char *words = completion_words_after(list.item[i]);

		buf_addf(out,
			 "\t%s)\n\t\twords='%s'\n\t\t;;\n"
			 "\t'help %s')\n\t\t_dws_csm_options help\n"
			 "\t\twords='%s'\n\t\t;;\n",
			 list.item[i], words, list.item[i], words);
	}
}

/* --from: a kind, perhaps behind the name of an image, then a file. */
static void bash_sources(const struct completion *self, struct buf *out)
{
	static const char *const kinds[] = { COMPLETION_FILE_KINDS };

	buf_addstr(out, "_dws_csm_source()\n{\n"
			"\tlocal named='' rest kind\n"
			"\tlocal kinds='" COMPLETION_SOURCES "'\n\n"
			"\tif [[ $current =~ ^[a-z0-9-]+= ]]; then\n"
			"\t\tnamed=${BASH_REMATCH[0]}\n"
			"\telse\n\t\tkinds+='");
	for (size_t i = 0; i < self->images.nr; i++)
		buf_addf(out, " %s=", self->images.item[i]);
	buf_addstr(out, "'\n\tfi\n"
			"\trest=${current#\"$named\"}\n"
			"\tcase $rest in\n\t");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		buf_addf(out, "%s%s:*", i ? " | " : "", kinds[i]);
	buf_addstr(out, ")\n"
			"\t\tkind=${rest%%:*}:\n"
			"\t\tcompopt -o filenames 2>/dev/null\n"
			"\t\tmapfile -t COMPREPLY < <(compgen -f "
			"-P \"$named$kind\" -- \"${rest#*:}\")\n"
			"\t\t;;\n"
			"\tdocker:*) ;;\n"
			"\t*)\n"
			"\t\tcompopt -o nospace 2>/dev/null\n"
			"\t\tmapfile -t COMPREPLY < <(compgen -P \"$named\" "
			"-W \"$kinds\" -- \"$rest\")\n"
			"\t\t;;\n"
			"\tesac\n}\n\n");
}

static const char bash_head[] =
	"# bash completion for dws-csm, made by 'dws-csm completion bash'\n\n"
	"_dws_csm()\n{\n"
	"\tlocal line=() glued='' typed=${COMP_WORDS[COMP_CWORD]} head=''\n"
	"\tlocal current before keep command='' name='' word i\n"
	"\tlocal options='' words='' wanted=words\n\n"
	"\tCOMPREPLY=()\n"
	"\t# bash cuts words at = and : too: put them together again.\n"
	"\tfor ((i = 0; i <= COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ $word =~ ^[=:]+$ && ${#line[@]} -gt 1 ]]; then\n"
	"\t\t\tline[-1]+=$word\n"
	"\t\t\tglued=1\n"
	"\t\telif [[ $glued ]]; then\n"
	"\t\t\tline[-1]+=$word\n"
	"\t\t\tglued=''\n"
	"\t\telse\n"
	"\t\t\tline+=(\"$word\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"\t((${#line[@]} > 1)) || return\n"
	"\t[[ $typed =~ ^[=:]+$ ]] && typed=''\n"
	"\tcurrent=${line[-1]} before=${line[-2]}\n"
	"\tkeep=${current%\"$typed\"}\n"
	"\tif [[ $current == --*=* ]]; then\n"
	"\t\tbefore=${current%%=*} head=${current%%=*}= "
	"current=${current#*=}\n"
	"\tfi\n"
	"\tfor ((i = 1; i < ${#line[@]} - 1 && i < 3; i++)); do\n"
	"\t\t[[ ${line[i]} == -* ]] && break\n"
	"\t\tcommand=${command:+$command }${line[i]}\n"
	"\tdone\n"
	"\tcase $command in\n";

static const char bash_tail[] =
	"\tesac\n"
	"\tcase $wanted in\n"
	"\twords)\n"
	"\t\tmapfile -t COMPREPLY < "
	"<(compgen -W \"$words\" -- \"$current\")\n"
	"\t\t;;\n"
	"\tfiles)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
	"\t\t;;\n"
	"\tsource)\n"
	"\t\t_dws_csm_source\n"
	"\t\t;;\n"
	"\tesac\n"
	"\tfor i in \"${!COMPREPLY[@]}\"; do\n"
	"\t\tword=$head${COMPREPLY[i]}\n"
	"\t\tCOMPREPLY[i]=${word#\"$keep\"}\n"
	"\tdone\n"
	"}\n\n";

void completion_bash(const struct completion *self, struct buf *out)
{
	autofree char *first = completion_words_after("");

	buf_addstr(out, bash_head);
	buf_addf(out, "\t'')\n\t\twords='%s'\n\t\t;;\n", first);
	bash_families(out);
	buf_addstr(out, "\t*)\n\t\t_dws_csm_options \"$command\" ||\n"
			"\t\t\t_dws_csm_options \"${command%% *}\"\n"
			"\t\t;;\n\tesac\n"
			"\t[[ $current == -* && ! $head ]] && words=$options\n"
			"\tcase $name:$before in\n");
	bash_values(self, out);
	buf_addstr(out, bash_tail);
	bash_sources(self, out);
	bash_options(self, out);
	buf_addstr(out, "complete -F _dws_csm dws-csm\n");
}

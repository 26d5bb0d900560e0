/* The script for zsh. Source: zshcompsys(1) "_arguments". */
#include <string.h>

#include "base/mem.h"
#include "cmd/completion.h"

/* Text within '...', brackets and colons as _arguments wants them. */
static void zsh_quoted(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'') {
			buf_addstr(out, "'\\''");
			continue;
		}
		if (strchr("[]:\\", *text))
			buf_addch(out, '\\');
		buf_addch(out, *text);
	}
}

static void zsh_value(const struct completion *self, const struct opt *opt,
		      struct buf *out)
{
	autofree char *words = NULL;

	buf_addch(out, ':');
	zsh_quoted(out, opt->arg);
	buf_addch(out, ':');
	switch (completion_option_wants(opt)) {
	case WANT_WORDS:
		words = completion_option_words(self, opt);
		buf_addf(out, "(%s)", words);
		break;
	case WANT_FILE:
		buf_addstr(out, "_files");
		break;
	case WANT_SOURCE:
		buf_addstr(out, "_dws_csm_sources");
		break;
	case WANT_NOTHING:
		break;
	}
}

static void zsh_spec(const struct completion *self, const struct opt *opt,
		     const char *spelling, struct buf *out)
{
	bool many = opt->kind == OPT_LIST || opt->kind == OPT_COUNT;

	buf_addf(out, "\t\t'%s%s%s[", many ? "*" : "", spelling,
		 opt->arg == NULL   ? "" :
		 spelling[1] == '-' ? "=" :
				      "+");
	zsh_quoted(out, opt->help);
	buf_addch(out, ']');
	if (opt->arg)
		zsh_value(self, opt, out);
	buf_addstr(out, "' \\\n");
}

static void zsh_command(const struct completion *self,
			const struct command *command, struct buf *out)
{
	autofree char *words = completion_argument_words(self, command);

	buf_addf(out, "\t'%s')\n\t\t_arguments -s \\\n", command->name);
	for (size_t i = 0; i < settings_table.nr; i++) {
		auto_strs struct strs spellings = STRS_INIT;

		if (!completion_takes(command, &settings_table.opt[i]))
			continue;
		completion_spellings(&settings_table.opt[i], &spellings);
		for (size_t k = 0; k < spellings.nr; k++)
			zsh_spec(self, &settings_table.opt[i],
				 spellings.item[k], out);
	}
	if (completion_takes_topics(command))
		buf_addstr(out, "\t\t'*:command:_dws_csm_topics'\n\t\t;;\n");
	else if (*words)
		buf_addf(out, "\t\t'*:argument:(%s)'\n\t\t;;\n", words);
	else
		buf_addstr(out, "\t\t'*:argument:'\n\t\t;;\n");
}

/* "'name:summary'" for what may follow `first`. */
static void zsh_names(const char *first, struct buf *out)
{
	auto_strs struct strs seen = STRS_INIT;

	for (size_t i = 0; commands[i]; i++) {
		autofree char *word = completion_first_word(commands[i]);
		const char *rest = strchr(commands[i]->name, ' ');
		bool top = *first == '\0';
		const char *name = top ? word : rest ? rest + 1 : NULL;

		if ((!top && !str_eq(word, first)) || name == NULL ||
		    strs_has(&seen, name))
			continue;
		strs_add(&seen, name);
		buf_addf(out, "\t\t'%s:", name);
		zsh_quoted(out, top && rest ? "..." : commands[i]->summary);
		buf_addstr(out, "'\n");
	}
}

/* --from, and the arguments of 'help'. */
static void zsh_helpers(const struct completion *self, struct buf *out)
{
	static const char *const kinds[] = { COMPLETION_FILE_KINDS };
	auto_strs struct strs list = STRS_INIT;
	autofree char *first = completion_words_after("");

	buf_addstr(out, "_dws_csm_sources() {\n"
			"\tlocal named=\n\n"
			"\tcompset -P '[a-z0-9-]##=' && named=1\n"
			"\tif compset -P '(");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		buf_addf(out, "%s%s", i ? "|" : "", kinds[i]);
	buf_addstr(out, "):'; then\n\t\t_files\n\t\treturn\n\tfi\n"
			"\tcompadd -S '' -- " COMPLETION_SOURCES "\n"
			"\t[[ -n $named ]] || compadd -S '' --");
	for (size_t i = 0; i < self->images.nr; i++)
		buf_addf(out, " %s=", self->images.item[i]);
	buf_addstr(out, "\n}\n\n_dws_csm_topics() {\n"
			"\tcase $words[CURRENT-1] in\n");
	completion_families(&list);
	for (size_t i = 0; i < list.nr; i++) {
		autofree char *words = completion_words_after(list.item[i]);

		buf_addf(out, "\t%s) compadd -- %s ;;\n", list.item[i], words);
	}
	buf_addf(out, "\t*) compadd -- %s ;;\n\tesac\n}\n\n", first);
}

void completion_zsh(const struct completion *self, struct buf *out)
{
	auto_strs struct strs list = STRS_INIT;

	completion_families(&list);
	buf_addstr(out, "#compdef dws-csm\n"
			"# zsh completion for dws-csm, made by "
			"'dws-csm completion zsh'\n\n");
	zsh_helpers(self, out);
	buf_addstr(out, "_dws-csm() {\n\tlocal name=$words[2]\n"
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
		zsh_command(self, commands[i], out);
	buf_addstr(out, "\tesac\n}\n\n"
			"if [[ $funcstack[1] == _dws-csm ]]; then\n"
			"\t_dws-csm \"$@\"\nelse\n"
			"\tcompdef _dws-csm dws-csm\nfi\n");
}

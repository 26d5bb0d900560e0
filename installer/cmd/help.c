#include "cmd/help.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/embedded.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/version.h"
#include "cmd/manual.h"
#include "cmd/output.h"

#define PROGRAM "dws-csm"
#define MAN_SECTION "8"

void help_usage(const struct command *command, struct buf *out)
{
	if (command == NULL) {
		buf_addstr(out, PROGRAM " COMMAND [ARGUMENT...] [OPTION...]");
		return;
	}
	buf_addf(out, PROGRAM " %s", command->name);
	if (command->arguments)
		buf_addf(out, " %s", command->arguments);
	buf_addstr(out, " [OPTION...]");
}

/* "dws-csm-images-push" of a command, "dws-csm" of NULL. */
static char *page_name(const struct command *command)
{
	char *name;

	if (command == NULL)
		return mem_strdup(PROGRAM);
	name = mem_printf(PROGRAM "-%s", command->name);
	for (char *c = name; *c; c++)
		if (*c == ' ')
			*c = '-';
	return name;
}

static const char *page_source(const char *name, struct err *err)
{
	autofree char *path = mem_printf("docs/man/%s.md", name);
	const struct embedded_file *file = embedded_find(path);

	if (file == NULL) {
		err_set(err, ERR_NOT_FOUND, "no embedded file '%s'", path);
		return NULL;
	}
	return (const char *)file->data;
}

static void add_option(struct manual *manual, const struct opt *opt)
{
	auto_buf struct buf term = BUF_INIT(BUF_TEXT_MAX);
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	autofree char *help = manual_escape(opt->help);

	if (opt->letter)
		buf_addf(&term, "**-%c**, ", opt->letter);
	buf_addf(&term, "**--%s**", opt->name);
	if (opt->kind == OPT_SWITCH)
		buf_addf(&term, ", **--no-%s**", opt->name);
	if (opt->arg) {
		autofree char *arg = manual_escape(opt->arg);

		buf_addf(&term, " *%s*", arg);
	}
	buf_addstr(&text, help);
	if (opt->choices) {
		auto_strs struct strs choices = STRS_INIT;
		autofree char *joined = NULL;

		strs_split(&choices, opt->choices, '|');
		joined = strs_join(&choices, "**, **");
		buf_addf(&text, " (**%s**)", joined);
	} else if (opt->kind == OPT_NUMBER && opt->max) {
		buf_addf(&text, " (%" PRId64 " to %" PRId64 ")", opt->min,
			 opt->max);
	}
	manual_term(manual, buf_str(&term), buf_str(&text));
}

static void add_options(struct manual *manual, const struct command *command)
{
	uint64_t groups = GROUP_ALL | (command ? command->groups : 0);

	manual_heading(manual, "OPTIONS");
	if (manual->form == &manual_terminal) {
		opts_describe(&settings_table, groups, manual->out);
		return;
	}
	for (size_t i = 0; i < settings_table.nr; i++)
		if (settings_table.opt[i].groups & groups)
			add_option(manual, &settings_table.opt[i]);
}

static void add_commands(struct manual *manual)
{
	manual_heading(manual, "COMMANDS");
	for (size_t i = 0; commands[i]; i++) {
		autofree char *term = mem_printf("**%s**", commands[i]->name);
		autofree char *text = manual_escape(commands[i]->summary);

		manual_term(manual, term, text);
	}
}

static void after_section(struct manual *manual, const char *heading, void *ctx)
{
	const struct command *command = ctx;

	if (strcmp(heading, "DESCRIPTION") != 0)
		return;
	if (command == NULL)
		add_commands(manual);
	add_options(manual, command);
}

/* The day that the source is from, when the build says so. */
static void add_man_title(struct manual *manual, const char *name)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	struct err err = ERR_INIT;
	char day[CLOCK_RFC3339_SIZE] = "";
	uint64_t seconds;

	if (epoch && str_u64(epoch, &seconds, &err) == 0)
		clock_rfc3339(day, sizeof(day), (time_t)seconds);
	day[strcspn(day, "T")] = '\0';
	buf_addstr(manual->out, ".TH \"");
	for (; *name; name++)
		buf_addch(manual->out, *name >= 'a' && *name <= 'z' ?
					       (char)(*name - 'a' + 'A') :
					       *name);
	buf_addf(manual->out,
		 "\" \"" MAN_SECTION "\" \"%s\" \"" PROGRAM " %s\" "
		 "\"DataWorkflowServices on CSM\"\n"
		 ".nh\n.ad l\n",
		 day, version_string());
}

static void add_see_also(struct manual *manual, const struct command *command)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);

	manual_heading(manual, "SEE ALSO");
	if (command)
		buf_addstr(&text, "**" PROGRAM "**(" MAN_SECTION ")");
	for (size_t i = 0; commands[i] && command == NULL; i++) {
		autofree char *name = page_name(commands[i]);

		buf_addf(&text, "%s**%s**(" MAN_SECTION ")", i ? ", " : "",
			 name);
	}
	manual_paragraph(manual, buf_str(&text));
}

static void add_page(struct manual *manual, const struct command *command,
		     const char *name, const char *source)
{
	auto_buf struct buf usage = BUF_INIT(BUF_TEXT_MAX);
	autofree char *about = command ? manual_escape(command->summary) :
					 manual_summary(source);
	autofree char *title = NULL;
	autofree char *escaped = NULL;

	if (manual->form == &manual_roff)
		title = mem_printf("%s - %s", name, about);
	else
		title = mem_printf("%s%s%s - %s", PROGRAM, command ? " " : "",
				   command ? command->name : "", about);
	manual_heading(manual, "NAME");
	manual_paragraph(manual, title);
	manual_heading(manual, "SYNOPSIS");
	help_usage(command, &usage);
	escaped = manual_escape(buf_str(&usage));
	manual_paragraph(manual, escaped);
	manual_markdown(manual, source, after_section, (void *)command);
	if (manual->form == &manual_roff)
		add_see_also(manual, command);
}

static bool terminal_is_bold(void)
{
	return isatty(STDOUT_FILENO) && str_empty(getenv("NO_COLOR")) &&
	       !str_empty(getenv("TERM")) && !str_eq(getenv("TERM"), "dumb");
}

int help_print(const struct command *command, bool to_man, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	autofree char *name = page_name(command);
	const char *source = page_source(name, err);
	struct manual manual = {
		.out = &out,
		.form = to_man ? &manual_roff : &manual_terminal,
		.bold = terminal_is_bold(),
	};

	if (source == NULL)
		return -1;
	if (to_man)
		add_man_title(&manual, name);
	add_page(&manual, command, name, source);
	return output_text(buf_str(&out), err);
}

/* What follows `family` in the name of a command of it, or NULL. */
static const char *name_in_family(const struct command *command,
				  const char *family)
{
	const char *rest = str_after(command->name, family);

	return rest && *rest == ' ' ? rest + 1 : NULL;
}

int help_unknown(const char *words, struct err *err)
{
	auto_strs struct strs known = STRS_INIT;
	auto_strs struct strs follow = STRS_INIT;
	autofree char *joined = NULL;
	const char *nearest;

	for (size_t i = 0; commands[i]; i++) {
		strs_add(&known, commands[i]->name);
		if (name_in_family(commands[i], words))
			strs_add(&follow, name_in_family(commands[i], words));
	}
	if (follow.nr > 0) {
		joined = strs_join(&follow, ", ");
		return err_set(err, ERR_USAGE, "'%s' needs one more word: %s",
			       words, joined);
	}
	nearest = nearest_word(words, &known);
	err_set(err, ERR_USAGE, "unknown command '%s'", words);
	if (nearest)
		err_hint(err, "did you mean '%s'?", nearest);
	return -1;
}

static void overview_add(struct buf *out, enum chapter chapter,
			 const char *title, bool bold)
{
	buf_addf(out, bold ? "\n\033[1m%s\033[m\n" : "\n%s\n", title);
	for (size_t i = 0; commands[i]; i++)
		if (commands[i]->chapter == chapter)
			buf_addf(out, "  %-20s %s\n", commands[i]->name,
				 commands[i]->summary);
}

static int overview_print(struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	const char *source = page_source(PROGRAM, err);
	autofree char *about = source ? manual_summary(source) : NULL;
	bool bold = terminal_is_bold();

	if (source == NULL)
		return -1;
	buf_addf(&out, PROGRAM " - %s\n\nUsage: ", about);
	help_usage(NULL, &out);
	buf_addch(&out, '\n');
	overview_add(&out, CHAPTER_CHANGE, "Change the cluster", bold);
	overview_add(&out, CHAPTER_LOOK, "Look, change nothing", bold);
	overview_add(&out, CHAPTER_BACKUP, "Custom resources", bold);
	overview_add(&out, CHAPTER_IMAGES, "Images", bold);
	overview_add(&out, CHAPTER_BUNDLE, "Bundles for the air gap", bold);
	overview_add(&out, CHAPTER_WLM, "The workload manager", bold);
	overview_add(&out, CHAPTER_DOCTOR, "Find out what is wrong", bold);
	overview_add(&out, CHAPTER_PROGRAM, "The program itself", bold);
	buf_addstr(&out, "\n'" PROGRAM " help COMMAND' tells about one of "
			 "them, '" PROGRAM " help " PROGRAM "' about all.\n");
	return output_text(buf_str(&out), err);
}

/* "images": its commands. */
static int family_print(const char *family, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	buf_addf(&out,
		 "Usage: " PROGRAM " %s COMMAND [ARGUMENT...] [OPTION...]\n\n",
		 family);
	for (size_t i = 0; commands[i]; i++)
		if (name_in_family(commands[i], family))
			buf_addf(&out, "  %-20s %s\n", commands[i]->name,
				 commands[i]->summary);
	buf_addf(&out,
		 "\n'" PROGRAM " help %s COMMAND' tells about one of them.\n",
		 family);
	return output_text(buf_str(&out), err);
}

/* "images push" of "images push", "images-push" or "dws-csm-images-push"; ""
 * is the program. */
static char *help_subject(const struct strs *args)
{
	autofree char *joined = strs_join(args, " ");
	char *name = mem_strdup(joined);
	size_t len = strlen(PROGRAM);

	if (str_starts(name, PROGRAM) && strchr(" -", name[len])) {
		len += name[len] != '\0';
		memmove(name, name + len, strlen(name + len) + 1);
	}
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = ' ';
	return name;
}

/* Whether it is the name of a command; there a dash may be one of its own. */
static bool is_name(const char *subject, const char *name)
{
	for (; *subject && *name; subject++, name++)
		if (*subject != (*name == '-' ? ' ' : *name))
			return false;
	return *subject == *name;
}

static int help_run(struct settings *settings, const struct strs *args,
		    struct err *err)
{
	autofree char *subject = help_subject(args);

	if (args->nr == 0 && !settings->man)
		return overview_print(err);
	if (*subject == '\0')
		return help_print(NULL, settings->man, err);
	for (size_t i = 0; commands[i]; i++)
		if (is_name(subject, commands[i]->name))
			return help_print(commands[i], settings->man, err);
	if (command_is_family(subject) && !settings->man)
		return family_print(subject, err);
	return help_unknown(subject, err);
}

const struct command cmd_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "tell about the program or a command",
	.chapter = CHAPTER_PROGRAM,
	.groups = GROUP_HELP | GROUP_PROGRAM,
	.max_args = 3,
	.run = help_run,
};

/*
 * main - globals, find the command, run it, error kind -> exit code.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "cmd/help.h"
#include "cmd/output.h"
#include "net/http.h"

/* glibc's, without a header of its own: which sources answer a name. */
extern int __nss_configure_lookup(const char *database, const char *sources);

/*
 * The executable is alone: whatever the host's nsswitch.conf says, no shared
 * object is loaded for it (nor for openssl.cnf, see base/crypto.h). Nor does it
 * depend on which streams and signals it was started with.
 */
static void main_stand_alone(void)
{
	__nss_configure_lookup("hosts", "files dns");
	output_keep_streams();
	interrupt_install();
}

static void main_log_level(const struct settings *settings)
{
	if (settings->quiet)
		log_set_level(LOG_QUIET);
	else if (settings->verbose > 1)
		log_set_level(LOG_DEBUG);
	else if (settings->verbose == 1)
		log_set_level(LOG_VERBOSE);
}

static int run(const struct command *command, char *const *argv,
	       struct err *err)
{
	struct settings settings;
	auto_strs struct strs args = STRS_INIT;
	uint64_t groups = command->groups | GROUP_ALL;
	int result;

	settings_init(&settings);
	result = settings_load(&settings, groups, argv, &args, err);
	main_log_level(&settings);
	if (settings.help) {
		result = help_print(command, false, err);
	} else if (result == 0 && args.nr > command->max_args) {
		result = err_set(err, ERR_USAGE, "unexpected argument '%s'",
				 args.item[command->max_args]);
	} else if (result == 0) {
		http_global_init();
		result = command->run(&settings, &args, err);
	}
	settings_release(&settings);
	return result;
}

/* The words that should have named a command: one or two. */
static int unknown(char *const *argv, struct err *err)
{
	bool two = argv[1] && argv[1][0] != '-';
	autofree char *words = two ? mem_printf("%s %s", argv[0], argv[1]) :
				     mem_strdup(argv[0]);

	return help_unknown(words, err);
}

static void drop_word(char **argv, const char *word)
{
	char **kept = argv;

	for (; *argv; argv++)
		if (!str_eq(*argv, word))
			*kept++ = *argv;
	*kept = NULL;
}

/* Without a command, help: also for --help and --version, which look like
 * options of a command that is not there. */
static const struct command *find(char **argv, struct err *err)
{
	static char *names[] = { "help", "version" };
	const struct command *command;
	char **words;
	size_t nr;

	if (str_eq(argv[0], "--version"))
		argv[0] = names[1];
	command = command_take(argv, &words);
	if (command)
		return command;
	if (words[0] == NULL) {
		/* The wish for help is granted already. */
		drop_word(argv, "--help");
		drop_word(argv, "-h");
		return command_find((char *[]){ names[0], NULL }, &nr);
	}
	if (unknown(words, err) < 0)
		return NULL;
	return command;
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	const struct command *command;

	(void)argc;
	main_stand_alone();
	command = find(argv + 1, &err);
	if (command && run(command, argv + 1, &err) == 0)
		return 0;
	/* Names from archives and words of servers may hold anything. */
	utf8_clean(err.msg);
	fprintf(stderr, "dws-csm: %s\n", err.msg);
	if (err.kind == ERR_USAGE)
		fprintf(stderr, "Try 'dws-csm %s%s'.\n",
			command ? "help " : "help",
			command ? command->name : "");
	return err_exit_code(&err);
}

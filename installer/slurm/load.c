#include "slurm/load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/embedded.h"
#include "base/file.h"
#include "base/io.h"
#include "base/mem.h"
#include "slurm/interpreter.h"
#include "slurm/program.h"

#define PROGRAM_TEXT "installer/slurm/load.lua"
#define OWN_VERSION "5.4"
#define MAX_OUTPUT ((size_t)64 << 10)
#define MAX_MEMORY ((size_t)1 << 30)
#define MAX_SECONDS 20

static void give_up_rights(const struct user *user)
{
	struct rlimit none = { 0, 0 };

	/* A file of that user must not run as root, nor write into the
	 * terminal of root. */
	setsid();
	if (user && geteuid() == 0 && user_become(user) < 0)
		_exit(126);
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	signal(SIGALRM, SIG_DFL);
	alarm(MAX_SECONDS);
}

/* In the child: `program` with our text as its input, or our own Lua. */
static _Noreturn void child(const struct load_request *request,
			    const char *program, char **argv, int out)
{
	const struct embedded_file *text = embedded_find(PROGRAM_TEXT);
	int in = memfd_create("load.lua", 0);
	int null = open("/dev/null", O_RDWR);
	const struct rlimit memory = { MAX_MEMORY, MAX_MEMORY };
	struct err err = ERR_INIT;
	int failed;

	/* Before the limit on files. */
	if (in < 0 || null < 0 ||
	    io_write_all(in, text->data, text->len, &err) < 0)
		_exit(126);
	lseek(in, 0, SEEK_SET);
	dup2(program ? in : null, 0);
	dup2(null, 2);
	give_up_rights(request->user);
	dup2(out, 1);
	if (program) {
		setrlimit(RLIMIT_AS, &memory);
		execv(program, argv);
		_exit(127);
	}
	/* Without the name of the program and that of its text. */
	failed = interpreter_run((const char *)text->data, text->len, argv + 2,
				 MAX_MEMORY);
	fflush(stdout);
	_exit(failed);
}

static int read_output(int fd, char **text, struct err *err)
{
	autofree char *path = mem_printf("/proc/self/fd/%d", fd);

	return file_read(AT_FDCWD, path, MAX_OUTPUT, text, NULL, err);
}

static int wait_for(pid_t pid, struct err *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "cannot wait for Lua");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return err_set(err, ERR_TIMEOUT, "it did not end in %d s",
			       MAX_SECONDS);
	return err_set(err, ERR_FAILED, "Lua ended with status %d", status);
}

/* What Lua has to say, in `*text`. */
static int run(const struct load_request *request, const char *program,
	       char **text, struct err *err)
{
	auto_strs struct strs argv = STRS_INIT;
	struct err ignored = ERR_INIT;
	int ends[2];
	int result;
	pid_t pid;

	strs_add(&argv, program ? program : "");
	strs_add(&argv, "-");
	strs_add(&argv, request->script);
	strs_add(&argv, request->polled ? "polled" : "waits");
	for (size_t i = 0; i < request->hooks->nr; i++)
		strs_add(&argv, request->hooks->item[i]);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child(request, program, argv.item, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_sys(err, errno, "cannot fork");
	}
	result = read_output(ends[0], text, err);
	close(ends[0]);
	if (result < 0)
		kill(pid, SIGKILL);
	/* Both: no child is left behind. */
	if (wait_for(pid, result < 0 ? &ignored : err) < 0)
		result = -1;
	return result;
}

static void add_line(struct load_answer *answer, const char *line)
{
	const char *text;

	if ((text = str_after(line, "version ")) && answer->by == NULL)
		answer->by = mem_strdup(text);
	else if ((text = str_after(line, "error ")) && answer->error == NULL)
		answer->error = mem_strdup(text);
	else if ((text = str_after(line, "missing ")))
		strs_add(&answer->missing, text);
	else if ((text = str_after(line, "settings ")) &&
		 answer->settings == NULL)
		answer->settings = mem_strdup(text);
}

/* False where it did not come to its end. */
static bool answer_parse(struct load_answer *answer, const char *text)
{
	auto_strs struct strs lines = STRS_INIT;

	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.nr; i++)
		add_line(answer, lines.item[i]);
	return answer->by && str_eq(lines.item[lines.nr - 1], "done");
}

static bool is_version(const char *by, const char *lua)
{
	return str_eq(by, lua) || str_eq(str_after(by, "Lua "), lua);
}

static int try_one(struct load_answer *answer,
		   const struct load_request *request, const char *program,
		   struct err *err)
{
	autofree char *text = NULL;

	if (run(request, program, &text, err) < 0)
		return -1;
	if (answer_parse(answer, text))
		return 0;
	return err_set(err, ERR_FAILED, "Lua did not answer");
}

/* An interpreter of the wanted version; false where there is none. */
static bool try_of_host(struct load_answer *answer,
			const struct load_request *request)
{
	autofree char *dotless = mem_strdup(request->lua);
	char *dot = strchr(dotless, '.');
	auto_strs struct strs names = STRS_INIT;

	if (dot)
		memmove(dot, dot + 1, strlen(dot));
	strs_addf(&names, "lua%s", request->lua);
	strs_addf(&names, "lua%s", dotless);
	strs_add(&names, str_eq(request->lua, "luajit") ? "luajit" : "lua");
	for (size_t i = 0; i < names.nr; i++) {
		autofree char *program = program_find_here(names.item[i]);
		struct err err = ERR_INIT;

		if (program && try_one(answer, request, program, &err) == 0 &&
		    is_version(answer->by, request->lua))
			return true;
		load_answer_release(answer);
	}
	return false;
}

int load_try(struct load_answer *answer, const struct load_request *request,
	     struct err *err)
{
	memset(answer, 0, sizeof(*answer));
	if (request->lua && try_of_host(answer, request))
		return 0;
	if (try_one(answer, request, NULL, err) < 0) {
		load_answer_release(answer);
		return err_wrap(err, "load '%s'", request->script);
	}
	answer->other = !request->lua || !is_version(answer->by, request->lua);
	return 0;
}

void load_answer_release(struct load_answer *answer)
{
	free(answer->by);
	free(answer->error);
	free(answer->settings);
	strs_release(&answer->missing);
	memset(answer, 0, sizeof(*answer));
}

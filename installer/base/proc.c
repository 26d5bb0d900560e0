#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/strs.h"

#define PROC_MAX_BYTES ((size_t)1 << 20)
#define PROC_TIMEOUT_MS 60000
#define PROC_POLL_MS 100
#define PROC_LINE_BYTES 4096
/* Read at once, so that one who never stops talking cannot outlive his
 * deadline; a pipe holds 16. */
#define PROC_LINE_BLOCKS 32

extern char **environ;

struct child {
	const struct proc_request *request;
	const char *name;
	pid_t pid;
	bool group; /* leads a process group of its own */
	int out;
	int err;
};

static void child_kill(const struct child *child)
{
	kill(child->group ? -child->pid : child->pid, SIGKILL);
}

static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len + 1) == 0;
}

/* Our environment with the additions in the place of what they replace. */
static void environment(struct strs *list, char *const *add)
{
	for (char **e = environ; e && *e; e++) {
		bool replaced = false;

		for (char *const *a = add; a && *a && !replaced; a++)
			replaced = same_name(*a, *e);
		if (!replaced)
			strs_add(list, *e);
	}
	for (char *const *a = add; a && *a; a++)
		strs_add(list, *a);
}

/* A file in memory: it needs no writer while the program runs. */
static int input_open(const struct proc_request *request, struct err *err)
{
	int fd;

	if (request->in == NULL)
		return file_open(AT_FDCWD, "/dev/null", O_RDONLY, 0, err);
	fd = memfd_create("stdin", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "cannot make a file in memory");
	if (io_write_all(fd, request->in, request->in_len, err) < 0) {
		close(fd);
		return -1;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int attributes(posix_spawnattr_t *attr, bool group, bool session)
{
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	sigset_t set;

	sigfillset(&set);
	posix_spawnattr_setsigdefault(attr, &set);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(attr, &set);
	if (session) {
		flags |= POSIX_SPAWN_SETSID;
	} else if (group) {
		flags |= POSIX_SPAWN_SETPGROUP;
		posix_spawnattr_setpgroup(attr, 0);
	}
	return posix_spawnattr_setflags(attr, flags);
}

/* The child's ends of the pipes are closed before this returns. */
static int spawn(const struct proc_request *request, struct child *child,
		 int in, const int *out, const int *errors, struct err *err)
{
	struct strs auto_strs env = STRS_INIT;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int failed;

	environment(&env, request->env);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	if (!request->keep_stdin)
		posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	if (!request->keep_stderr)
		posix_spawn_file_actions_adddup2(
			&actions, request->line ? out[1] : errors[1], 2);
	/* Out of the terminal's foreground group it could not ask there. */
	child->group = !request->keep_stdin;
	attributes(&attr, child->group, request->session);
	failed = posix_spawnp(&child->pid, request->argv[0], &actions, &attr,
			      request->argv, env.item);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (failed)
		return err_sys(err, failed, "cannot run '%s'",
			       request->argv[0]);
	return 0;
}

static void pipe_close(const int *ends)
{
	close(ends[0]);
	close(ends[1]);
}

static int pipes_open(int *out, int *errors, struct err *err)
{
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	if (pipe2(errors, O_CLOEXEC) < 0) {
		pipe_close(out);
		return err_sys(err, errno, "cannot make a pipe");
	}
	return 0;
}

static int start(const struct proc_request *request, struct child *child,
		 struct err *err)
{
	autoclose int in = -1;
	int out[2], errors[2];

	in = input_open(request, err);
	if (in < 0 || pipes_open(out, errors, err) < 0)
		return -1;
	if (spawn(request, child, in, out, errors, err) < 0) {
		pipe_close(out);
		pipe_close(errors);
		return -1;
	}
	close(out[1]);
	close(errors[1]);
	child->out = out[0];
	child->err = errors[0];
	fcntl(child->out, F_SETFL, O_NONBLOCK);
	fcntl(child->err, F_SETFL, O_NONBLOCK);
	return 0;
}

static void line_tell(const struct child *child, struct buf *line)
{
	child->request->line(child->request->ctx, buf_str(line));
	buf_clear(line);
}

/* `into` holds what has come of the line that is not at its end. */
static void lines_tell(const struct child *child, struct buf *into,
		       const char *block, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (block[i] == '\n') {
			line_tell(child, into);
			continue;
		}
		buf_addch(into, block[i]);
		if (into->len == into->max)
			line_tell(child, into);
	}
}

/* What is there to read; closes and forgets the pipe at its end. */
static int drain(const struct child *child, int *fd, struct buf *into,
		 const char *what, struct err *err)
{
	bool by_line = child->request->line != NULL;
	char block[4096];
	ssize_t n;

	for (int blocks = 0; *fd >= 0; blocks++) {
		if (by_line && blocks == PROC_LINE_BLOCKS)
			return 0;
		n = read(*fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0) {
			close(*fd);
			*fd = -1;
			break;
		}
		if (by_line)
			lines_tell(child, into, block, (size_t)n);
		else
			buf_add(into, block, (size_t)n);
		mem_wipe(block, (size_t)n);
		if (into->overflow)
			return err_set(
				err, ERR_INVALID,
				"'%s' writes more than %zu bytes to its standard %s",
				child->name, into->max, what);
	}
	return 0;
}

static int drain_both(struct child *child, struct proc_result *result,
		      struct err *err)
{
	if (drain(child, &child->out, &result->out, "output", err) < 0)
		return -1;
	return drain(child, &child->err, &result->err, "error", err);
}

/* Until the program has ended; what outlives it with the pipes in its hands
 * is not waited for. */
static int attend(struct child *child, struct proc_result *result,
		  int64_t timeout_ms, int *status, struct err *err)
{
	int64_t deadline = deadline_in_ms(timeout_ms);

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = child->out, .events = POLLIN },
			{ .fd = child->err, .events = POLLIN },
		};
		bool open = child->out >= 0 || child->err >= 0;
		pid_t pid;

		poll(fds, 2, open ? PROC_POLL_MS : 1);
		pid = waitpid(child->pid, status, WNOHANG);
		if (drain_both(child, result, err) < 0)
			return pid == child->pid ? -2 : -1;
		if (pid == child->pid)
			return 0;
		if (clock_check_interrupt(err) < 0)
			return -1;
		if (deadline_left_ms(deadline) == 0)
			return err_set(err, ERR_TIMEOUT,
				       "'%s' has not ended within %lld seconds",
				       child->name,
				       (long long)(timeout_ms / 1000));
	}
}

/* Ask it to end, and hear what it says to that. */
static void child_ask(struct child *child, struct proc_result *result)
{
	int64_t deadline = deadline_in_ms(child->request->grace_ms);
	struct err ignored = ERR_INIT;
	siginfo_t info = { .si_pid = 0 };

	kill(child->group ? -child->pid : child->pid, SIGTERM);
	while (info.si_pid == 0 && deadline_left_ms(deadline) > 0) {
		struct pollfd fd = { .fd = child->out, .events = POLLIN };

		poll(&fd, 1, child->out >= 0 ? PROC_POLL_MS : 1);
		/* Not reaped: its number is that of the group, which may have
		 * more members. */
		if (waitid(P_PID, (id_t)child->pid, &info,
			   WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    drain_both(child, result, &ignored) < 0)
			return;
	}
}

static void child_end(struct child *child, struct proc_result *result)
{
	int status;

	if (child->request->grace_ms > 0)
		child_ask(child, result);
	child_kill(child);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
}

int proc_run(const struct proc_request *request, struct proc_result *result,
	     struct err *err)
{
	size_t max = request->max_bytes ? request->max_bytes : PROC_MAX_BYTES;
	struct child child = { .request = request, .name = request->argv[0] };
	int64_t timeout_ms = request->timeout_ms;
	int status = 0;
	int done;

	proc_result_release(result);
	buf_init(&result->out, request->line ? PROC_LINE_BYTES : max);
	buf_init(&result->err, max);
	if (start(request, &child, err) < 0)
		return -1;
	done = attend(&child, result, timeout_ms ? timeout_ms : PROC_TIMEOUT_MS,
		      &status, err);
	if (done == -1)
		child_end(&child, result);
	if (child.out >= 0)
		close(child.out);
	if (child.err >= 0)
		close(child.err);
	if (request->line && result->out.len > 0)
		line_tell(&child, &result->out);
	if (done < 0)
		return -1;
	result->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					       WEXITSTATUS(status);
	return 0;
}

void proc_result_release(struct proc_result *result)
{
	buf_release_secret(&result->out);
	buf_release_secret(&result->err);
}

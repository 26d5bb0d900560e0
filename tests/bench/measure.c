/*
 * measure [-n RUNS] [-d TIMES] CMD [ARG...]
 *
 * Runs a command (RUNS times, one after the other) and prints, on one line,
 * the mean wall time and the mean CPU time (user and system) in microseconds
 * and the largest resident memory in KiB; the times of one turn where the
 * command itself takes TIMES turns.  The command's own output goes
 * nowhere but to standard error.  Exits 1 when the command does not exit 0.
 *
 * A program of its own, since memory counts from the process that starts the
 * command: this one is smaller than any that is measured.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static long long cpu_us(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000LL +
	       usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
}

static int run(char **argv, struct rusage *usage)
{
	posix_spawn_file_actions_t actions;
	int error, status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error) {
		fprintf(stderr, "measure: cannot run '%s': %s\n", argv[0],
			strerror(error));
		return -1;
	}
	if (wait4(pid, &status, 0, usage) < 0 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0) {
		fprintf(stderr, "measure: '%s' failed\n", argv[0]);
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	long long wall = 0, cpu = 0;
	long runs = 1, times = 1, rss = 0;
	int option;

	while ((option = getopt(argc, argv, "+n:d:")) > 0) {
		if (option == 'n')
			runs = strtol(optarg, NULL, 10);
		else if (option == 'd')
			times = strtol(optarg, NULL, 10);
		else
			return 2;
	}
	argv += optind;
	if (argv[0] == NULL || runs < 1 || times < 1) {
		fprintf(stderr, "usage: measure [-n RUNS] [-d TIMES] CMD "
				"[ARG...]\n");
		return 2;
	}
	for (long i = 0; i < runs; i++) {
		struct rusage usage;
		long long start = now_us();

		if (run(argv, &usage) < 0)
			return 1;
		wall += now_us() - start;
		cpu += cpu_us(&usage);
		if (usage.ru_maxrss > rss)
			rss = usage.ru_maxrss;
	}
	printf("%lld %lld %ld\n", wall / runs / times, cpu / runs / times, rss);
	return 0;
}

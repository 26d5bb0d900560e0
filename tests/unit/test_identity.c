#include "unit.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "base/strs.h"
#include "txn/identity.h"

/* A process that waits to be killed; what it says of itself. */
static pid_t other_process(struct jval **process)
{
	struct err err = ERR_INIT;
	char text[4096];
	int ends[2];
	ssize_t len;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		autojval struct jval *self = identity_process();
		autofree char *said = jval_text(self, false);

		if (write(ends[1], said, strlen(said)) > 0)
			for (;;)
				pause();
		_exit(1);
	}
	len = read(ends[0], text, sizeof(text));
	assert_true(len > 0);
	close(ends[0]);
	close(ends[1]);
	*process = jval_parse(text, (size_t)len, &err);
	assert_non_null(*process);
	return pid;
}

static void identity_knows_a_process_that_lives(void **state)
{
	autojval struct jval *self = identity_process();
	autojval struct jval *other = NULL;
	pid_t pid = other_process(&other);

	(void)state;
	assert_int_equal(identity_alive(self), 1);
	assert_int_equal(identity_alive(other), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void identity_knows_a_process_that_was_killed(void **state)
{
	autojval struct jval *other = NULL;
	pid_t pid = other_process(&other);
	siginfo_t info;

	(void)state;
	kill(pid, SIGKILL);
	/* A zombie does nothing more, either. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(identity_alive(other), 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(identity_alive(other), 0);
}

static void identity_is_not_deceived_by_a_number_used_again(void **state)
{
	autojval struct jval *self = identity_process();

	(void)state;
	jval_set_str(self, "start", "1");
	assert_int_equal(identity_alive(self), 0);
}

static void identity_does_not_judge_what_it_cannot_see(void **state)
{
	static const char *const names[] = { "host", "boot", "pidNamespace" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		autojval struct jval *self = identity_process();

		jval_set_str(self, "start", "1"); /* it would be dead */
		jval_set_str(self, names[i], "another");
		assert_int_equal(identity_alive(self), -1);
		jval_del(self, names[i]);
		assert_int_equal(identity_alive(self), -1);
	}
}

static void identity_does_not_judge_nonsense(void **state)
{
	static const char *const pids[] = { "", "0", "-1", "x", "99999999999" };

	(void)state;
	assert_int_equal(identity_alive(NULL), -1);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		autojval struct jval *self = identity_process();

		jval_set_str(self, "pid", pids[i]);
		assert_int_equal(identity_alive(self), -1);
	}
}

static void identity_prefers_who_logged_in(void **state)
{
	autofree char *somebody = NULL;
	autofree char *sudo = NULL;
	autofree char *nobody = NULL;

	(void)state;
	unsetenv("SUDO_USER");
	unsetenv("LOGNAME");
	setenv("USER", "somebody", 1);
	somebody = identity_user();
	assert_string_equal(somebody, "somebody");
	setenv("SUDO_USER", "ann", 1);
	sudo = identity_user();
	assert_string_equal(sudo, "ann");
	unsetenv("SUDO_USER");
	unsetenv("USER");
	nobody = identity_user();
	assert_true(str_eq(nobody, "root") || str_starts(nobody, "uid "));
}

static void identity_makes_names_that_differ(void **state)
{
	autofree char *first = identity_new_id();
	autofree char *second = identity_new_id();

	(void)state;
	assert_int_equal(strlen(first), strlen("20261123t035500z-1a2b"));
	assert_int_equal(strspn(first, "0123456789abcdeftz-"), strlen(first));
	/* By chance the same once in 65536. */
	if (str_eq(first, second)) {
		free(second);
		second = identity_new_id();
	}
	assert_string_not_equal(first, second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_knows_a_process_that_lives),
		cmocka_unit_test(identity_knows_a_process_that_was_killed),
		cmocka_unit_test(
			identity_is_not_deceived_by_a_number_used_again),
		cmocka_unit_test(identity_does_not_judge_what_it_cannot_see),
		cmocka_unit_test(identity_does_not_judge_nonsense),
		cmocka_unit_test(identity_prefers_who_logged_in),
		cmocka_unit_test(identity_makes_names_that_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

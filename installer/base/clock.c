#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static volatile sig_atomic_t interrupt_signal;
static volatile sig_atomic_t interrupt_deferred;

int64_t clock_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

time_t clock_wall(void)
{
	return time(NULL);
}

void clock_rfc3339(char *text, size_t size, time_t t)
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

int clock_parse_rfc3339(const char *text, time_t *t, struct err *err)
{
	struct tm tm = { 0 };
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int hours, minutes, used = 0;
	char sign;

	if (p && *p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	if (p == NULL)
		goto invalid;
	*t = timegm(&tm);
	if (strcmp(p, "Z") == 0)
		return 0;
	if (sscanf(p, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 ||
	    p[used] || (sign != '+' && sign != '-'))
		goto invalid;
	*t -= (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	return 0;
invalid:
	return err_set(err, ERR_INVALID, "'%s' is not an RFC 3339 time", text);
}

void clock_age(char *text, size_t size, time_t since, time_t now)
{
	long s = now > since ? (long)(now - since) : 0;

	if (s < 120)
		snprintf(text, size, "%lds", s);
	else if (s < 2 * 3600)
		snprintf(text, size, "%ldm", s / 60);
	else if (s < 2 * 86400)
		snprintf(text, size, "%ldh", s / 3600);
	else
		snprintf(text, size, "%ldd", s / 86400);
}

int64_t deadline_left_ms(int64_t deadline)
{
	int64_t now = clock_now_ms();

	return deadline > now ? deadline - now : 0;
}

static void interrupt_handler(int sig)
{
	/* The second time the user means it. */
	if (interrupt_signal)
		_Exit(128 + sig);
	interrupt_signal = sig;
}

void interrupt_install(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = interrupt_handler };
	sigset_t wanted;

	sigemptyset(&wanted);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &action, NULL);
		sigaddset(&wanted, signals[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	sigaddset(&wanted, SIGALRM);
	sigaddset(&wanted, SIGCHLD);
	pthread_sigmask(SIG_UNBLOCK, &wanted, NULL);
}

bool clock_interrupted(void)
{
	return interrupt_signal != 0 && !interrupt_deferred;
}

bool interrupt_defer(bool deferred)
{
	bool before = interrupt_deferred;

	interrupt_deferred = deferred;
	return before;
}

int clock_check_interrupt(struct err *err)
{
	if (clock_interrupted())
		return err_set(err, ERR_INTERRUPTED, "interrupted by SIG%s",
			       sigabbrev_np(interrupt_signal));
	return 0;
}

int clock_sleep(int64_t ms, struct err *err)
{
	int64_t deadline = deadline_in_ms(ms);
	int64_t left;

	while ((left = deadline_left_ms(deadline)) > 0) {
		/* Short naps: the signal may have gone to another thread. */
		int64_t nap = left < 100 ? left : 100;
		struct timespec t = { .tv_nsec = nap * 1000000 };

		if (clock_check_interrupt(err) < 0)
			return -1;
		nanosleep(&t, NULL);
	}
	return clock_check_interrupt(err);
}

int64_t clock_backoff_ms(unsigned int attempt, int64_t base_ms, int64_t max_ms)
{
	unsigned int shift = attempt > 1 ? attempt - 1 : 0;
	int64_t ms = shift > 20 ? max_ms : base_ms << shift;
	uint16_t noise = 0;

	if (ms > max_ms)
		ms = max_ms;
	if (getrandom(&noise, sizeof(noise), GRND_NONBLOCK) != sizeof(noise))
		return ms;
	return ms * 3 / 4 + ms * noise / 65535 / 2;
}

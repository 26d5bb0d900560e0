#include "txn/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"

#define PROC_MAX_BYTES 4096
/* Fields of /proc/PID/stat behind the name, which may hold anything: the
 * state is the first, the start time the twentieth of them. */
#define STAT_STATE 0
#define STAT_START 19

/* Not from the user database: in a static executable that would load the
 * host's libraries. */
char *identity_user(void)
{
	static const char *const names[] = { "SUDO_USER", "LOGNAME", "USER" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!str_empty(getenv(names[i])))
			return mem_strdup(getenv(names[i]));
	if (getuid() == 0)
		return mem_strdup("root");
	return mem_printf("uid %u", getuid());
}

char *identity_host(void)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	return mem_strdup(host);
}

char *identity_new_id(void)
{
	time_t now = clock_wall();
	uint16_t noise = 0;
	char text[32];
	struct tm tm;

	if (getrandom(&noise, sizeof(noise), 0) != sizeof(noise))
		noise = (uint16_t)getpid();
	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y%m%dt%H%M%Sz", &tm);
	return mem_printf("%s-%04x", text, noise);
}

static char *boot_id(void)
{
	struct err unused = ERR_INIT;
	char *text = NULL;

	if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id",
		      PROC_MAX_BYTES, &text, NULL, &unused) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static char *pid_namespace(void)
{
	char text[64];
	ssize_t len = readlink("/proc/self/ns/pid", text, sizeof(text));

	return len > 0 && (size_t)len < sizeof(text) ?
		       mem_strndup(text, (size_t)len) :
		       NULL;
}

/* The fields behind the name of process `pid`; false when unreadable. */
static bool process_fields(const char *pid, struct strs *fields)
{
	autofree char *path = mem_printf("/proc/%s/stat", pid);
	struct err unused = ERR_INIT;
	autofree char *text = NULL;
	const char *name_end;

	if (file_read(AT_FDCWD, path, PROC_MAX_BYTES, &text, NULL, &unused) < 0)
		return false;
	name_end = strrchr(text, ')');
	if (name_end)
		strs_split(fields, name_end + 1, ' ');
	return fields->nr > STAT_START;
}

static void set_known(struct jval *object, const char *name, const char *text)
{
	if (!str_empty(text))
		jval_set_str(object, name, text);
}

struct jval *identity_process(void)
{
	struct jval *process = jval_new_object();
	autofree char *host = identity_host();
	autofree char *boot = boot_id();
	autofree char *space = pid_namespace();
	autofree char *pid = mem_printf("%ld", (long)getpid());
	auto_strs struct strs fields = STRS_INIT;

	set_known(process, "host", host);
	set_known(process, "boot", boot);
	set_known(process, "pidNamespace", space);
	set_known(process, "pid", pid);
	/* Not "self": in a mount of /proc that belongs to another pid
	 * namespace that is another number than ours. */
	if (process_fields(pid, &fields))
		set_known(process, "start", fields.item[STAT_START]);
	return process;
}

static bool is_same_place(const struct jval *process, const struct jval *self)
{
	/* Clones of a virtual machine may share a boot id, hosts a name. */
	static const char *const places[] = { "host", "boot", "pidNamespace" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *there = jval_str(process, places[i]);

		if (str_empty(there) ||
		    !str_eq(there, jval_str(self, places[i])))
			return false;
	}
	return true;
}

int identity_alive(const struct jval *process)
{
	autojval struct jval *self = identity_process();
	const char *pid = jval_str(process, "pid");
	const char *start = jval_str(process, "start");
	auto_strs struct strs fields = STRS_INIT;
	struct err unused = ERR_INIT;
	uint64_t number = 0;

	if (!is_same_place(process, self) || str_empty(start) ||
	    str_empty(pid) || str_u64(pid, &number, &unused) < 0 ||
	    number == 0 || number > INT32_MAX)
		return -1;
	/* Asked first: /proc may hide the processes of others (hidepid). */
	if (kill((pid_t)number, 0) < 0 && errno == ESRCH)
		return 0;
	if (!process_fields(pid, &fields))
		return -1;
	return str_eq(fields.item[STAT_START], start) &&
	       *fields.item[STAT_STATE] != 'Z' &&
	       *fields.item[STAT_STATE] != 'X';
}

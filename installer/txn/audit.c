#include "txn/audit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "base/version.h"
#include "txn/identity.h"
#include "txn/names.h"

#define LOG_DIR "/var/log/dws-csm"
#define ROOT_STATE_DIR "/var/lib/dws-csm"
#define MAX_FILES 50
#define SUFFIX ".jsonl"
#define EVENTS_PATH "/api/v1/namespaces/" DWS_NAMESPACE "/events"
#define EVENT_PATIENCE_MS 3000
#define EVENT_CALL_MS 5000
#define EVENT_MAX_BYTES 1000 /* the API server takes 1024 */

struct audit {
	struct kube_config *config; /* or NULL */
	struct kube *kube;	    /* made for the first Event */
	const struct state *state;
	char *transaction;
	char *operation;
	bool hears;
	bool told_event; /* that one could not be written */

	pthread_mutex_t lock; /* of all below */
	int fd;
	bool tried; /* to open the file */
	char *step;
	/* What keeps it from being written; told outside of the lock, since
	 * the log may be waiting for it. */
	struct err trouble;
	bool told;
};

struct audit *audit_new(struct kube *kube, const struct state *state,
			const char *transaction, const char *operation)
{
	struct audit *self = mem_alloc(sizeof(*self));

	self->config = kube ? kube_config_of(kube) : NULL;
	self->state = state;
	self->transaction = mem_strdup(transaction ? transaction : "none");
	self->operation = mem_strdup(operation);
	self->fd = -1;
	pthread_mutex_init(&self->lock, NULL);
	return self;
}

/* --- the file ------------------------------------------------------------------- */

/* Whether `state` is where root keeps undo data unless told otherwise. */
static bool is_root_state(const struct state *state)
{
	struct stat own, root;

	return geteuid() == 0 && fstat(state->dirfd, &own) == 0 &&
	       stat(ROOT_STATE_DIR, &root) == 0 && own.st_dev == root.st_dev &&
	       own.st_ino == root.st_ino;
}

static int open_dir(const struct state *state, struct err *err)
{
	if (!is_root_state(state))
		return file_open(state->dirfd, "log", O_RDONLY | O_DIRECTORY, 0,
				 err);
	if (file_make_dirs(LOG_DIR, 0750, err) < 0)
		return -1;
	return file_open(AT_FDCWD, LOG_DIR, O_RDONLY | O_DIRECTORY, 0, err);
}

/* An id out of a cluster is no path. */
static char *file_name(const struct audit *self)
{
	char *name =
		mem_printf("%s-%s" SUFFIX, self->transaction, self->operation);

	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '_';
	if (*name == '.')
		*name = '_';
	return name;
}

struct log_file {
	char *name;
	struct timespec at;
};

static int newest_first(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;

	if (x->at.tv_sec != y->at.tv_sec)
		return x->at.tv_sec > y->at.tv_sec ? -1 : 1;
	if (x->at.tv_nsec != y->at.tv_nsec)
		return x->at.tv_nsec > y->at.tv_nsec ? -1 : 1;
	return strcmp(y->name, x->name);
}

static size_t list_files(DIR *stream, struct log_file **files)
{
	struct dirent *entry;
	size_t nr = 0;

	*files = NULL;
	while ((entry = readdir(stream)) != NULL) {
		struct stat st;

		if (!str_ends(entry->d_name, SUFFIX) ||
		    fstatat(dirfd(stream), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		*files = mem_resize(*files, nr + 1, sizeof(**files));
		(*files)[nr++] = (struct log_file){ mem_strdup(entry->d_name),
						    st.st_mtim };
	}
	return nr;
}

/* Keep the newest; what cannot be removed is no matter. */
static void prune(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct log_file *files;
	size_t nr;

	if (stream == NULL)
		return;
	nr = list_files(stream, &files);
	if (nr > 0)
		qsort(files, nr, sizeof(*files), newest_first);
	for (size_t i = 0; i < nr; i++) {
		if (i >= MAX_FILES)
			unlinkat(dir, files[i].name, 0);
		free(files[i].name);
	}
	free(files);
	closedir(stream);
}

static int open_file(struct audit *self, struct err *err)
{
	autofree char *name = file_name(self);
	autoclose int dir = open_dir(self->state, err);

	if (dir < 0)
		return -1;
	self->fd = file_open(dir, name,
			     O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0640,
			     err);
	if (self->fd < 0)
		return -1;
	prune(dir);
	return 0;
}

/* --- lines ---------------------------------------------------------------------- */

/* "2026-11-23T04:12:09.482Z" */
static void set_time(struct jval *line)
{
	char seconds[CLOCK_RFC3339_SIZE];
	autofree char *text = NULL;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_rfc3339(seconds, sizeof(seconds), now.tv_sec);
	text = mem_printf("%.19s.%03dZ", seconds, (int)(now.tv_nsec / 1000000));
	jval_set_str(line, "time", text);
}

static struct jval *line_new(const struct audit *self, const char *event)
{
	struct jval *line = jval_new_object();

	set_time(line);
	jval_set_str(line, "transaction", self->transaction);
	jval_set_str(line, "operation", self->operation);
	if (self->step)
		jval_set_str(line, "step", self->step);
	jval_set_str(line, "event", event);
	return line;
}

static void line_write(struct audit *self, const struct jval *line)
{
	autofree char *text = jval_text(line, false);
	autofree char *whole = mem_printf("%s\n", text);

	if (self->fd >= 0 &&
	    io_write_all(self->fd, whole, strlen(whole), &self->trouble) < 0) {
		close(self->fd);
		self->fd = -1;
	}
}

static void write_who(struct audit *self)
{
	autojval struct jval *line = line_new(self, "open");
	autofree char *user = identity_user();
	autofree char *host = identity_host();

	jval_set_str(line, "user", user);
	jval_set_str(line, "host", host);
	jval_set(line, "pid", jval_new_int(getpid()));
	jval_set_str(line, "installer", version_string());
	line_write(self, line);
}

/* Locked; false where there is no file. */
static bool is_open(struct audit *self)
{
	if (self->tried || self->state == NULL)
		return self->fd >= 0;
	self->tried = true;
	if (open_file(self, &self->trouble) < 0)
		return false;
	write_who(self);
	return self->fd >= 0;
}

/* Not locked. */
static void tell_trouble(struct audit *self)
{
	struct err trouble;
	bool tell;

	pthread_mutex_lock(&self->lock);
	tell = self->trouble.kind != ERR_NONE && !self->told;
	self->told |= tell;
	trouble = self->trouble;
	pthread_mutex_unlock(&self->lock);
	if (tell)
		log_warn("what is done is not logged: %s", trouble.msg);
}

static void set_step(struct audit *self, const char *step)
{
	if (step == NULL || str_eq(step, self->step))
		return;
	free(self->step);
	self->step = mem_strdup(step);
}

void audit_line(struct audit *self, const char *event, const char *step,
		const char *fmt, ...)
{
	autofree char *message = NULL;
	va_list args;

	if (self == NULL)
		return;
	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		abort();
	va_end(args);
	pthread_mutex_lock(&self->lock);
	set_step(self, step);
	if (is_open(self)) {
		autojval struct jval *line = line_new(self, event);

		jval_set_str(line, "message", message);
		line_write(self, line);
	}
	pthread_mutex_unlock(&self->lock);
	tell_trouble(self);
}

static void hear(enum log_level level, const char *text, void *ctx)
{
	static const char *const names[] = {
		[LOG_QUIET] = "warning", [LOG_INFO] = "info", [LOG_VERBOSE] = "verbose"
	};
	struct audit *self = ctx;

	pthread_mutex_lock(&self->lock);
	if (is_open(self)) {
		autojval struct jval *line = line_new(self, "log");

		jval_set_str(line, "level", names[level]);
		jval_set_str(line, "message", text);
		line_write(self, line);
	}
	pthread_mutex_unlock(&self->lock);
}

void audit_hear_log(struct audit *self)
{
	if (self == NULL)
		return;
	self->hears = true;
	log_set_listener(hear, self);
}

/* --- Events --------------------------------------------------------------------- */

static struct kube *event_kube(struct audit *self)
{
	/* Of its own: with little patience, and whatever thread calls. */
	if (self->kube == NULL) {
		self->kube = kube_new(self->config);
		kube_set_patience(self->kube, EVENT_PATIENCE_MS);
		kube_set_call_timeout(self->kube, EVENT_CALL_MS);
	}
	return self->kube;
}

static char *event_name(void)
{
	uint64_t noise = (uint64_t)clock_now_ms();

	if (getrandom(&noise, sizeof(noise), GRND_NONBLOCK) < 0)
		noise ^= (uint64_t)getpid() << 32;
	return mem_printf("dws-csm.%016llx", (unsigned long long)noise);
}

static struct jval *event_new(const char *type, const char *reason,
			      const char *message)
{
	autofree char *host = identity_host();
	autofree char *name = event_name();
	autofree char *brief = mem_printf("%.*s", EVENT_MAX_BYTES, message);
	struct jval *event = jval_pack(
		"{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s}, s:{s:s}}",
		"apiVersion", "v1", "kind", "Event", "metadata", "name", name,
		"namespace", DWS_NAMESPACE, "involvedObject", "apiVersion",
		"v1", "kind", "Namespace", "name", DWS_NAMESPACE, "namespace",
		DWS_NAMESPACE, "source", "component", "dws-csm");
	char now[CLOCK_RFC3339_SIZE];

	clock_rfc3339(now, sizeof(now), clock_wall());
	jval_set_str(event, "type", type);
	jval_set_str(event, "reason", reason);
	jval_set_str(event, "message", brief);
	jval_set_str(event, "source.host", host);
	jval_set_str(event, "reportingComponent", "dws-csm");
	jval_set_str(event, "reportingInstance", host);
	jval_set_str(event, "firstTimestamp", now);
	jval_set_str(event, "lastTimestamp", now);
	jval_set(event, "count", jval_new_int(1));
	return event;
}

/* Before an installation, and after a removal. */
static bool is_no_place(const struct err *err)
{
	return kube_is_not_found(err) ||
	       (err->http == 403 && strstr(err->msg, "being terminated"));
}

void audit_event(struct audit *self, const char *type, const char *reason,
		 const char *fmt, ...)
{
	autojval struct jval *event = NULL;
	autofree char *message = NULL;
	struct err err = ERR_INIT;
	va_list args;

	if (self == NULL || self->config == NULL)
		return;
	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		abort();
	va_end(args);
	event = event_new(type, reason, message);
	/* Nobody else has its name: a conflict is with our own first try. */
	if (kube_call(event_kube(self), "POST", EVENTS_PATH, NULL, event, NULL,
		      &err) == 0 ||
	    kube_is_conflict(&err))
		return;
	if (is_no_place(&err) || err.kind == ERR_INTERRUPTED ||
	    err.kind == ERR_LOCKED || self->told_event) {
		log_verbose("no Event '%s': %s", reason, err.msg);
		return;
	}
	self->told_event = true;
	log_warn("Events are not written: %s", err.msg);
}

void audit_free(struct audit *self)
{
	struct err err = ERR_INIT;

	if (self == NULL)
		return;
	if (self->hears)
		log_set_listener(NULL, NULL);
	if (self->fd >= 0 && file_close(self->fd, "log", &err) < 0 &&
	    self->trouble.kind == ERR_NONE)
		self->trouble = err;
	self->fd = -1;
	tell_trouble(self);
	kube_free(self->kube);
	pthread_mutex_destroy(&self->lock);
	free(self->step);
	free(self->transaction);
	free(self->operation);
	free(self);
}

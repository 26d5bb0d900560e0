#include "txn/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/utf8.h"

#define HOOK_TIMEOUT_MS 300000
#define HOOK_GRACE_MS 10000
#define HOOK_MAX_LINES 10000

/* --- which there are ------------------------------------------------------------ */

static bool is_leftover(const char *name)
{
	static const char *const ends[] = { "~",	".bak",	   ".orig",
					    ".rpmsave", ".rpmnew", ".rpmorig" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (str_ends(name, ends[i]))
			return true;
	return *name == '.';
}

/* Whoever may write it could have us run what he likes, as root. */
static int check_writers(const char *path, const struct stat *st,
			 struct err *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(err, ERR_BLOCKED,
			       "'%s' belongs to another user (uid %u) and so "
			       "is no place for hooks (chown root)",
			       path, st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, ERR_BLOCKED,
			       "others may write to '%s', so it is no place "
			       "for hooks (chmod go-w)",
			       path);
	return 0;
}

static int check_dir(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(err, errno, "cannot look at '%s'", path);
	return check_writers(path, &st, err);
}

/* Where a link leads to counts as well. */
static int check_home(const char *path, struct err *err)
{
	autofree char *real = realpath(path, NULL);
	char *slash = real ? strrchr(real, '/') : NULL;

	if (slash == NULL)
		return err_sys(err, errno, "cannot resolve '%s'", path);
	slash[slash == real] = '\0';
	return check_dir(real, err);
}

/* 1 when it is a hook, 0 when it is passed over. */
static int check_hook(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		err_sys(err, errno, "cannot look at hook '%s'", path);
		err->kind = ERR_BLOCKED;
		return -1;
	}
	if (S_ISDIR(st.st_mode))
		return 0;
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)) {
		log_verbose("'%s' is passed over: it is not executable", path);
		return 0;
	}
	if (check_writers(path, &st, err) < 0 || check_home(path, err) < 0)
		return -1;
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return err_set(err, ERR_BLOCKED,
			       "hook '%s' may not be run here: %s; is its file "
			       "system mounted with noexec?",
			       path, strerror(errno));
	return 1;
}

static int read_names(DIR *stream, const char *dir, struct strs *names,
		      struct err *err)
{
	struct dirent *entry;

	while ((entry = readdir(stream)) != NULL) {
		autofree char *path = mem_printf("%s/%s", dir, entry->d_name);
		int found;

		if (is_leftover(entry->d_name))
			continue;
		found = check_hook(path, err);
		if (found < 0)
			return -1;
		if (found)
			strs_add(names, entry->d_name);
	}
	strs_sort(names);
	return 0;
}

/* The names of the hooks in `dir`, sorted; none where it is not. */
static int list_dir(const char *dir, struct strs *names, struct err *err)
{
	DIR *stream = opendir(dir);
	int status;

	if (stream == NULL && errno == ENOENT)
		return 0;
	if (stream == NULL)
		return err_sys(err, errno, "cannot read the hooks in '%s'",
			       dir);
	status = check_dir(dir, err);
	if (status == 0)
		status = read_names(stream, dir, names, err);
	closedir(stream);
	return status;
}

static int list_base(const char *base, const char *folder, bool required,
		     struct strs *names, struct err *err)
{
	autofree char *dir = mem_printf("%s/%s", base, folder);

	if (access(base, F_OK) < 0) {
		if (!required && errno == ENOENT)
			return 0;
		err_sys(err, errno, "cannot use the hooks in '%s'", base);
		err->kind = ERR_USAGE;
		return -1;
	}
	if (check_dir(base, err) < 0)
		return -1;
	return list_dir(dir, names, err);
}

static const char *site_dir(const struct hooks *hooks)
{
	return hooks->site_dir ? hooks->site_dir : HOOKS_DIR;
}

static bool is_first(const struct strs *a, size_t i, const struct strs *b,
		     size_t j)
{
	return i < a->nr && (j == b->nr || strcmp(a->item[i], b->item[j]) <= 0);
}

int hooks_list(const struct hooks *hooks, const struct hooks_event *event,
	       struct strs *paths, struct err *err)
{
	autofree char *folder =
		mem_printf("%s-%s", event->when, event->operation);
	auto_strs struct strs site = STRS_INIT;
	auto_strs struct strs own = STRS_INIT;
	size_t i = 0, j = 0;

	if (list_base(site_dir(hooks), folder, false, &site, err) < 0)
		return -1;
	if (!str_empty(hooks->dir) &&
	    list_base(hooks->dir, folder, true, &own, err) < 0)
		return -1;
	while (i < site.nr || j < own.nr) {
		bool first = is_first(&site, i, &own, j);

		strs_addf(paths, "%s/%s/%s",
			  first ? site_dir(hooks) : hooks->dir, folder,
			  first ? site.item[i++] : own.item[j++]);
	}
	return 0;
}

/* --- one of them ---------------------------------------------------------------- */

struct hearing {
	const char *name;
	struct progress_item *item;
	size_t nr;
	char *last; /* what it said last, or NULL */
};

static void hear(void *ctx, const char *line)
{
	struct hearing *hearing = ctx;

	if (str_empty(line))
		return;
	free(hearing->last);
	hearing->last = mem_strdup(line);
	utf8_clean(hearing->last);
	if (++hearing->nr < HOOK_MAX_LINES)
		log_info("%s: %s", hearing->name, line);
	else if (hearing->nr == HOOK_MAX_LINES)
		log_warn("%s says more than %d lines: the rest is not shown",
			 hearing->name, HOOK_MAX_LINES);
	progress_note(hearing->item, "%s", hearing->last);
}

static void add_variable(struct strs *env, const char *name, const char *value)
{
	strs_addf(env, "%s=%s", name, value ? value : "");
}

/* A hook may go to another directory before it calls kubectl. */
static void add_kubeconfig(struct strs *env, const char *kubeconfig)
{
	autofree char *cwd = getcwd(NULL, 0);

	if (str_empty(kubeconfig))
		return;
	if (*kubeconfig == '/' || cwd == NULL)
		add_variable(env, "KUBECONFIG", kubeconfig);
	else
		strs_addf(env, "KUBECONFIG=%s/%s", cwd, kubeconfig);
}

static void fill_environment(const struct hooks *hooks,
			     const struct hooks_event *event, struct strs *env)
{
	char revision[24] = "";

	if (event->revision > 0)
		snprintf(revision, sizeof(revision), "%lld",
			 (long long)event->revision);
	strs_addf(env, "DWS_CSM_HOOK=%s-%s", event->when, event->operation);
	add_variable(env, "DWS_CSM_OPERATION", event->operation);
	add_variable(env, "DWS_CSM_FROM_VERSION", event->from_version);
	add_variable(env, "DWS_CSM_VERSION", event->version);
	add_variable(env, "DWS_CSM_REVISION", revision);
	add_variable(env, "DWS_CSM_OUTCOME", event->outcome);
	add_variable(env, "DWS_CSM_TRANSACTION", event->transaction);
	add_kubeconfig(env, hooks->kubeconfig);
	if (!str_empty(hooks->context))
		add_variable(env, "DWS_CSM_CONTEXT", hooks->context);
}

/* What keeps it from running at all, in words that help. */
static int explain(const char *path, struct err *err)
{
	if (err->kind == ERR_TIMEOUT)
		return err_hint(err, "it was ended; --hooks-timeout gives it "
				     "more time");
	if (err->sys == ENOEXEC || err->sys == ENOENT)
		return err_hint(err, "does its first line name an interpreter "
				     "that is there, such as #!/bin/sh?");
	if (err->kind == ERR_INTERRUPTED)
		return err_wrap(err, "hook '%s' was ended", path);
	return -1;
}

static int run_hook(const struct hooks *hooks, const struct hooks_event *event,
		    char *path, struct hearing *hearing, struct err *err)
{
	auto_strs struct strs env = STRS_INIT;
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = { path, NULL };
	struct proc_request request = {
		.argv = argv,
		.timeout_ms = hooks->timeout_ms ? hooks->timeout_ms :
						  HOOK_TIMEOUT_MS,
		.grace_ms = HOOK_GRACE_MS,
		.line = hear,
		.ctx = hearing,
	};

	fill_environment(hooks, event, &env);
	request.env = env.item;
	log_verbose("hook '%s' begins", path);
	if (proc_run(&request, &result, err) < 0)
		return explain(path, err);
	log_verbose("hook '%s' ended with exit status %d", path, result.status);
	if (result.status == 0)
		return 0;
	return err_set(err, ERR_FAILED,
		       "hook '%s' failed with exit status %d%s%.200s%s", path,
		       result.status, hearing->last ? ", saying '" : "",
		       hearing->last ? hearing->last : "",
		       hearing->last ? "'" : "");
}

static int run_one(const struct hooks *hooks, const struct hooks_event *event,
		   char *path, struct err *err)
{
	struct hearing hearing = { .name = strrchr(path, '/') + 1 };
	int status;

	hearing.item = progress_add(hooks->progress, PROGRESS_STEPS, 0,
				    "hook %s", hearing.name);
	status = run_hook(hooks, event, path, &hearing, err);
	progress_end(hearing.item, status < 0 ? PROGRESS_FAILED : PROGRESS_DONE,
		     NULL);
	free(hearing.last);
	return status;
}

/* --- all ------------------------------------------------------------------------ */

static int run_pre(const struct hooks *hooks, const struct hooks_event *event,
		   const struct strs *paths, struct err *err)
{
	for (size_t i = 0; i < paths->nr; i++) {
		if (run_one(hooks, event, paths->item[i], err) == 0)
			continue;
		if (err->kind != ERR_INTERRUPTED)
			err->kind = ERR_BLOCKED;
		return err_hint(err, "nothing was changed");
	}
	return 0;
}

static int run_post(const struct hooks *hooks, const struct hooks_event *event,
		    const struct strs *paths, struct err *err)
{
	for (size_t i = 0; i < paths->nr; i++) {
		struct err why = ERR_INIT;

		if (run_one(hooks, event, paths->item[i], &why) == 0)
			continue;
		if (why.kind != ERR_INTERRUPTED) {
			log_warn("%s", why.msg);
			continue;
		}
		*err = why;
		return i + 1 == paths->nr ?
			       -1 :
			       err_hint(err,
					"'%s' and what follows were not "
					"run",
					paths->item[i + 1]);
	}
	return 0;
}

/* Post hooks that are refused only when all is done would be too late. */
static int check_post(const struct hooks *hooks, const struct hooks_event *pre,
		      struct err *err)
{
	struct hooks_event post = { .when = "post",
				    .operation = pre->operation };
	auto_strs struct strs paths = STRS_INIT;

	return hooks_list(hooks, &post, &paths, err);
}

static int run_all(const struct hooks *hooks, const struct hooks_event *event,
		   struct err *err)
{
	auto_strs struct strs paths = STRS_INIT;
	bool pre = str_eq(event->when, "pre");
	struct err why = ERR_INIT;

	if (hooks_list(hooks, event, &paths, &why) < 0 ||
	    (pre && check_post(hooks, event, &why) < 0)) {
		if (!pre) {
			log_warn("the site's hooks are not run: %s", why.msg);
			return 0;
		}
		*err = why;
		return -1;
	}
	if (paths.nr == 0)
		return 0;
	progress_phase(hooks->progress, "running the site's %s-%s hooks",
		       event->when, event->operation);
	return pre ? run_pre(hooks, event, &paths, err) :
		     run_post(hooks, event, &paths, err);
}

int hooks_run(const struct hooks *hooks, const struct hooks_event *event,
	      struct err *err)
{
	/* The signal that ended the change, not one for these. */
	bool old = str_eq(event->when, "post") && clock_interrupted();
	int status;

	if (old)
		interrupt_defer(true);
	status = run_all(hooks, event, err);
	if (old)
		interrupt_defer(false);
	return status;
}

#include "bundle/source_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strs.h"
#include "format/yaml.h"
#include "kube/object.h"

#define RENDER_MAX_BYTES ((size_t)64 << 20)
#define RENDER_TIMEOUT_MS 300000

static bool exists(const char *dir, const char *name)
{
	autofree char *path = mem_printf("%s/%s", dir, name);

	return access(path, F_OK) == 0;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	if (remove(path) < 0)
		log_verbose("cannot remove '%s': %s", path, strerror(errno));
	return 0;
}

void source_tree_close(struct source_tree *tree)
{
	if (tree->temporary)
		nftw(tree->temporary, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(tree->temporary);
	free(tree->dir);
}

/* The one directory in `dir`, as archives of a release have it, or NULL. */
static char *only_directory(const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char *found = NULL;
	size_t nr = 0;

	while (stream && (entry = readdir(stream))) {
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (nr++ == 0)
			found = mem_printf("%s/%s", dir, entry->d_name);
	}
	if (stream)
		closedir(stream);
	if (nr != 1) {
		free(found);
		return NULL;
	}
	return found;
}

/* Run it to its end; what it said on standard error is the message. */
static int run(char *const *argv, struct proc_result *result, struct err *err)
{
	const struct proc_request request = {
		.argv = argv,
		.max_bytes = RENDER_MAX_BYTES,
		.timeout_ms = RENDER_TIMEOUT_MS,
	};

	if (proc_run(&request, result, err) < 0)
		return -1;
	if (result->status == 0)
		return 0;
	return err_set(err, ERR_INVALID, "'%s' failed (%d): %.600s", argv[0],
		       result->status, buf_str(&result->err));
}

static int unpack(struct source_tree *tree, const char *path, struct err *err)
{
	const char *base = getenv("TMPDIR");
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	autofree char *dir = mem_printf("%s/dws-csm.XXXXXX",
					str_empty(base) ? "/tmp" : base);
	autofree char *file = mem_printf("--file=%s", path);
	autofree char *to = NULL;
	char *argv[] = { (char *)"tar",
			 (char *)"--extract",
			 (char *)"--no-same-owner",
			 (char *)"--no-same-permissions",
			 (char *)"--force-local", /* "a:b.tar" is no host */
			 file,
			 NULL,
			 NULL };

	if (mkdtemp(dir) == NULL)
		return err_sys(err, errno, "cannot make a directory '%s'", dir);
	tree->temporary = mem_strdup(dir);
	argv[6] = to = mem_printf("--directory=%s", dir);
	if (run(argv, &result, err) < 0)
		return err_wrap(err, "unpack '%s'", path);
	tree->dir = only_directory(dir);
	if (tree->dir == NULL)
		tree->dir = mem_steal(&dir);
	return 0;
}

int source_tree_open(struct source_tree *tree, const char *path,
		     struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(err, errno, "cannot read '%s'", path);
	if (S_ISREG(st.st_mode))
		return unpack(tree, path, err);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID,
			       "'%s' is neither a directory nor an archive",
			       path);
	tree->dir = mem_strdup(path);
	return 0;
}

/* The first that is there: kubectl may be older than what the tree is written
 * for. */
static int kustomize(const char *dir, struct proc_result *result,
		     struct err *err)
{
	char *by_kustomize[] = { (char *)"kustomize", (char *)"build",
				 (char *)dir, NULL };
	char *by_kubectl[] = { (char *)"kubectl", (char *)"kustomize",
			       (char *)dir, NULL };

	if (run(by_kustomize, result, err) == 0)
		return 0;
	if (err->kind != ERR_NOT_FOUND)
		return -1;
	err_clear(err);
	if (run(by_kubectl, result, err) == 0)
		return 0;
	if (err->kind != ERR_NOT_FOUND)
		return -1;
	return err_set(err, ERR_NOT_FOUND,
		       "there is neither 'kustomize' nor 'kubectl' to render "
		       "'%s' with: install one of them, or render it elsewhere "
		       "and give --manifests FILE",
		       dir);
}

static int append_all(struct jval *objects, const char *text, size_t len,
		      const char *from, struct err *err)
{
	autojval struct jval *documents = yaml_parse_all(text, len, err);

	if (documents == NULL)
		return err_wrap(err, "what '%s' gives", from);
	for (size_t i = 0; i < jval_len(documents); i++)
		jval_append(objects, jval_ref(jval_at(documents, i)));
	return 0;
}

static int render_dir(struct jval *objects, const char *dir, struct err *err)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;

	if (kustomize(dir, &result, err) < 0)
		return -1;
	return append_all(objects, buf_str(&result.out), result.out.len, dir,
			  err);
}

static bool has_kind(const struct jval *objects, const char *kind,
		     const char *name_end)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);
		const char *name = jval_str(object, "metadata.name");

		if (str_eq(object_kind(object), kind) && name &&
		    str_ends(name, name_end))
			return true;
	}
	return false;
}

/* What upstream's Makefile applies besides the overlay. */
static int render_apart(const struct source_tree *tree, struct jval *objects,
			struct err *err)
{
	static const char monitor[] = "config/prometheus";
	static const char role[] = "config/rbac/workload_manager_role.yaml";
	autofree char *monitor_path = mem_printf("%s/%s", tree->dir, monitor);
	autofree char *role_path = mem_printf("%s/%s", tree->dir, role);
	autofree char *text = NULL;
	size_t len;

	if (!has_kind(objects, "ServiceMonitor", "") &&
	    exists(monitor_path, "kustomization.yaml") &&
	    render_dir(objects, monitor_path, err) < 0)
		return -1;
	if (has_kind(objects, "ClusterRole", "workload-manager") ||
	    !exists(tree->dir, role))
		return 0;
	if (file_read(AT_FDCWD, role_path, RENDER_MAX_BYTES, &text, &len, err) <
	    0)
		return -1;
	return append_all(objects, text, len, role_path, err);
}

/* Upstream's overlay for CSM, or what it stands on; or the tree is itself what
 * is to be rendered. */
static char *overlay_dir(const struct source_tree *tree)
{
	static const char *const overlays[] = { "config/csm", "config/dp0",
						"config/default", "." };

	for (size_t i = 0; i < ARRAY_SIZE(overlays); i++) {
		autofree char *dir =
			mem_printf("%s/%s", tree->dir, overlays[i]);

		if (exists(dir, "kustomization.yaml") ||
		    exists(dir, "kustomization.yml"))
			return mem_steal(&dir);
	}
	return NULL;
}

struct jval *source_tree_render(const struct source_tree *tree, struct err *err)
{
	autojval struct jval *objects = jval_new_array();
	autofree char *dir = overlay_dir(tree);

	if (dir == NULL) {
		err_set(err, ERR_INVALID,
			"'%s' has no config/csm/kustomization.yaml: is it the "
			"source of DWS?",
			tree->dir);
		return NULL;
	}
	if (render_dir(objects, dir, err) < 0 ||
	    render_apart(tree, objects, err) < 0)
		return NULL;
	return mem_steal(&objects);
}

/* A line that git says of the tree, or NULL. Without .git it would speak of
 * the repository around it. What came in an archive is not asked: git obeys
 * the .git/config of a tree, which names programs to run. */
static char *ask_git(const struct source_tree *tree, const char *const *words)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[12] = { (char *)"git", (char *)"--no-optional-locks",
			   (char *)"-c",  (char *)"core.fsmonitor=false",
			   (char *)"-C",  tree->dir };
	struct err reason = ERR_INIT;
	const char *line;

	if (tree->temporary || !exists(tree->dir, ".git"))
		return NULL;
	for (size_t i = 0; words[i]; i++)
		argv[6 + i] = (char *)words[i];
	if (run(argv, &result, &reason) < 0) {
		log_verbose("%s", reason.msg);
		return NULL;
	}
	line = buf_str(&result.out);
	return mem_strndup(line, strcspn(line, "\r\n"));
}

char *source_tree_commit(const struct source_tree *tree)
{
	static const char *const words[] = { "rev-parse", "HEAD", NULL };

	return ask_git(tree, words);
}

char *source_tree_version(const struct source_tree *tree)
{
	static const char *const words[] = { "describe", "--tags",
					     "--match=v[0-9]*", "--dirty",
					     NULL };

	return ask_git(tree, words);
}

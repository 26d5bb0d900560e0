#include "txn/wlm_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/x509_look.h"
#include "format/yaml.h"
#include "kube/kubeconfig.h"
#include "kube/kubeconfig_text.h"
#include "txn/wlm.h"

#define FILE_MAX_BYTES ((off_t)1 << 20)

/* What `wlm create` writes, see kubeconfig_text. */
static const char *const user_fields[] = { "client-certificate-data",
					   "client-key-data", NULL };
static const char *const cluster_fields[] = { "server",
					      "certificate-authority-data",
					      "tls-server-name", "proxy-url",
					      NULL };
static const char *const context_fields[] = { "cluster", "user", "namespace",
					      NULL };

/* The parts that a credential has one each of. */
struct parts {
	struct kubeconfig_entry cluster, context, user;
};

static int read_all(int fd, off_t size, char *text, struct err *err)
{
	struct source_file source;
	size_t have = 0;
	ssize_t n = 1;

	source_file_init(&source, fd, 0, (uint64_t)size);
	while (n > 0) {
		n = source_read(&source.source, text + have,
				(size_t)size - have, err);
		have += n > 0 ? (size_t)n : 0;
		if (have == (size_t)size)
			return 0;
	}
	return n < 0 ? -1 : 0;
}

/* Not by way of a pipe or a device, which another user could put there. */
static char *read_text(struct wlm_file *file, const char *path, struct err *err)
{
	struct stat st;
	autoclose int fd = file_open_regular(AT_FDCWD, path, &st, err);
	off_t size;
	char *text;

	if (fd < 0)
		return NULL;
	if (st.st_size > FILE_MAX_BYTES) {
		err_set(err, ERR_INVALID,
			"'%s' is not a kubeconfig: it is longer than 1 MiB",
			path);
		return NULL;
	}
	size = st.st_size;
	file->mode = st.st_mode & 07777;
	file->link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
	text = mem_alloc((size_t)size + 1);
	if (read_all(fd, size, text, err) == 0)
		return text;
	mem_free_secret(text);
	err_wrap(err, "read '%s'", path);
	return NULL;
}

static int check_fields(const struct kubeconfig_entry *entry, const char *kind,
			const char *const *allowed, struct err *err)
{
	for (void *it = jval_first(entry->value); it;
	     it = jval_next(entry->value, it)) {
		const char *field = jval_member_name(it);
		size_t i = 0;

		while (allowed[i] && !str_eq(allowed[i], field))
			i++;
		if (allowed[i] == NULL && !jval_is_null(jval_member_value(it)))
			return err_set(err, ERR_USAGE,
				       "'%s' is no file of 'dws-csm wlm "
				       "create': its %s '%s' has '%s', so "
				       "nothing of it was used",
				       entry->file, kind, entry->name, field);
	}
	return 0;
}

/* The only item of a list such as `users`. */
static int only_one(const struct jval *config, const char *kind,
		    struct kubeconfig_entry *entry, struct err *err)
{
	autofree char *list_name = mem_printf("%ss", kind);
	const struct jval *list = jval_get(config, list_name);
	const struct jval *item = jval_at(list, 0);

	if (jval_len(list) > 1)
		return err_set(err, ERR_USAGE,
			       "'%s' is no file of 'dws-csm wlm create': it "
			       "has %zu %s, not one",
			       entry->file, jval_len(list), list_name);
	entry->name = jval_str(item, "name");
	entry->value = jval_get(item, kind);
	if (entry->name == NULL || !jval_is_object(entry->value))
		return err_set(err, ERR_INVALID,
			       "'%s' is not a kubeconfig: it has no %s",
			       entry->file, kind);
	return 0;
}

static int find_parts(struct parts *parts, const struct jval *config,
		      const char *path, struct err *err)
{
	parts->cluster.file = parts->context.file = parts->user.file = path;
	if (only_one(config, "cluster", &parts->cluster, err) < 0 ||
	    only_one(config, "context", &parts->context, err) < 0 ||
	    only_one(config, "user", &parts->user, err) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++)
		if (!jval_str(parts->user.value, user_fields[i]))
			return err_set(err, ERR_INVALID,
				       "'%s' has no client certificate with "
				       "its key (no '%s')",
				       path, user_fields[i]);
	if (check_fields(&parts->user, "user", user_fields, err) < 0 ||
	    check_fields(&parts->cluster, "cluster", cluster_fields, err) < 0 ||
	    check_fields(&parts->context, "context", context_fields, err) < 0)
		return -1;
	if (!str_eq(jval_str(config, "current-context"), parts->context.name) ||
	    !str_eq(jval_str(parts->context.value, "cluster"),
		    parts->cluster.name) ||
	    !str_eq(jval_str(parts->context.value, "user"), parts->user.name) ||
	    str_empty(jval_str(parts->cluster.value, "server")))
		return err_set(err, ERR_INVALID,
			       "'%s' is not complete: its current context has "
			       "no server or no user",
			       path);
	return 0;
}

static int look_at_pair(struct wlm_file *file, const struct x509_pair *pair,
			struct err *err)
{
	auto_x509_look struct x509_look look = { 0 };

	if (x509_pair_check(pair, &file->key_type, err) < 0 ||
	    x509_look(&look, pair->cert_pem, err) < 0)
		return -1;
	file->user = mem_steal(&look.subject);
	file->until = look.not_after;
	return 0;
}

static int use_parts(struct wlm_file *file, const struct parts *parts,
		     const char *path, struct err *err)
{
	auto_x509_pair struct x509_pair pair = { 0 };
	autofree char *ca_pem = NULL;
	autofree char *origin = mem_printf("'%s'", path);
	const struct jval *cluster = parts->cluster.value;
	struct kubeconfig_parts made = {
		.cluster = parts->cluster.name,
		.user = parts->user.name,
		.ns = jval_str(parts->context.value, "namespace"),
		.server = jval_str(cluster, "server"),
		.tls_server_name = jval_str(cluster, "tls-server-name"),
		.proxy = jval_str(cluster, "proxy-url"),
	};

	if (kubeconfig_pem(&parts->user, "client-certificate", &pair.cert_pem,
			   NULL, err) < 0 ||
	    kubeconfig_pem(&parts->user, "client-key", &pair.key_pem, NULL,
			   err) < 0 ||
	    kubeconfig_pem(&parts->cluster, "certificate-authority", &ca_pem,
			   NULL, err) < 0)
		return -1;
	if (look_at_pair(file, &pair, err) < 0)
		return err_wrap(err, "'%s'", path);
	made.cert_pem = pair.cert_pem;
	made.key_pem = pair.key_pem;
	made.ca_pem = ca_pem;
	file->config = kube_config_of_parts(&made, origin);
	return 0;
}

int wlm_file_read(struct wlm_file *file, const char *path, struct err *err)
{
	autojval struct jval *documents = NULL;
	struct parts parts = { .user = { .name = NULL } };
	char *text = read_text(file, path, err);

	if (text == NULL)
		return -1;
	documents = yaml_parse_all(text, strlen(text), err);
	mem_free_secret(text);
	if (documents == NULL)
		return err_wrap(err, "read kubeconfig '%s'", path);
	if (find_parts(&parts, jval_at(documents, 0), path, err) < 0)
		return -1;
	return use_parts(file, &parts, path, err);
}

void wlm_file_release(struct wlm_file *file)
{
	free(file->user);
	kube_config_free(file->config);
	memset(file, 0, sizeof(*file));
}

int wlm_file_check_user(const struct wlm_file *file, const char *path,
			struct err *err)
{
	if (str_eq(file->user, "CN=" WLM_USER))
		return 0;
	return err_set(err, ERR_USAGE,
		       "'%s' is the credential of '%s', not of 'CN=" WLM_USER
		       "'",
		       path, file->user);
}

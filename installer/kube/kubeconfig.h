/*
 * kubeconfig - the files, read and merged.
 *
 * Clusters, contexts and users by name; the first file that has a name wins
 * with all that it says about it, and so does the first current-context.
 * Each entry remembers its file, which relative paths start from.
 *
 * Source: Kubernetes docs, "Organizing Cluster Access Using kubeconfig
 * Files", "Merging kubeconfig files"; kubeconfig (v1) reference.
 */
#ifndef KUBE_KUBECONFIG_H
#define KUBE_KUBECONFIG_H

#include "base/err.h"
#include "base/strs.h"
#include "format/jval.h"

struct kubeconfig;

struct kubeconfig_entry {
	const char *name;
	const struct jval *value;
	const char *file;
};

struct kubeconfig *kubeconfig_new(void) must_check;
void kubeconfig_free(struct kubeconfig *self);

/* Merge in the file at `path`; ERR_NOT_FOUND when there is none. */
int kubeconfig_add_file(struct kubeconfig *self, const char *path,
			struct err *err) must_check;

/* What was read: "'a', 'b'". Borrowed until the next file is added. */
const char *kubeconfig_origin(const struct kubeconfig *self);
const char *kubeconfig_current_context(const struct kubeconfig *self);

/* `kind` is "cluster", "context" or "user"; ERR_INVALID says which there
 * are, and who asks for it (`by`, or NULL). */
int kubeconfig_find(const struct kubeconfig *self, const char *kind,
		    const char *name, const char *by,
		    struct kubeconfig_entry *entry, struct err *err) must_check;

/* "a, b", or "none"; the caller's. */
char *kubeconfig_names(const struct kubeconfig *self, const char *kind)
	must_check;

/* `path` as seen from `file`; the caller's. */
char *kubeconfig_resolve(const char *file, const char *path) must_check;

/* PEM text of field `<field>-data` (base64), else of the file that `field`
 * names; *pem stays NULL where the entry has neither. `from` (may be NULL)
 * gets what it was, for messages. Both are the caller's. */
int kubeconfig_pem(const struct kubeconfig_entry *entry, const char *field,
		   char **pem, char **from, struct err *err) must_check;

#endif

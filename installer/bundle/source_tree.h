/*
 * source_tree - upstream's source of DWS on the host where bundles are made.
 *
 * A checkout or an archive of one. It is rendered as upstream's own overlay
 * for CSM has it, by kustomize or kubectl, whichever is there; an archive is
 * unpacked into a directory of its own until source_tree_close.
 */
#ifndef BUNDLE_SOURCE_TREE_H
#define BUNDLE_SOURCE_TREE_H

#include <stdbool.h>

#include "base/err.h"
#include "format/jval.h"

struct source_tree {
	char *dir;	 /* of the tree */
	char *temporary; /* to be removed, or NULL */
};

/* ERR_NOT_FOUND; ERR_INVALID for what is neither a directory nor an
 * archive. */
int source_tree_open(struct source_tree *tree, const char *path,
		     struct err *err) must_check;
void source_tree_close(struct source_tree *tree);

/* All objects, an array; and the ServiceMonitor and the role of workload
 * managers that upstream applies apart. ERR_NOT_FOUND where there is no
 * program to render with. */
struct jval *source_tree_render(const struct source_tree *tree, struct err *err)
	must_check;

/* The commit that is checked out, and the version by `git describe`; owned,
 * NULL where it is no checkout or git is not there. */
char *source_tree_commit(const struct source_tree *tree) must_check;
char *source_tree_version(const struct source_tree *tree) must_check;

#define auto_source_tree __attribute__((cleanup(source_tree_close)))

#endif

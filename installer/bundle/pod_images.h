/*
 * pod_images - the images that an object runs, wherever its containers are.
 *
 * Containers are the elements of any list `containers` or `initContainers`
 * at any depth, as kustomize has it: Deployments and CronJobs, but custom
 * resources as well. CRDs only describe such lists and are left alone.
 */
#ifndef BUNDLE_POD_IMAGES_H
#define BUNDLE_POD_IMAGES_H

#include "format/jval.h"

/* `change` is told each image (borrowed) and gives the one to take in its
 * place, to be freed, or NULL: it stays. */
void pod_images_change(struct jval *object,
		       char *(*change)(void *ctx, const char *image),
		       void *ctx);

#endif

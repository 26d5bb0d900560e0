/*
 * host_time - the host's time zone in pods, and how to leave it out.
 *
 * From 0.1.9 on DWS mounts /etc/localtime and /usr/share/zoneinfo of the node
 * into its pods, for the times in its log. They are hostPath volumes, which
 * Pod Security "baseline" and many a site's policy forbid. Without them the
 * pods run in UTC and do all the same.
 *
 * Pure. Other hostPath volumes (an overlay's) are none of its business.
 */
#ifndef BUNDLE_HOST_TIME_H
#define BUNDLE_HOST_TIME_H

#include <stdbool.h>

#include "format/jval.h"

/* Whether it is a Deployment whose pods mount the host's time zone. */
bool host_time_mounted(const struct jval *object);

/* Take these volumes and their mounts out of a Deployment. */
void host_time_strip(struct jval *object);

/* Likewise out of all Deployments of an array. */
void host_time_strip_all(struct jval *objects);

#endif

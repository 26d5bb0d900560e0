/*
 * survey - what stands in the cluster before anything is changed.
 *
 * Recognises DWS by its objects, whoever put it there: our own record, the
 * label app.kubernetes.io/version, or the tag of the image.
 */
#ifndef TXN_SURVEY_H
#define TXN_SURVEY_H

#include "kube/client.h"
#include "kube/discovery.h"

struct survey {
	const char *server_version; /* "v1.20.2"; borrowed from discovery */
	int server_minor;
	struct strs cert_manager; /* served versions */
	bool service_monitor;

	struct jval *namespace;	 /* dws-system, or NULL */
	struct jval *crds;	 /* of the group of DWS; array */
	struct jval *controller; /* Deployment, or NULL */
	struct jval *webhook;	 /* Deployment, or NULL */
	struct jval *records;	 /* array, oldest first */
	bool present;		 /* any of CRDs and Deployments is there */
	char *version;		 /* of what stands, or NULL = cannot be told */
};

#define SURVEY_INIT              \
	{                        \
		.present = false \
	}

int survey_take(struct survey *survey, struct kube *kube,
		struct discovery *discovery, struct err *err) must_check;
void survey_release(struct survey *survey);

/* The newest record, or NULL. Borrowed. */
struct jval *survey_record(const struct survey *survey);

/* 1 when an object of that kind and name is in the cluster; 0 also where its
 * kind is not served. */
int object_exists(struct kube *kube, struct discovery *discovery,
		  const struct jval *object, struct err *err) must_check;

/* The nodes on which a pod can be scheduled (neither cordoned nor tainted
 * NoSchedule), for the webhook's anti-affinity; -1 when it cannot be told. */
int survey_schedulable_nodes(struct kube *kube);

#define auto_survey __attribute__((cleanup(survey_release)))

#endif

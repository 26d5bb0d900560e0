/*
 * names - what DWS and dws-csm call their things in a cluster.
 */
#ifndef TXN_NAMES_H
#define TXN_NAMES_H

#define DWS_NAMESPACE "dws-system"
#define DWS_GROUP "dataworkflowservices.github.io"
/* At which the newest release that we know stores its resources. */
#define DWS_NEWEST_VERSION "v1alpha7"
#define DWS_CONTROLLER "dws-controller-manager"
#define DWS_WEBHOOK "dws-webhook"
#define DWS_SERVING_SECRET "webhook-server-cert"

/* On all Secrets of ours; its value says what is in them. */
#define RECORD_LABEL "dws-csm.io/record"

#define CRD_API_VERSION "apiextensions.k8s.io/v1"
#define CRD_PATH "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

#endif

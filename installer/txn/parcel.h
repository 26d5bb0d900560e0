/*
 * parcel - a JSON value of ours, kept in the cluster: gzip in a Secret.
 *
 * What it is ("release", "journal") is the value of the label
 * dws-csm.io/record, part of the Secret's type ("dws-csm.io/release.v1") and
 * the name of its one datum.
 */
#ifndef TXN_PARCEL_H
#define TXN_PARCEL_H

#include "format/jval.h"
#include "txn/names.h"

#define PARCEL_SECRETS "/api/v1/namespaces/" DWS_NAMESPACE "/secrets"

/* The Secret `name` of dws-system that holds `value`; the caller's.
 * ERR_INVALID when it is too large. */
struct jval *parcel_wrap(const char *name, const char *what,
			 const struct jval *value, struct err *err) must_check;

/* What is in it; the caller's. ERR_INVALID names the Secret. */
struct jval *parcel_open(const struct jval *secret, const char *what,
			 struct err *err) must_check;

#endif

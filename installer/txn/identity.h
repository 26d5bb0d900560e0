/*
 * identity - who we are, for those who find what we left: the user, the host,
 * this very process; and names for what we begin.
 */
#ifndef TXN_IDENTITY_H
#define TXN_IDENTITY_H

#include "format/jval.h"

/* The name that was logged in with, "root", or "uid N"; the caller's. */
char *identity_user(void) must_check;

/* The host's name; the caller's. */
char *identity_host(void) must_check;

/* "20261123t035500z-1a2b", for a transaction or a backup; the caller's. */
char *identity_new_id(void) must_check;

/*
 * {host, boot, pidNamespace, pid, start}, all strings: what tells this process
 * from every other, also from a later one with its number. What cannot be
 * found out is missing.
 *
 * Source: proc_pid_stat(5) (starttime), random(4) (boot_id), namespaces(7).
 */
struct jval *identity_process(void) must_check;

/* Whether that process lives: 1, 0, or -1 where it cannot be told from here:
 * it was on another host, in another container, or before a restart. */
int identity_alive(const struct jval *process) must_check;

#endif

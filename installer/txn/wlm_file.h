/*
 * wlm_file - the kubeconfig of the workload manager, read.
 *
 * The file belongs to another user than the administrator who looks at it. So
 * it is read once, from one descriptor, and what dws-csm never writes into it
 * is refused (a program to run, other files, tokens, a second user): nothing
 * of it is run, and no other file read.
 */
#ifndef TXN_WLM_FILE_H
#define TXN_WLM_FILE_H

#include <stdbool.h>
#include <time.h>

#include "base/x509.h"
#include "kube/config.h"

struct wlm_file {
	enum x509_key_type key_type;
	char *user; /* of the certificate: "CN=slurm-dws" */
	time_t until;
	unsigned int mode; /* of the file: 0600 */
	bool link;	   /* the name is a symbolic link to it */
	struct kube_config *config;
};

/* ERR_NOT_FOUND; ERR_INVALID where it holds no client certificate; ERR_USAGE
 * where it holds more than `wlm create` writes. */
int wlm_file_read(struct wlm_file *file, const char *path, struct err *err)
	must_check;
void wlm_file_release(struct wlm_file *file);

/* Whether its certificate is of the workload manager, else ERR_USAGE. */
int wlm_file_check_user(const struct wlm_file *file, const char *path,
			struct err *err) must_check;

#define auto_wlm_file __attribute__((cleanup(wlm_file_release)))

#endif

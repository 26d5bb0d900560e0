/*
 * csm - a Slurm that runs in a pod of CSM: its configuration, and slurmctld.
 *
 * ConfigMap slurm-config-templates (namespace services) holds the files; the
 * Job slurm-config renders them, and Deployment slurmctld (namespace user)
 * reads them when its pod starts. A change is put into the ConfigMap, the Job is
 * made anew, the Deployment restarted. Until all is done an annotation of the
 * ConfigMap says so, so that what was interrupted goes on.
 *
 *	csm_read(&csm, kube, err)
 *	next = csm_config(csm.config, TYPE_LUA, &notes, err)
 *	if (csm_is_current(&csm, next)) nothing is to be done
 *	csm_put(&csm, next, err), csm_roll(&csm, &options, err)
 *
 * Source: Kubernetes API, "Job", "Deployment"; kubectl rollout restart.
 */
#ifndef SLURM_CSM_H
#define SLURM_CSM_H

#include "kube/client.h"
#include "kube/wait.h"

#define CSM_NAMESPACE "services"
#define CSM_CONFIG "slurm-config-templates"
#define CSM_JOB "slurm-config"
#define CSM_SLURM_NAMESPACE "user"
#define CSM_SLURMCTLD "slurmctld"

struct csm {
	struct kube *kube;
	struct jval *config; /* as the server has it */
	struct jval *job;
	struct jval *slurmctld;
};

/* ERR_BLOCKED where one of them is not there. */
int csm_read(struct csm *csm, struct kube *kube, struct err *err) must_check;
void csm_release(struct csm *csm);

/* Whether the ConfigMap is `next`, and slurmctld has read it. */
bool csm_is_current(const struct csm *csm, const struct jval *next);

/* Where an earlier run that did not come to its end has kept what was; NULL
 * where there was none. Borrowed. */
const char *csm_kept(const struct csm *csm);

/* Replace the ConfigMap with `next`, which was made of it; what it was is in the
 * file `kept`. ERR_LOCKED where somebody else changed it since. */
int csm_put(struct csm *csm, const struct jval *next, const char *kept,
	    struct err *err) must_check;

/* Have the same data again as an earlier one, whatever it is now. */
int csm_put_back(struct csm *csm, const struct jval *old, const char *kept,
		 struct err *err) must_check;

/* The Job anew, and then slurmctld, which must come up and stay up. */
int csm_roll(struct csm *csm, const struct wait_options *wait, struct err *err)
	must_check;

#define auto_csm __attribute__((cleanup(csm_release)))

#endif

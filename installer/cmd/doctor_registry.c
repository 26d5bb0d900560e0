#include "cmd/cmd.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/findings.h"
#include "registry/doctor.h"

/* The registry with its credentials; where they cannot be had, without them,
 * and `why` says so: much can be looked at all the same. */
static struct registry *open_registry(const struct settings *settings,
				      const struct site_ca *ca,
				      struct cluster *cluster, char **why,
				      struct err *err)
{
	autofree char *host = mem_strndup(settings->registry,
					  strcspn(settings->registry, "/"));
	const struct registry_options anonymous = {
		.host = host,
		.ca_pem = site_ca_pem(ca),
		.ca_name = ca->name,
	};
	bool asked = !settings->registry_username && !settings->authfile;
	struct registry *registry;

	if (asked && cluster_open(cluster, settings, err) < 0) {
		log_verbose("%s", err->msg);
		err_clear(err);
		asked = false;
	}
	registry =
		site_registry_open(settings, ca, asked ? cluster : NULL, err);
	if (registry || err->kind == ERR_USAGE || err->kind == ERR_INTERRUPTED)
		return registry;
	*why = mem_strndup(err->msg, strcspn(err->msg, ";"));
	err_clear(err);
	return registry_new(&anonymous, err);
}

static int tell(const struct doctor *doctor, const struct settings *settings,
		struct err *err)
{
	size_t faults = doctor_faults(doctor);
	int status =
		findings_tell(doctor->finding, CHECK_NR, settings->output, err);

	if (status < 0 || faults == 0)
		return status;
	return err_set(err, ERR_REGISTRY, "registry '%s' has %zu fault%s",
		       settings->registry, faults, faults > 1 ? "s" : "");
}

static int doctor_registry_main(struct settings *settings,
				const struct strs *args, struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	auto_site_ca struct site_ca ca = { 0 };
	const char *slash = strchr(settings->registry, '/');
	autofree char *why = NULL;
	struct registry *registry;
	struct doctor doctor;
	int status;

	(void)args;
	if (site_ca_load(settings, &ca, err) < 0)
		return -1;
	registry = open_registry(settings, &ca, &cluster, &why, err);
	if (registry == NULL)
		return -1;
	doctor_init(&doctor);
	status = doctor_run(&doctor, registry,
			    &(struct doctor_options){
				    .prefix = slash ? slash + 1 : "",
				    .without_credentials = why,
				    .site_ca_pem = site_ca_pem(&ca),
				    .site_ca_name = ca.name,
				    .write = !settings->no_write,
			    },
			    err);
	if (status == 0)
		status = tell(&doctor, settings, err);
	doctor_release(&doctor);
	registry_free(registry);
	return status;
}

const struct command cmd_doctor_registry = {
	.name = "doctor registry",
	.summary = "find out what is wrong with the site's registry",
	.chapter = CHAPTER_DOCTOR,
	.groups = GROUP_DOCTOR | GROUP_REGISTRY | GROUP_CLUSTER | GROUP_OUTPUT,
	.run = doctor_registry_main,
};

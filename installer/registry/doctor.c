#include "registry/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "registry/doctor_part.h"
#include "registry/fault.h"

static const char *const check_names[] = {
	[CHECK_ADDRESS] = "address",
	[CHECK_CONNECTION] = "connection",
	[CHECK_TLS] = "tls",
	[CHECK_CERTIFICATE] = "certificate",
	[CHECK_NAME] = "name",
	[CHECK_VALIDITY] = "validity",
	[CHECK_CLOCK] = "clock",
	[CHECK_API] = "api",
	[CHECK_CREDENTIALS] = "credentials",
	[CHECK_WRITE] = "write",
	[CHECK_LOCATION] = "location",
	[CHECK_RESUME] = "resume",
	[CHECK_BLOB] = "blob",
	[CHECK_SPEED] = "speed",
	[CHECK_MOUNT] = "mount",
	[CHECK_MANIFEST] = "manifest",
	[CHECK_REPLACE] = "replace",
	[CHECK_DELETE] = "delete",
	[CHECK_LEFT] = "left behind",
};

const char *check_name(enum check check)
{
	return check_names[check];
}

void doctor_init(struct doctor *doctor)
{
	memset(doctor, 0, sizeof(*doctor));
}

void doctor_release(struct doctor *doctor)
{
	for (size_t i = 0; i < CHECK_NR; i++)
		finding_release(&doctor->finding[i]);
	doctor_init(doctor);
}

size_t doctor_faults(const struct doctor *doctor)
{
	size_t nr = 0;

	for (size_t i = 0; i < CHECK_NR; i++)
		nr += doctor->finding[i].status == FINDING_FAULT;
	return nr;
}

/* Where what was seen goes; NULL where something as bad was seen before. */
static struct finding *worse(struct doctor *doctor, enum check check,
			     enum finding_status status)
{
	struct finding *finding = &doctor->finding[check];

	if (finding->seen && finding->status >= status)
		return NULL;
	finding_release(finding);
	return finding;
}

void doctor_note(struct doctor *doctor, enum check check,
		 enum finding_status status, const char *remedy,
		 const char *fmt, ...)
{
	struct finding *finding = worse(doctor, check, status);
	va_list args;

	if (finding == NULL)
		return;
	va_start(args, fmt);
	finding_set(finding, check_names[check], status, remedy, fmt, args);
	va_end(args);
}

void doctor_skip(struct doctor *doctor, enum check first, enum check last,
		 const char *why)
{
	for (enum check check = first; check <= last; check++)
		doctor_note(doctor, check, FINDING_SKIPPED, NULL, "%s", why);
}

void doctor_note_err(struct doctor *doctor, enum check check,
		     const struct err *err)
{
	struct finding *finding = worse(doctor, check, FINDING_FAULT);

	if (finding)
		finding_set_err(finding, check_names[check], FINDING_FAULT,
				err);
}

/* What a Nexus calls it where an administrator sets it right. */
static const char *nexus_remedy(const struct http_response *response)
{
	switch (response->status) {
	case 401:
		return "in Nexus: switch the 'Docker Bearer Token Realm' on "
		       "(Security, Realms), and give the user the right "
		       "nx-repository-view-docker-*-*";
	case 403:
		return "in Nexus: give the user the right "
		       "nx-repository-view-docker-*-* on this repository";
	case 404:
		return "in Nexus: push to a hosted repository, not to a proxy "
		       "or a group, at the port of its own connector or with "
		       "its name as the prefix";
	case 400:
	case 405:
		return "in Nexus: the repository's deployment policy must be "
		       "'Allow redeploy'";
	default:
		return NULL;
	}
}

void doctor_note_answer(struct doctor_run *run, enum check check,
			enum finding_status status,
			const struct http_response *response, const char *what)
{
	const char *remedy = run->nexus ? nexus_remedy(response) : NULL;
	autofree char *said = registry_answer_text(response);

	if (remedy == NULL)
		remedy = registry_remedy(run->session, response);
	doctor_note(run->doctor, check, status, remedy, "%s: %s", what, said);
}

int doctor_run(struct doctor *doctor, struct registry *registry,
	       const struct doctor_options *options, struct err *err)
{
	struct doctor_run run = {
		.doctor = doctor,
		.session = registry_connect(registry),
		.options = options,
	};
	int result = doctor_reach(&run, err);
	bool inside = doctor->finding[CHECK_CREDENTIALS].status == FINDING_OK;

	if (!options->write)
		doctor_skip(doctor, CHECK_WRITE, CHECK_LEFT, "not wanted");
	else if (result == 0 && inside)
		result = doctor_write(&run, err);
	registry_disconnect(run.session);
	return result;
}

#include "base/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

const char *finding_status_name(enum finding_status status)
{
	static const char *const names[] = {
		[FINDING_SKIPPED] = "skipped",
		[FINDING_OK] = "ok",
		[FINDING_WARNING] = "warning",
		[FINDING_FAULT] = "fault",
	};

	return names[status];
}

void finding_release(struct finding *finding)
{
	free(finding->seen);
	free(finding->remedy);
}

void findings_release(struct findings *findings)
{
	for (size_t i = 0; i < findings->nr; i++)
		finding_release(&findings->item[i]);
	free(findings->item);
	findings->item = NULL;
	findings->nr = 0;
}

void finding_set(struct finding *finding, const char *check,
		 enum finding_status status, const char *remedy,
		 const char *fmt, va_list args)
{
	finding->check = check;
	finding->status = status;
	finding->remedy = mem_strdup(remedy);
	if (vasprintf(&finding->seen, fmt, args) < 0)
		abort();
}

void finding_set_err(struct finding *finding, const char *check,
		     enum finding_status status, const struct err *err)
{
	const char *remedy = strstr(err->msg, "; ");

	finding->check = check;
	finding->status = status;
	finding->remedy = remedy ? mem_strdup(remedy + 2) : NULL;
	finding->seen =
		mem_strndup(err->msg, remedy ? (size_t)(remedy - err->msg) :
					       strlen(err->msg));
}

static struct finding *add(struct findings *findings)
{
	findings->item = mem_resize(findings->item, findings->nr + 1,
				    sizeof(*findings->item));
	return &findings->item[findings->nr++];
}

void finding_add(struct findings *findings, const char *check,
		 enum finding_status status, const char *remedy,
		 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	finding_set(add(findings), check, status, remedy, fmt, args);
	va_end(args);
}

void finding_add_err(struct findings *findings, const char *check,
		     enum finding_status status, const struct err *err)
{
	finding_set_err(add(findings), check, status, err);
}

const struct finding *findings_fault(const struct findings *findings,
				     const char *check)
{
	for (size_t i = 0; i < findings->nr; i++) {
		const struct finding *finding = &findings->item[i];

		if (finding->status == FINDING_FAULT &&
		    (check == NULL || str_eq(finding->check, check)))
			return finding;
	}
	return NULL;
}

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

void findings_release(struct findings *findings)
{
	for (size_t i = 0; i < findings->nr; i++) {
		free(findings->item[i].seen);
		free(findings->item[i].remedy);
	}
	free(findings->item);
	findings->item = NULL;
	findings->nr = 0;
}

void finding_add(struct findings *findings, const char *check,
		 enum finding_status status, const char *remedy,
		 const char *fmt, ...)
{
	struct finding *finding;
	va_list args;

	findings->item = mem_resize(findings->item, findings->nr + 1,
				    sizeof(*findings->item));
	finding = &findings->item[findings->nr++];
	finding->check = check;
	finding->status = status;
	finding->remedy = mem_strdup(remedy);
	va_start(args, fmt);
	if (vasprintf(&finding->seen, fmt, args) < 0)
		abort();
	va_end(args);
}

void finding_add_err(struct findings *findings, const char *check,
		     enum finding_status status, const struct err *err)
{
	const char *remedy = strstr(err->msg, "; ");
	int len = remedy ? (int)(remedy - err->msg) : (int)strlen(err->msg);

	finding_add(findings, check, status, remedy ? remedy + 2 : NULL, "%.*s",
		    len, err->msg);
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

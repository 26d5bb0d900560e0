/* Whatever squeue and scontrol print, a job is a number, what goes on to a
 * terminal is fit for it, and no line is read as a part of another one. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "base/utf8.h"
#include "slurm/control.h"
#include "slurm/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_shown(const char *text)
{
	autofree char *clean = text ? mem_strdup(text) : NULL;

	if (clean == NULL)
		return;
	utf8_clean(clean);
	if (strcmp(clean, text) != 0)
		abort();
}

static void check_numbers(const struct strs *jobs)
{
	for (size_t i = 0; i < jobs->nr; i++) {
		const char *job = jobs->item[i];

		if (*job == '\0' || job[strspn(job, "0123456789")] != '\0')
			abort();
	}
}

/* Read once more they are the same. */
static void read_jobs(const char *text)
{
	auto_strs struct strs jobs = STRS_INIT;
	size_t nr;

	control_parse_queue(text, &jobs);
	control_parse_buffers(text, &jobs);
	check_numbers(&jobs);
	nr = jobs.nr;
	control_parse_queue(text, &jobs);
	control_parse_buffers(text, &jobs);
	if (jobs.nr != nr)
		abort();
}

static void read_look(const char *text)
{
	auto_job_look struct job_look look = { .state = NULL };

	if (!job_look_parse(text, &look)) {
		if (look.state || look.nodes || look.reason)
			abort();
		return;
	}
	if (*look.state == '\0' || strchr(look.state, '|') ||
	    strchr(look.nodes, '|'))
		abort();
	check_shown(look.state);
	check_shown(look.nodes);
	check_shown(look.reason);
}

static void read_facts(const char *text)
{
	auto_job_facts struct job_facts facts = { .exit_code = NULL };
	autofree char *value = control_parse(text, "BurstBufferType");

	if (value && strpbrk(value, " \r\n"))
		abort();
	job_facts_parse(text, &facts);
	check_shown(facts.exit_code);
	check_shown(facts.comment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = mem_strndup((const char *)data, size);

	read_jobs(text);
	read_look(text);
	read_facts(text);
	return 0;
}

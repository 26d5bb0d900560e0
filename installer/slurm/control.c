#include "slurm/control.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strs.h"
#include "slurm/program.h"

#define PATIENCE_MS 20000
#define POLL_MS 300
#define RESTART_MS 180000
#define QUEUE_MAX_BYTES ((size_t)256 << 20)

static const char *first_line(const struct buf *text, size_t *len)
{
	const char *line = buf_str(text);

	line += strspn(line, " \r\n");
	*len = strcspn(line, "\r\n");
	return line;
}

/* Run a program of Slurm on the configuration of the site. */
static int call(const struct site *site, char *const *words, int64_t timeout_ms,
		struct proc_result *result, struct err *err)
{
	autofree char *program = program_find_here(words[0]);
	autofree char *conf = mem_printf("SLURM_CONF=%s", site->path);
	auto_strs struct strs argv = STRS_INIT;
	struct proc_request request = { .max_bytes = QUEUE_MAX_BYTES,
					.timeout_ms = timeout_ms };
	const char *line;
	size_t len;

	if (program == NULL)
		return err_set(err, ERR_BLOCKED,
			       "there is no %s on this host; install Slurm's "
			       "client programs",
			       words[0]);
	program_forget_habits();
	strs_add(&argv, program);
	for (size_t i = 1; words[i]; i++)
		strs_add(&argv, words[i]);
	request.argv = argv.item;
	request.env = (char *[]){ conf, NULL };
	if (proc_run(&request, result, err) < 0)
		return -1;
	if (result->status == 0)
		return 0;
	line = first_line(result->err.len ? &result->err : &result->out, &len);
	/* It never came to asking. slurmctld would not start with it either. */
	if (strstr(buf_str(&result->err), "Unable to process configuration"))
		return err_set(err, ERR_INVALID,
			       "Slurm refuses '%s', or a file that it "
			       "includes: %.*s",
			       site->path, (int)len, line);
	return err_set(err, ERR_BLOCKED, "slurmctld does not answer: %.*s",
		       (int)len, line);
}

char *control_parse(const char *text, const char *name)
{
	auto_strs struct strs lines = STRS_INIT;

	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		const char *rest = str_after(lines.item[i], name);

		if (rest == NULL || (*rest != ' ' && *rest != '='))
			continue;
		rest += strspn(rest, " ");
		if (*rest++ != '=')
			continue;
		rest += strspn(rest, " ");
		if (str_starts(rest, "(null)"))
			return mem_strdup("");
		return mem_strndup(rest, strcspn(rest, " \r"));
	}
	return NULL;
}

static char *ask_setting(const struct site *site, const char *name,
			 int64_t timeout_ms, struct err *err)
{
	char *words[] = { "scontrol", "show", "config", NULL };
	auto_proc struct proc_result result = PROC_RESULT_INIT;
	char *value;

	if (call(site, words, timeout_ms, &result, err) < 0)
		return NULL;
	value = control_parse(buf_str(&result.out), name);
	return value ? value : mem_strdup("");
}

char *control_setting(const struct site *site, const char *name,
		      struct err *err)
{
	return ask_setting(site, name, PATIENCE_MS, err);
}

int control_wait(const struct site *site, enum type_meaning type,
		 int64_t timeout_ms, struct err *err)
{
	int64_t deadline = deadline_in_ms(timeout_ms);
	struct err last = ERR_INIT;

	for (;;) {
		/* scontrol itself tries for a while where nobody listens. */
		autofree char *value = ask_setting(
			site, "BurstBufferType",
			deadline_left_ms(deadline) + POLL_MS, &last);

		if (value && type_meaning(value) == type)
			return 0;
		if (value)
			err_set(&last, ERR_BLOCKED,
				"slurmctld still says BurstBufferType=%s",
				value);
		if (last.kind == ERR_INTERRUPTED) {
			*err = last;
			return -1;
		}
		if (deadline_left_ms(deadline) == 0) {
			*err = last;
			err->kind = ERR_TIMEOUT;
			return -1;
		}
		err_clear(&last);
		if (clock_sleep(POLL_MS, err) < 0)
			return -1;
	}
}

int control_restart(const char *command, struct err *err)
{
	auto_strs struct strs argv = STRS_INIT;
	auto_proc struct proc_result result = PROC_RESULT_INIT;
	struct proc_request request = { .timeout_ms = RESTART_MS };
	const char *line;
	size_t len;

	strs_split(&argv, command, ' ');
	if (argv.nr == 0)
		return err_set(err, ERR_USAGE, "the restart command is empty");
	request.argv = argv.item;
	if (proc_run(&request, &result, err) < 0)
		return -1;
	if (result.status == 0)
		return 0;
	line = first_line(result.err.len ? &result.err : &result.out, &len);
	return err_set(err, ERR_FAILED, "'%s' ended with exit status %d: %.*s",
		       command, result.status, (int)len, line);
}

/* The number that `text` begins with, up to its end or one of `ends`; anything
 * else tells of no job. */
static void add_number(struct strs *jobs, const char *text, const char *ends)
{
	size_t len = strspn(text, "0123456789");
	autofree char *job = mem_strndup(text, len);

	if (len > 0 && strchr(ends, text[len]) && !strs_has(jobs, job))
		strs_add(jobs, job);
}

void control_parse_queue(const char *text, struct strs *jobs)
{
	auto_strs struct strs lines = STRS_INIT;

	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.nr; i++)
		if (strchr(lines.item[i], '#'))
			add_number(jobs, lines.item[i], " #");
}

void control_parse_buffers(const char *text, struct strs *jobs)
{
	auto_strs struct strs lines = STRS_INIT;

	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		const char *line = lines.item[i];
		const char *id = str_after(line + strspn(line, " "), "JobID=");
		const char *raw = id ? strchr(id, '(') : NULL;

		if (id == NULL)
			continue;
		if (raw && raw < id + strcspn(id, " "))
			add_number(jobs, raw + 1, ")");
		else
			add_number(jobs, id, " ");
	}
}

int control_count_jobs(const struct site *site, size_t *nr, struct err *err)
{
	char *queue[] = { "squeue", "-h", "-a", "-O", "JobID:12,BurstBuffer:8",
			  NULL };
	char *buffers[] = { "scontrol", "show", "burst", NULL };
	auto_proc struct proc_result queued = PROC_RESULT_INIT;
	auto_proc struct proc_result left = PROC_RESULT_INIT;
	auto_strs struct strs jobs = STRS_INIT;
	struct err ignored = ERR_INIT;

	if (call(site, queue, PATIENCE_MS, &queued, err) < 0)
		return -1;
	control_parse_queue(buf_str(&queued.out), &jobs);
	/* Without a plugin there is nothing to show. */
	if (call(site, buffers, PATIENCE_MS, &left, &ignored) == 0)
		control_parse_buffers(buf_str(&left.out), &jobs);
	*nr = jobs.nr;
	return 0;
}

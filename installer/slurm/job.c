#include "slurm/job.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strs.h"
#include "base/utf8.h"

#define TIMEOUT_MS 30000
/* slurmctld may hold its locks for as long as the plugin may take to look at a
 * job, and sbatch tries for a while to get through to it. */
#define SUBMIT_TIMEOUT_MS 120000

const char *job_remedy(const char *said)
{
	static const struct {
		const char *words, *remedy;
	} known[] = {
		{ "Unable to contact slurm controller",
		  "is slurmctld running? 'scontrol ping' and its log tell" },
		{ "Burst Buffer permission denied",
		  "root may not have burst buffers: name another user with "
		  "--user" },
		{ "Invalid account",
		  "name an account of the user with --account; 'sacctmgr show "
		  "association' lists them" },
		{ "No partition specified",
		  "there is no default partition: name one with --partition" },
		{ "invalid partition",
		  "'sinfo' lists the partitions; name one with --partition" },
		{ "unge",
		  "is munged running here, with the key of slurmctld's host?" },
		{ "configuration source",
		  "there is no slurm.conf here: run this where sbatch works, "
		  "or set SLURM_CONF" },
		{ "slurm.conf",
		  "this host is not set up for Slurm: run this where sbatch "
		  "works" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strstr(said, known[i].words))
			return known[i].remedy;
	return NULL;
}

/* Lines of "sbatch: error: text" as one text. */
static char *said_of(const struct proc_result *result, const char *program)
{
	autofree char *error = mem_printf("%s: error: ", program);
	autofree char *plain = mem_printf("%s: ", program);
	auto_strs struct strs lines = STRS_INIT;
	auto_strs struct strs texts = STRS_INIT;
	char *text;

	strs_split(&lines, buf_str(&result->err), '\n');
	if (lines.nr == 0)
		strs_split(&lines, buf_str(&result->out), '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		const char *line = str_after(lines.item[i], error);

		line = line ? line : str_after(lines.item[i], plain);
		strs_add(&texts, line ? line : lines.item[i]);
	}
	text = strs_join(&texts, "; ");
	utf8_clean(text);
	return text;
}

static int run(const struct proc_request *request, struct proc_result *result,
	       struct err *err)
{
	if (proc_run(request, result, err) == 0)
		return 0;
	if (err->kind == ERR_NOT_FOUND) {
		err->kind = ERR_BLOCKED;
		err_hint(err, "the commands of Slurm are missing here: run "
			      "this where sbatch works, or add their folder to "
			      "PATH");
	} else if (err->kind == ERR_TIMEOUT) {
		err->kind = ERR_BLOCKED;
		err_hint(err, "is slurmctld running? 'scontrol ping' and its "
			      "log tell");
	}
	return -1;
}

/* A command of Slurm failed. */
static int refused(const struct proc_result *result, const char *program,
		   struct err *err)
{
	autofree char *said = said_of(result, program);
	const char *remedy = job_remedy(said);

	err_set(err, ERR_BLOCKED, "%s: %s", program,
		str_empty(said) ? "failed, and says nothing" : said);
	if (remedy)
		err_hint(err, "%s", remedy);
	return -1;
}

static int ask(char *const *argv, struct proc_result *result, struct err *err)
{
	const struct proc_request request = {
		.argv = argv,
		.timeout_ms = TIMEOUT_MS,
	};

	if (run(&request, result, err) < 0)
		return -1;
	return result->status == 0 ? 0 : refused(result, argv[0], err);
}

/* Under the name of somebody else. runuser resolves the name as the host does
 * it, which a static program cannot; it runs no shell. What our environment
 * holds is not the job's business. */
static void as_user(struct strs *argv, const char *user)
{
	static const char *const kept[] = { "PATH", "SLURM_CONF", "LANG" };

	if (user == NULL)
		return;
	strs_add(argv, "runuser");
	strs_add(argv, "-u");
	strs_add(argv, user);
	strs_add(argv, "--");
	strs_add(argv, "env");
	strs_add(argv, "-i");
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (getenv(kept[i]))
			strs_addf(argv, "%s=%s", kept[i], getenv(kept[i]));
}

/* Options of sbatch after which there is not one job to follow here. sbatch
 * takes beginnings of long ones. */
static const struct unfit {
	const char *name;
	size_t least; /* bytes of it that are enough */
	const char *letter;
	const char *why;
} unfits[] = {
	{ "--array", 4, "-a", "makes several jobs" },
	{ "--clusters", 9, "-M", "sends it to another cluster" },
	{ "--wait", 6, "-W", "waits for its end" },
};

static bool is_unfit(const char *word, const struct unfit *unfit)
{
	size_t len = strcspn(word, "=");

	if (!str_starts(word, "--"))
		return str_starts(word, unfit->letter);
	return len >= unfit->least && len <= strlen(unfit->name) &&
	       strncmp(word, unfit->name, len) == 0;
}

static int check_line(char *line, struct err *err)
{
	auto_strs struct strs words = STRS_INIT;

	for (char *c = line; *c; c++)
		if (strchr("\t\r\"'", *c))
			*c = ' ';
	strs_split(&words, line, ' ');
	for (size_t i = 1; i < words.nr; i++)
		for (size_t j = 0; j < ARRAY_SIZE(unfits); j++)
			if (is_unfit(words.item[i], &unfits[j]))
				return err_set(err, ERR_USAGE,
					       "the script's '#SBATCH %s' %s: "
					       "give one that is one job of "
					       "this cluster",
					       unfits[j].name, unfits[j].why);
	return 0;
}

int job_check_script(const char *script, size_t len, struct err *err)
{
	autofree char *text = mem_strndup(script, len);
	auto_strs struct strs lines = STRS_INIT;

	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		const char *first =
			lines.item[i] + strspn(lines.item[i], " \t\r");

		/* sbatch reads on behind empty lines and indented comments. */
		if (*first && *first != '#')
			break;
		if (str_starts(lines.item[i], "#SBATCH") &&
		    check_line(lines.item[i], err) < 0)
			return -1;
	}
	return 0;
}

static void add_option(struct strs *argv, const char *name, const char *value)
{
	if (value)
		strs_addf(argv, "--%s=%s", name, value);
}

/* "123", perhaps behind lines of a site's own; or "123;cluster". */
static char *parse_id(const char *text, const char **cluster)
{
	auto_strs struct strs lines = STRS_INIT;
	const char *line;
	size_t digits;

	strs_split(&lines, text, '\n');
	if (lines.nr == 0)
		return NULL;
	line = lines.item[lines.nr - 1];
	digits = strspn(line, "0123456789");
	if (digits == 0 || (line[digits] != '\0' && line[digits] != ';'))
		return NULL;
	*cluster = line[digits] ? strstr(text, line) + digits + 1 : NULL;
	return mem_strndup(line, digits);
}

/* That number means another job here: nothing may be done by it. */
static int far_away(const char *id, const char *cluster, struct err *err)
{
	autofree char *name = mem_strndup(cluster, strcspn(cluster, "\n"));

	return err_set(err, ERR_BLOCKED,
		       "sbatch sent the job to cluster '%s': 'scancel "
		       "--clusters=%s %s' ends it; submit on that cluster",
		       name, name, id);
}

static int sbatch_failed(const struct job_order *order,
			 const struct proc_result *result, struct err *err)
{
	if (order->user && str_starts(buf_str(&result->err), "runuser: "))
		return refused(result, "runuser", err);
	refused(result, "sbatch", err);
	return err_wrap(err, "the job was not accepted");
}

char *job_submit(const struct job_order *order, struct err *err)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	auto_strs struct strs argv = STRS_INIT;
	struct proc_request request = {
		.in = order->script,
		.in_len = order->len,
		.session = true,
		.timeout_ms = SUBMIT_TIMEOUT_MS,
	};
	const char *cluster = NULL;
	autofree char *id = NULL;
	bool deferred;
	int ran;

	as_user(&argv, order->user);
	strs_add(&argv, "sbatch");
	strs_add(&argv, "--parsable");
	add_option(&argv, "partition", order->partition);
	add_option(&argv, "account", order->account);
	add_option(&argv, "chdir", order->dir);
	add_option(&argv, "output", order->output);
	add_option(&argv, "error", order->output);
	request.argv = argv.item;
	deferred = interrupt_defer(true);
	ran = run(&request, &result, err);
	interrupt_defer(deferred);
	if (ran < 0) {
		err_hint(err, "'squeue' tells whether there is a job all the "
			      "same");
		return NULL;
	}
	if (result.status != 0) {
		(void)sbatch_failed(order, &result, err);
		return NULL;
	}
	id = parse_id(buf_str(&result.out), &cluster);
	if (id == NULL)
		err_set(err, ERR_BLOCKED,
			"sbatch names no job; 'squeue' tells whether there is "
			"one");
	if (cluster && far_away(id, cluster, err) < 0)
		return NULL;
	return mem_steal(&id);
}

bool job_look_parse(const char *text, struct job_look *look)
{
	const char *end = text + strcspn(text, "\n");
	const char *first = memchr(text, '|', (size_t)(end - text));
	const char *second;

	if (first == NULL || first == text)
		return false;
	second = memchr(first + 1, '|', (size_t)(end - first - 1));
	if (second == NULL)
		return false;
	look->state = mem_strndup(text, (size_t)(first - text));
	look->nodes = mem_strndup(first + 1, (size_t)(second - first - 1));
	look->reason = mem_strndup(second + 1, (size_t)(end - second - 1));
	utf8_clean(look->state);
	utf8_clean(look->nodes);
	utf8_clean(look->reason);
	return true;
}

int job_look(const char *id, struct job_look *look, struct err *err)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	auto_strs struct strs argv = STRS_INIT;
	struct err failure = ERR_INIT;

	strs_add(&argv, "squeue");
	strs_add(&argv, "--noheader");
	strs_add(&argv, "--states=all");
	strs_addf(&argv, "--jobs=%s", id);
	strs_add(&argv, "--format=" JOB_LOOK_FORMAT);
	if (ask(argv.item, &result, &failure) < 0) {
		if (strstr(failure.msg, "Invalid job id"))
			return 0;
		*err = failure;
		return -1;
	}
	return job_look_parse(buf_str(&result.out), look);
}

void job_look_release(struct job_look *look)
{
	free(mem_steal(&look->state));
	free(mem_steal(&look->nodes));
	free(mem_steal(&look->reason));
}

bool job_state_is_final(const char *state)
{
	static const char *const final[] = {
		"COMPLETED", "FAILED",	      "CANCELLED", "TIMEOUT",
		"NODE_FAIL", "PREEMPTED",     "BOOT_FAIL", "DEADLINE",
		"REVOKED",   "OUT_OF_MEMORY",
	};

	for (size_t i = 0; i < ARRAY_SIZE(final); i++)
		if (str_eq(state, final[i]))
			return true;
	return false;
}

/* A line "   NAME=VALUE" of scontrol's. */
static const char *line_value(const char *line, const char *name)
{
	const char *rest;

	line += strspn(line, " ");
	rest = str_after(line, name);
	return rest && *rest == '=' ? rest + 1 : NULL;
}

void job_facts_parse(const char *text, struct job_facts *facts)
{
	auto_strs struct strs lines = STRS_INIT;
	auto_strs struct strs comments = STRS_INIT;

	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		const char *line = lines.item[i];
		const char *code = strstr(line, " ExitCode=");
		const char *value = line_value(line, "SystemComment");

		if (value == NULL)
			value = line_value(line, "AdminComment");
		if (value)
			strs_add(&comments, value);
		/* No other field of its line is a user's. */
		if (code && line_value(line, "Requeue") && !facts->exit_code)
			facts->exit_code =
				mem_strndup(code + 10, strcspn(code + 10, " "));
	}
	if (comments.nr > 0) {
		facts->comment = strs_join(&comments, "; ");
		utf8_clean(facts->comment);
	}
	if (facts->exit_code)
		utf8_clean(facts->exit_code);
}

void job_facts_get(const char *id, struct job_facts *facts)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	autofree char *number = mem_strdup(id);
	char *argv[] = { "scontrol", "show", "job", number, NULL };
	struct err ignored = ERR_INIT;

	if (ask(argv, &result, &ignored) == 0)
		job_facts_parse(buf_str(&result.out), facts);
}

void job_facts_release(struct job_facts *facts)
{
	free(mem_steal(&facts->exit_code));
	free(mem_steal(&facts->comment));
}

char *job_bbstat(const char *id, struct err *err)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	autofree char *number = mem_strdup(id);
	char *argv[] = {
		"scontrol", "show", "bbstat", "workflow", number, NULL
	};
	char *text;

	if (ask(argv, &result, err) < 0)
		return NULL;
	text = mem_strndup(buf_str(&result.out),
			   strcspn(buf_str(&result.out), "\n"));
	utf8_clean(text);
	return text;
}

int job_cancel(const char *id, bool hurry, struct err *err)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	auto_strs struct strs argv = STRS_INIT;

	strs_add(&argv, "scancel");
	if (hurry)
		strs_add(&argv, "--hurry");
	strs_add(&argv, id);
	if (ask(argv.item, &result, err) == 0)
		return 0;
	if (strstr(err->msg, "Invalid job id") == NULL &&
	    strstr(err->msg, "already completing or completed") == NULL)
		return -1;
	err_clear(err);
	return 0;
}

char *job_burst_buffer_type(struct err *err)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = { "scontrol", "show", "config", NULL };
	auto_strs struct strs lines = STRS_INIT;

	if (ask(argv, &result, err) < 0)
		return NULL;
	strs_split(&lines, buf_str(&result.out), '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		const char *rest = str_after(lines.item[i], "BurstBufferType");

		if (rest == NULL || !strchr(" =", *rest))
			continue;
		rest += strspn(rest, " =");
		return mem_strdup(str_eq(rest, "(null)") ? "" : rest);
	}
	return mem_strdup("");
}

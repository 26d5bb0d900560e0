#include "cmd/job_report.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cmd/output.h"
#include "slurm/job.h"

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

void job_report_event(const struct story_event *event)
{
	struct err ignored = ERR_INIT;
	autofree char *line = mem_printf(
		"%7.1f s  %-8s  %s%s%s\n", seconds(event->at_ms),
		event->of_workflow ? "workflow" : "job", event->state,
		str_empty(event->detail) ? "" : "  ", event->detail);

	/* Where nobody can hear it, the end of the command tells. */
	(void)!output_text(line, &ignored);
}

/* "Proposal 0.2 s, Setup 1.1 s" */
static char *durations(const struct job_report *report)
{
	auto_strs struct strs list = STRS_INIT;

	for (size_t i = 0; story_states[i]; i++) {
		int64_t ms = story_state_ms(report->story, story_states[i],
					    report->took_ms);

		if (ms >= 0)
			strs_addf(&list, "%s %.1f s", story_states[i],
				  seconds(ms));
	}
	return strs_join(&list, ", ");
}

static void add_job(struct buf *out, const struct job_report *report)
{
	const struct story *story = report->story;

	buf_addf(out, "job        %s", story->id);
	if (story->state)
		buf_addf(out, ", %s", story->state);
	if (!str_empty(story->nodes))
		buf_addf(out, ", on %s", story->nodes);
	if (story->exit_code)
		buf_addf(out, ", exit code %s", story->exit_code);
	buf_addf(out, ", %.1f s\n", seconds(report->took_ms));
	if (story->comment)
		buf_addf(out, "comment    %s\n", story->comment);
}

static void add_workflow(struct buf *out, const struct job_report *report)
{
	const struct story *story = report->story;
	autofree char *states = durations(report);

	if (!story->seen) {
		buf_addstr(out, "workflow   none was seen\n");
		return;
	}
	buf_addf(out, "workflow   %s in namespace %s%s\n", report->workflow,
		 report->ns, story->gone ? ", gone" : "");
	buf_addf(out, "states     %s\n", states);
}

static void add_output(struct buf *out, const struct job_report *report)
{
	auto_strs struct strs lines = STRS_INIT;

	if (report->output == NULL) {
		if (!str_empty(report->story->nodes))
			buf_addf(out, "output     '%s' on %s\n", report->file,
				 report->story->nodes);
		return;
	}
	strs_split(&lines, report->output, '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		utf8_clean(lines.item[i]);
		buf_addf(out, "output     %s\n", lines.item[i]);
	}
}

static int report_text(const struct job_report *report, struct err *err)
{
	const struct verdict *verdict = report->verdict;
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	buf_addch(&out, '\n');
	add_job(&out, report);
	add_workflow(&out, report);
	if (verdict->kind != ERR_NONE)
		add_output(&out, report);
	buf_addf(&out, "%-9s  %s\n",
		 verdict->kind == ERR_NONE ? "passed" : "NOT PASSED",
		 verdict->what);
	for (size_t i = 0; i < verdict->next.nr; i++)
		buf_addf(&out, "look at    %s\n", verdict->next.item[i]);
	return output_text(buf_str(&out), err);
}

static struct jval *events_value(const struct story *story)
{
	struct jval *list = jval_new_array();

	for (size_t i = 0; i < story->nr; i++) {
		struct jval *event = jval_new_object();

		jval_set(event, "milliseconds",
			 jval_new_int(story->item[i].at_ms));
		jval_set_str(event, "of",
			     story->item[i].of_workflow ? "workflow" : "job");
		jval_set_str(event, "state", story->item[i].state);
		jval_set_str(event, "detail", story->item[i].detail);
		jval_append(list, event);
	}
	return list;
}

static void set_known(struct jval *value, const char *path, const char *text)
{
	if (text)
		jval_set_str(value, path, text);
}

static void set_workflow(struct jval *value, const struct job_report *report)
{
	const struct story *story = report->story;
	struct jval *states = jval_new_object();

	for (size_t i = 0; story_states[i]; i++) {
		int64_t ms =
			story_state_ms(story, story_states[i], report->took_ms);

		if (ms >= 0)
			jval_set(states, story_states[i], jval_new_int(ms));
	}
	jval_set_str(value, "workflow.name", report->workflow);
	jval_set_str(value, "workflow.namespace", report->ns);
	jval_set_path(value, "workflow.seen", jval_new_bool(story->seen));
	jval_set_path(value, "workflow.gone", jval_new_bool(story->gone));
	set_known(value, "workflow.desiredState", story->desired);
	set_known(value, "workflow.state", story->reached);
	set_known(value, "workflow.status", story->status);
	set_known(value, "workflow.errors", story->errors);
	jval_set_path(value, "workflow.milliseconds", states);
}

static struct jval *report_value(const struct job_report *report)
{
	const struct verdict *verdict = report->verdict;
	const struct story *story = report->story;
	struct jval *value = jval_new_object();
	struct jval *next = jval_new_array();

	for (size_t i = 0; i < verdict->next.nr; i++)
		jval_append(next, jval_new_str(verdict->next.item[i]));
	jval_set(value, "passed", jval_new_bool(verdict->kind == ERR_NONE));
	jval_set_str(value, "verdict", verdict->what);
	jval_set(value, "lookAt", next);
	jval_set(value, "milliseconds", jval_new_int(report->took_ms));
	jval_set_str(value, "job.id", story->id);
	set_known(value, "job.state", story->state);
	set_known(value, "job.reason", story->reason);
	set_known(value, "job.nodes", story->nodes);
	set_known(value, "job.exitCode", story->exit_code);
	set_known(value, "job.comment", story->comment);
	set_known(value, "job.output", report->output);
	set_workflow(value, report);
	jval_set(value, "events", events_value(story));
	return value;
}

int job_report_end(const struct job_report *report, const char *format,
		   struct err *err)
{
	autojval struct jval *value = NULL;

	if (format == NULL)
		return report_text(report, err);
	value = report_value(report);
	return output_value(value, format, err);
}

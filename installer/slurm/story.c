#include "slurm/story.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "base/utf8.h"
#include "slurm/job.h"

/* The plugin cancels a job that Slurm holds, once its storage is torn down;
 * Slurm needs a moment for that. */
#define HELD_MS 10000

const char *const story_states[] = { "Proposal", "Setup",   "DataIn",
				     "PreRun",	 "PostRun", "DataOut",
				     "Teardown", NULL };

/* Whether that is news: what is kept is cleaned, so what came cannot be
 * compared with it. */
static bool replace(char **text, const char *with)
{
	char *copy = with ? mem_strdup(with) : NULL;
	bool news;

	if (copy)
		utf8_clean(copy);
	news = !str_eq(*text, copy);
	free(*text);
	*text = copy;
	return news;
}

static const struct story_event *add(struct story *story, int64_t at_ms,
				     bool of_workflow, const char *state,
				     const char *detail)
{
	struct story_event *event;

	story->item =
		mem_resize(story->item, story->nr + 1, sizeof(*story->item));
	event = &story->item[story->nr++];
	*event = (struct story_event){ .at_ms = at_ms,
				       .of_workflow = of_workflow };
	replace(&event->state, state);
	replace(&event->detail, detail);
	return event;
}

/* Reasons by which Slurm tells that it waits for a person: also for one who
 * releases a job whose storage failed. The plugin's errors may stand there. */
static bool is_held(const char *state, const char *reason)
{
	static const char *const held[] = {
		"JobHeld",	"BurstBufferOperation", "Burst buffer",
		"Burst_buffer", "burst_buffer",
	};

	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (str_eq(state, "PENDING") && str_starts(reason, held[i]))
			return true;
	return false;
}

const struct story_event *story_job(struct story *story, int64_t at_ms,
				    const char *state, const char *reason,
				    const char *nodes)
{
	bool said = !str_empty(reason) && !str_eq(reason, "None");
	bool news = replace(&story->state, state);

	news = replace(&story->reason, reason) || news;
	if (!is_held(state, reason))
		story->held_ms = 0;
	else if (story->held_ms == 0)
		story->held_ms = at_ms > 0 ? at_ms : 1;
	if (!str_empty(nodes))
		replace(&story->nodes, nodes);
	if (!news)
		return NULL;
	return add(story, at_ms, false, state, said ? reason : "");
}

/* "DriverWait", or that nobody has taken the wish up yet. */
static char *workflow_detail(const struct story_view *view)
{
	const char *status = str_empty(view->status) ? "" : view->status;

	if (str_eq(view->state, view->desired))
		return mem_printf("%s%s%s", status,
				  str_empty(view->errors) ? "" : ": ",
				  str_empty(view->errors) ? "" : view->errors);
	return mem_strdup("asked for");
}

const struct story_event *story_workflow(struct story *story, int64_t at_ms,
					 const struct story_view *view)
{
	autofree char *detail = workflow_detail(view);
	bool news = !story->seen;

	news = replace(&story->desired, view->desired) || news;
	news = replace(&story->reached, view->state) || news;
	news = replace(&story->status, view->status) || news;
	replace(&story->waiting, view->waiting);
	if (!str_empty(view->errors))
		replace(&story->errors, view->errors);
	else if (str_eq(view->status, "Error") && story->errors == NULL)
		story->errors = mem_printf("%s reports Error",
					   view->state ? view->state : "?");
	if (!news)
		return NULL;
	story->seen = true;
	story->gone = false;
	return add(story, at_ms, true, view->desired ? view->desired : "?",
		   detail);
}

const struct story_event *story_workflow_gone(struct story *story,
					      int64_t at_ms)
{
	if (!story->seen || story->gone)
		return NULL;
	story->gone = true;
	return add(story, at_ms, true, "gone", "");
}

bool story_view_parse(char *text, struct story_view *view)
{
	static const char *const names[] = { "desiredState=", " currentState=",
					     " status=" };
	const char **value[] = { &view->desired, &view->state, &view->status };
	char *at = text;

	memset(view, 0, sizeof(*view));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!str_starts(at, names[i]))
			return false;
		*at = '\0';
		at += strlen(names[i]);
		*value[i] = at;
		at += strcspn(at, " \n");
	}
	*at = '\0';
	return true;
}

bool story_is_over(const struct story *story)
{
	return job_state_is_final(story->state) &&
	       (!story->seen || story->gone);
}

bool story_is_left(const struct story *story)
{
	if (!job_state_is_final(story->state) || !story->seen || story->gone)
		return false;
	return !str_eq(story->desired, "Teardown") ||
	       (str_eq(story->reached, "Teardown") &&
		str_eq(story->status, "Completed"));
}

bool story_is_held(const struct story *story, int64_t at_ms)
{
	return story->held_ms > 0 && at_ms - story->held_ms > HELD_MS;
}

int64_t story_state_ms(const struct story *story, const char *state,
		       int64_t now_ms)
{
	int64_t since = -1;

	for (size_t i = 0; i < story->nr; i++) {
		const struct story_event *event = &story->item[i];

		if (!event->of_workflow)
			continue;
		if (str_eq(event->state, state)) {
			if (since < 0)
				since = event->at_ms;
		} else if (since >= 0) {
			return event->at_ms - since;
		}
	}
	return since < 0 ? -1 : now_ms - since;
}

void story_release(struct story *story)
{
	for (size_t i = 0; i < story->nr; i++) {
		free(story->item[i].state);
		free(story->item[i].detail);
	}
	free(story->item);
	free(story->id);
	free(story->state);
	free(story->reason);
	free(story->nodes);
	free(story->desired);
	free(story->reached);
	free(story->status);
	free(story->waiting);
	free(story->errors);
	free(story->exit_code);
	free(story->comment);
}

/* What the plugin says of a Workflow is taken as it stands there, or not at
 * all. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "base/utf8.h"
#include "slurm/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The answer that a view was made of, at least. */
static void check_view(const struct story_view *view, const char *text)
{
	autofree char *again =
		mem_printf("desiredState=%s currentState=%s status=%s",
			   view->desired, view->state, view->status);

	if (!str_starts(text, again) || view->errors || view->waiting)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = mem_strndup((const char *)data, size);
	autofree char *parts = NULL;
	struct story auto_story story = STORY_INIT;
	struct story_view view;

	/* As job_bbstat hands it over. */
	text[strcspn(text, "\n")] = '\0';
	utf8_clean(text);
	parts = mem_strdup(text);
	if (!story_view_parse(parts, &view))
		return 0;
	check_view(&view, text);
	if (story_workflow(&story, 1, &view) == NULL ||
	    story_workflow(&story, 2, &view) != NULL || story.nr != 1)
		abort();
	return 0;
}

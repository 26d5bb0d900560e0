#include "txn/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

void plan_release(struct plan *plan)
{
	jval_free(plan->steps);
	plan->steps = NULL;
	strs_release(&plan->notes);
}

void plan_add(struct plan *plan, const char *action, const char *why,
	      const char *fmt, ...)
{
	autofree char *thing = NULL;
	struct jval *step;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&thing, fmt, args) < 0)
		abort();
	va_end(args);
	/* A thing may be named by a path, which need not be UTF-8. */
	step = jval_new_object();
	jval_set_str(step, "action", action);
	jval_set_str(step, "thing", thing);
	if (why)
		jval_set_str(step, "why", why);
	if (plan->steps == NULL)
		plan->steps = jval_new_array();
	jval_append(plan->steps, step);
}

struct jval *plan_value(const struct plan *plan)
{
	struct jval *notes = jval_new_array();

	for (size_t i = 0; i < plan->notes.nr; i++)
		jval_append(notes, jval_new_str(plan->notes.item[i]));
	return jval_pack("{s:o, s:o}", "notes", notes, "steps",
			 plan->steps ? jval_ref(plan->steps) :
				       jval_new_array());
}

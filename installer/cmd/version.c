#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/version.h"
#include "cmd/output.h"

static int version_run(struct settings *settings, const struct strs *args,
		       struct err *err)
{
	autojval struct jval *value = NULL;
	autofree char *text = NULL;

	(void)args;
	if (str_eq(settings->output, "json") ||
	    str_eq(settings->output, "yaml")) {
		value = jval_new_object();
		jval_set_str(value, "name", "dws-csm");
		jval_set_str(value, "version", version_string());
		return output_value(value, settings->output, err);
	}
	text = mem_printf("dws-csm %s\n", version_string());
	return output_text(text, err);
}

const struct command cmd_version = {
	.name = "version",
	.summary = "tell the version of this program",
	.chapter = CHAPTER_PROGRAM,
	.groups = GROUP_OUTPUT | GROUP_PROGRAM,
	.run = version_run,
};

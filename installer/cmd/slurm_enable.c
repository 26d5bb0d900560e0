#include "cmd/cmd.h"

#include "base/log.h"
#include "base/mem.h"
#include "cmd/output.h"
#include "cmd/slurm_change.h"
#include "cmd/slurm_csm.h"
#include "cmd/slurm_look.h"
#include "slurm/control.h"
#include "slurm/type_edit.h"

/* Lines that we must not change, or that would count more than ours. */
static int check_types(const struct site *site, struct err *err)
{
	for (size_t i = 0; i < site->nr_types; i++) {
		const struct site_type *type = &site->type[i];

		if (type_meaning(type->value) == TYPE_OTHER)
			return err_set(err, ERR_BLOCKED,
				       "'%s' line %u has BurstBufferType=%s: "
				       "Slurm has one burst buffer system at "
				       "a time; take that line out first, if "
				       "it is not needed any more",
				       type->file, type->number, type->value);
		if (site_type(site) == TYPE_NONE && type->included)
			return err_set(err, ERR_BLOCKED,
				       "'%s' line %u has BurstBufferType=%s, "
				       "and is included by slurm.conf; take "
				       "that line out first",
				       type->file, type->number, type->value);
	}
	return 0;
}

/* Faults with which slurmctld would not start. */
static bool is_deadly(const struct finding *finding)
{
	static const char *const deadly[] = { "slurmctld", "lua",
					      "user",	   "plugin",
					      "hooks",	   "burst_buffer.conf",
					      "running" };

	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
		if (str_eq(finding->check, deadly[i]))
			return true;
	return false;
}

/* Those in the way are told; the others as warnings. */
static int check_findings(const struct findings *findings,
			  const struct settings *settings, struct err *err)
{
	size_t nr = 0;

	for (size_t i = 0; i < findings->nr; i++) {
		const struct finding *finding = &findings->item[i];

		if (finding->status != FINDING_FAULT)
			continue;
		log_warn("%s: %s%s%s", finding->check, finding->seen,
			 finding->remedy ? "; " : "",
			 finding->remedy ? finding->remedy : "");
		nr += settings->restart || is_deadly(finding);
	}
	if (nr == 0)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "nothing was changed: %zu fault%s in the way; mend what "
		       "is told above, 'dws-csm slurm check' tells all",
		       nr, nr > 1 ? "s" : "");
}

/* Whether the slurmctld that runs has burst buffers by Lua already. */
static bool runs_with_lua(const struct site *site)
{
	struct err err = ERR_INIT;
	autofree char *type = control_setting(site, "BurstBufferType", &err);

	return type && type_meaning(type) == TYPE_LUA;
}

static int enable(const struct site *site, const struct settings *settings,
		  struct err *err)
{
	auto_buf struct buf text = BUF_INIT(site->len + 1024);
	struct slurm_change change = { .site = site,
				       .before = TYPE_NONE,
				       .after = TYPE_LUA };

	if (site_type(site) != TYPE_LUA) {
		type_edit_in(&text, site->text, site->len);
		if (buf_check(&text, site->path, err) < 0)
			return -1;
		change.text = &text;
	} else if (!settings->restart || runs_with_lua(site)) {
		return output_text("slurm.conf says "
				   "BurstBufferType=burst_buffer/lua "
				   "already: nothing was changed.\n",
				   err);
	}
	return slurm_change(&change, settings, err);
}

static int slurm_enable_main(struct settings *settings, const struct strs *args,
			     struct err *err)
{
	auto_findings struct findings findings = FINDINGS_INIT;
	auto_check_seen struct check_seen seen = { .settings = NULL };

	(void)args;
	if (slurm_csm_check(settings, err) < 0)
		return -1;
	if (settings->csm)
		return slurm_csm(TYPE_LUA, settings, err);
	if (slurm_look(&findings, &seen, settings, err) < 0 ||
	    check_types(&seen.site, err) < 0 ||
	    check_findings(&findings, settings, err) < 0)
		return -1;
	return enable(&seen.site, settings, err);
}

const struct command cmd_slurm_enable = {
	.name = "slurm enable",
	.summary = "have slurmctld use the plugin",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_SLURM | GROUP_SLURM_CHANGE | GROUP_CLUSTER |
		  GROUP_STATE | GROUP_REHEARSE,
	.run = slurm_enable_main,
};

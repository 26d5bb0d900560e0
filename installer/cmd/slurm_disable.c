#include "cmd/cmd.h"

#include "base/mem.h"
#include "cmd/output.h"
#include "cmd/slurm_change.h"
#include "cmd/slurm_csm.h"
#include "slurm/conf.h"
#include "slurm/control.h"
#include "slurm/type_edit.h"

/* Ours must all be in slurm.conf itself. */
static int check_types(const struct site *site, struct err *err)
{
	for (size_t i = 0; i < site->nr_types; i++) {
		const struct site_type *type = &site->type[i];

		if (type->included && type_meaning(type->value) == TYPE_LUA)
			return err_set(err, ERR_BLOCKED,
				       "'%s' line %u has BurstBufferType=%s, "
				       "and is included by slurm.conf; take "
				       "that line out by hand",
				       type->file, type->number, type->value);
	}
	return 0;
}

/* Jobs whose storage nobody would tear down. */
static int check_jobs(const struct site *site, const struct settings *settings,
		      struct err *err)
{
	size_t nr = 0;

	if (settings->force)
		return 0;
	if (control_count_jobs(site, &nr, err) < 0)
		return err_hint(err, "so jobs with #DW lines cannot be "
				     "counted; --force goes on without");
	if (nr == 0)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "%zu job%s with #DW lines in the queue: without the "
		       "plugin they would run without their storage, and "
		       "nobody would tear it down; let them end or cancel "
		       "them ('squeue -O JobID,BurstBuffer', and 'scontrol "
		       "show burst' for storage that is still torn down), or "
		       "use --force",
		       nr, nr > 1 ? "s are" : " is");
}

static int disable(const struct site *site, const struct settings *settings,
		   struct err *err)
{
	auto_buf struct buf text = BUF_INIT(site->len + 1);
	struct slurm_change change = { .site = site,
				       .text = &text,
				       .before = TYPE_LUA };
	size_t nr = type_edit_out(&text, site->text, site->len);
	autofree char *rest = NULL;

	if (nr == 0)
		return output_text("slurm.conf has no "
				   "BurstBufferType=burst_buffer/lua: nothing "
				   "was changed.\n",
				   err);
	rest = conf_value(buf_str(&text), text.len, "BurstBufferType");
	change.after = type_meaning(rest);
	if (check_jobs(site, settings, err) < 0)
		return -1;
	return slurm_change(&change, settings, err);
}

static int slurm_disable_main(struct settings *settings,
			      const struct strs *args, struct err *err)
{
	auto_site struct site site = { .path = NULL };

	(void)args;
	if (slurm_csm_check(settings, err) < 0)
		return -1;
	if (settings->csm)
		return slurm_csm(TYPE_NONE, settings, err);
	if (site_read(&site, settings->slurm_conf, err) < 0 ||
	    check_types(&site, err) < 0)
		return -1;
	return disable(&site, settings, err);
}

const struct command cmd_slurm_disable = {
	.name = "slurm disable",
	.summary = "have slurmctld use the plugin no more",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_SLURM | GROUP_SLURM_CHANGE | GROUP_CLUSTER |
		  GROUP_STATE | GROUP_SLURM_DISABLE | GROUP_REHEARSE,
	.run = slurm_disable_main,
};

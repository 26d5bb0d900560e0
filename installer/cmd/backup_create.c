#include "cmd/cmd.h"

#include "base/mem.h"
#include "cmd/backup_describe.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "txn/backup.h"
#include "txn/survey.h"

static int create_print(const struct jval *index, const char *format,
			struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (format)
		return output_value(index, format, err);
	backup_describe(index, &out);
	return output_text(buf_str(&out), err);
}

/* The index of a new one, with its places. */
static struct jval *create(struct cluster *cluster, const struct state *state,
			   struct progress *progress, struct err *err)
{
	auto_survey struct survey survey = SURVEY_INIT;
	autojval struct jval *index = NULL;
	struct backup_options options = {
		.kube = cluster->kube,
		.state = state,
		.operation = "backup",
		.progress = progress,
	};

	if (survey_take(&survey, cluster->kube, cluster->discovery, err) < 0)
		return NULL;
	if (jval_len(survey.crds) == 0) {
		err_set(err, ERR_BLOCKED,
			"there is nothing to back up: DWS is not installed "
			"in this cluster");
		return NULL;
	}
	options.crds = survey.crds;
	options.version = survey.version;
	index = backup_take(&options, err);
	if (index == NULL)
		return NULL;
	return backup_find(cluster->kube, state, jval_str(index, "id"), err);
}

static int backup_create_main(struct settings *settings,
			      const struct strs *args, struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	auto_state struct state state = STATE_INIT;
	autojval struct jval *index = NULL;
	struct progress *progress = NULL;

	(void)args;
	if (state_open(&state, settings->state_dir, err) < 0 ||
	    cluster_open(&cluster, settings, err) < 0 ||
	    settings_progress(settings, &progress, err) < 0)
		return -1;
	index = create(&cluster, &state, progress, err);
	progress_free(progress);
	if (index == NULL)
		return -1;
	return create_print(index, output_format(settings->output), err);
}

const struct command cmd_backup_create = {
	.name = "backup create",
	.summary = "back up all custom resources of DWS",
	.chapter = CHAPTER_BACKUP,
	.groups = GROUP_CLUSTER | GROUP_STATE | GROUP_OUTPUT | GROUP_PROGRESS,
	.run = backup_create_main,
};

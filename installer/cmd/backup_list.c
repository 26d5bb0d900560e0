#include "cmd/cmd.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "cmd/backup_describe.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "txn/backup.h"

static void list_row(struct table *table, const struct jval *index)
{
	autofree char *count =
		mem_printf("%" PRId64, jval_int(index, "count", 0));
	autofree char *places = backup_places(index);

	table_row(table, (const char *const[]){ jval_str(index, "id"),
						jval_str(index, "created"),
						jval_str(index, "operation"),
						jval_str(index, "version"),
						count, places });
}

static int list_show(const struct jval *list, struct err *err)
{
	static const char *const heads[] = { "ID",	"TAKEN",     "FOR",
					     "VERSION", "RESOURCES", "KEPT IN",
					     NULL };
	struct table *table;
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (jval_len(list) == 0) {
		log_info("no backups, neither in the cluster nor on this host");
		return 0;
	}
	table = table_new(heads);
	for (size_t i = 0; i < jval_len(list); i++)
		list_row(table, jval_at(list, i));
	table_print(table, &out);
	table_free(table);
	return output_text(buf_str(&out), err);
}

static int backup_list_main(struct settings *settings, const struct strs *args,
			    struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	auto_state struct state state = STATE_INIT;
	autojval struct jval *list = NULL;
	const struct state *usable;

	(void)args;
	if (backup_state_open(&state, settings, &usable, err) < 0 ||
	    cluster_open(&cluster, settings, err) < 0)
		return -1;
	list = backup_list(cluster.kube, usable, err);
	if (list == NULL)
		return -1;
	if (!output_format(settings->output))
		return list_show(list, err);
	for (size_t i = 0; i < jval_len(list); i++)
		jval_del(jval_at(list, i), "chunks");
	return output_value(list, settings->output, err);
}

const struct command cmd_backup_list = {
	.name = "backup list",
	.summary = "list the backups in the cluster and on this host",
	.chapter = CHAPTER_BACKUP,
	.groups = GROUP_CLUSTER | GROUP_STATE | GROUP_OUTPUT,
	.run = backup_list_main,
};

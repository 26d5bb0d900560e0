#include "cmd/cmd.h"

#include "base/mem.h"
#include "cmd/backup_describe.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "format/yaml.h"
#include "txn/backup.h"

/* A List that is written as it is read: it may be larger than memory. */
struct listing {
	bool json;
	size_t nr;
};

static int print_object(void *ctx, struct jval *object, struct err *err)
{
	struct listing *listing = ctx;
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (listing->json) {
		autofree char *text = jval_pretty(object);

		buf_addf(&out, "%s%s", listing->nr > 0 ? "," : "", text);
	} else {
		autojval struct jval *one = jval_pack("[O]", object);

		yaml_dump(&out, one);
	}
	listing->nr++;
	if (buf_check(&out, "object", err) < 0)
		return -1;
	return output_text(buf_str(&out), err);
}

static int print_list(struct cluster *cluster, const struct state *state,
		      const char *id, const char *format, struct err *err)
{
	struct listing listing = { .json = str_eq(format, "json") };
	/* To be known before the first word is printed. */
	autojval struct jval *index =
		backup_find(cluster->kube, state, id, err);
	bool empty = jval_int(index, "count", 0) == 0;

	if (index == NULL)
		return -1;
	if (output_text(listing.json ?
				"{\"apiVersion\": \"v1\", \"kind\": \"List\", "
				"\"items\": [\n" :
			empty ? "apiVersion: v1\nkind: List\nitems: []\n" :
				"apiVersion: v1\nkind: List\nitems:\n",
			err) < 0 ||
	    backup_each(cluster->kube, state, id, print_object, &listing, err) <
		    0)
		return -1;
	return listing.json ? output_text("]}\n", err) : 0;
}

static int backup_show_main(struct settings *settings, const struct strs *args,
			    struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	auto_state struct state state = STATE_INIT;
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	autojval struct jval *index = NULL;
	const struct state *usable;

	if (args->nr == 0)
		return err_set(err, ERR_USAGE,
			       "name a backup; 'dws-csm backup list' shows "
			       "those there are");
	if (backup_state_open(&state, settings, &usable, err) < 0 ||
	    cluster_open(&cluster, settings, err) < 0)
		return -1;
	if (output_format(settings->output))
		return print_list(&cluster, usable, args->item[0],
				  settings->output, err);
	index = backup_find(cluster.kube, usable, args->item[0], err);
	if (index == NULL)
		return -1;
	backup_describe(index, &out);
	return output_text(buf_str(&out), err);
}

const struct command cmd_backup_show = {
	.name = "backup show",
	.arguments = "ID",
	.summary = "show what a backup holds",
	.chapter = CHAPTER_BACKUP,
	.groups = GROUP_CLUSTER | GROUP_STATE | GROUP_OUTPUT,
	.max_args = 1,
	.run = backup_show_main,
};

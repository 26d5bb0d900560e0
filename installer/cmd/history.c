#include "cmd/cmd.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "txn/record.h"

static void duration(char *text, size_t size, const struct jval *record)
{
	const char *from = jval_str(record, "started");
	const char *to = jval_str(record, "finished");
	struct err err = ERR_INIT;
	time_t start, end;

	text[0] = '-';
	text[1] = '\0';
	if (from && to && clock_parse_rfc3339(from, &start, &err) == 0 &&
	    clock_parse_rfc3339(to, &end, &err) == 0)
		clock_age(text, size, start, end);
}

static int history_show(const struct jval *records, struct err *err)
{
	static const char *const heads[] = { "REVISION",  "VERSION", "STATUS",
					     "OPERATION", "STARTED", "TOOK",
					     "USER",	  "HOST",    NULL };
	struct table *table;
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (jval_len(records) == 0) {
		log_info("no records: dws-csm has installed nothing here, or "
			 "has removed it");
		return 0;
	}
	table = table_new(heads);
	for (size_t i = 0; i < jval_len(records); i++) {
		const struct jval *record = jval_at(records, i);
		autofree char *revision =
			mem_printf("%" PRId64, jval_int(record, "revision", 0));
		char took[32];
		const char *const cells[] = {
			revision,
			jval_str(record, "version"),
			jval_str(record, "status"),
			jval_str(record, "operation"),
			jval_str(record, "started"),
			took,
			jval_str(record, "user"),
			jval_str(record, "host"),
		};

		duration(took, sizeof(took), record);
		table_row(table, cells);
	}
	table_print(table, &out);
	table_free(table);
	return output_text(buf_str(&out), err);
}

/* Without the objects, which are long: 'manifests' shows those. */
static struct jval *without_objects(const struct jval *records)
{
	struct jval *copy = jval_copy(records);

	for (size_t i = 0; i < jval_len(copy); i++)
		jval_del(jval_at(copy, i), "objects");
	return copy;
}

static int history_main(struct settings *settings, const struct strs *args,
			struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	autojval struct jval *records = NULL;
	autojval struct jval *shown = NULL;

	(void)args;
	if (cluster_open(&cluster, settings, err) < 0)
		return -1;
	records = record_list(cluster.kube, err);
	if (records == NULL)
		return -1;
	if (!output_format(settings->output))
		return history_show(records, err);
	shown = without_objects(records);
	return output_value(shown, settings->output, err);
}

const struct command cmd_history = {
	.name = "history",
	.summary = "list the releases that dws-csm has installed here",
	.groups = GROUP_CLUSTER | GROUP_OUTPUT,
	.run = history_main,
};

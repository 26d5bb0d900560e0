#include "cmd/backup_describe.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "cmd/output.h"

static const char *version_part(const struct jval *kind)
{
	const char *api = jval_str(kind, "apiVersion");
	const char *slash = api ? strchr(api, '/') : NULL;

	return slash ? slash + 1 : api;
}

static void describe_kinds(const struct jval *kinds, struct buf *out)
{
	static const char *const heads[] = { "KIND", "VERSION", "COUNT", NULL };
	struct table *table = table_new(heads);

	for (size_t i = 0; i < jval_len(kinds); i++) {
		const struct jval *kind = jval_at(kinds, i);
		autofree char *count =
			mem_printf("%" PRId64, jval_int(kind, "count", 0));

		table_row(table,
			  (const char *const[]){ jval_str(kind, "kind"),
						 version_part(kind), count });
	}
	table_print(table, out);
	table_free(table);
}

char *backup_places(const struct jval *index)
{
	const struct jval *places = jval_get(index, "places");
	auto_strs struct strs list = STRS_INIT;

	for (size_t i = 0; i < jval_len(places); i++)
		strs_add(&list, jval_string(jval_at(places, i)));
	return strs_join(&list, ", ");
}

static void line(struct buf *out, const char *name, const char *value)
{
	if (!str_empty(value))
		buf_addf(out, "%-11s%s\n", name, value);
}

void backup_describe(const struct jval *index, struct buf *out)
{
	int64_t count = jval_int(index, "count", 0);
	autofree char *places = backup_places(index);
	char size[32];

	str_bytes(size, sizeof(size), (uint64_t)jval_int(index, "bytes", 0));
	line(out, "backup", jval_str(index, "id"));
	line(out, "taken", jval_str(index, "created"));
	line(out, "for", jval_str(index, "operation"));
	line(out, "by", jval_str(index, "user"));
	line(out, "on", jval_str(index, "host"));
	line(out, "of DWS", jval_str(index, "version"));
	line(out, "kept in", places);
	buf_addf(out, "%-11s%" PRId64 " custom resource%s, %s\n\n", "holds",
		 count, count == 1 ? "" : "s", size);
	describe_kinds(jval_get(index, "kinds"), out);
}

int backup_state_open(struct state *state, const struct settings *settings,
		      const struct state **usable, struct err *err)
{
	struct err why = ERR_INIT;

	*usable = NULL;
	if (state_open(state, settings->state_dir, &why) == 0) {
		*usable = state;
		return 0;
	}
	if (settings->state_dir) {
		*err = why;
		return -1;
	}
	log_warn("backups of this host are left out: %s", why.msg);
	return 0;
}

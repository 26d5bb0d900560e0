#include "slurm/csm_text.h"

#include <string.h>

#include "base/embedded.h"
#include "base/mem.h"
#include "slurm/conf.h"
#include "slurm/type_edit.h"

#define CONF "slurm.conf"

/* Keys of the ConfigMap, and files that we carry. */
static const struct {
	const char *key;
	const char *path;
	bool settings; /* the site's own, once they are there */
} files[] = {
	{ "burst_buffer.lua", "payload/slurm/burst_buffer.lua", false },
	{ "burst_buffer.conf", "payload/slurm/burst_buffer.conf", true },
	{ "dws-burst-buffer.conf", "payload/slurm/dws-burst-buffer.conf",
	  true },
};

static const char *file_text(size_t i)
{
	const struct embedded_file *file = embedded_find(files[i].path);

	return (const char *)file->data;
}

static int check_type(const char *text, size_t len, enum type_meaning *type,
		      struct err *err)
{
	struct conf_reader reader;
	struct conf_line line;
	int result = 0;

	*type = TYPE_NONE;
	conf_reader_init(&reader, text, len);
	while (result == 0 && conf_next(&reader, &line)) {
		if (!conf_is(&line, "BurstBufferType"))
			continue;
		*type = type_meaning(line.value);
		if (*type == TYPE_OTHER)
			result = err_set(err, ERR_BLOCKED,
					 "its key " CONF " has in line %u "
					 "BurstBufferType=%s: Slurm has one "
					 "burst buffer system at a time",
					 line.number, line.value);
	}
	conf_reader_release(&reader);
	return result;
}

static int edit_conf(struct jval *data, enum type_meaning after,
		     struct strs *notes, struct err *err)
{
	const char *text = jval_string(jval_get(data, CONF));
	enum type_meaning before;
	size_t len;

	if (text == NULL)
		return err_set(err, ERR_BLOCKED,
			       "it has no key " CONF "; is Slurm installed as "
			       "a pod here?");
	len = strlen(text);
	if (check_type(text, len, &before, err) < 0)
		return -1;
	if (before != after) {
		auto_buf struct buf out = BUF_INIT(len + 1024);

		if (after == TYPE_LUA)
			type_edit_in(&out, text, len);
		else
			type_edit_out(&out, text, len);
		if (buf_check(&out, CONF, err) < 0)
			return -1;
		jval_set(data, CONF, jval_new_strn(buf_str(&out), out.len));
		strs_addf(notes, CONF ": " TYPE_LINE " %s",
			  after == TYPE_LUA ? "added" : "taken out");
	}
	return 0;
}

static void put_files(struct jval *data, struct strs *notes)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const char *now = jval_string(jval_get(data, files[i].key));

		if (str_eq(now, file_text(i)))
			continue;
		if (now && files[i].settings) {
			strs_addf(notes, "%s: the site's own stays",
				  files[i].key);
			continue;
		}
		jval_set(data, files[i].key, jval_new_str(file_text(i)));
		strs_addf(notes, "%s: %s", files[i].key,
			  now ? "replaced" : "added");
	}
}

static void take_files(struct jval *data, struct strs *notes)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const char *now = jval_string(jval_get(data, files[i].key));

		if (now == NULL)
			continue;
		if (!str_eq(now, file_text(i))) {
			strs_addf(notes, "%s: stays, it is not as we carry it",
				  files[i].key);
			continue;
		}
		jval_del(data, files[i].key);
		strs_addf(notes, "%s: taken out", files[i].key);
	}
}

struct jval *csm_config(const struct jval *config, enum type_meaning after,
			struct strs *notes, struct err *err)
{
	autojval struct jval *copy = jval_copy(config);
	struct jval *data = jval_get(copy, "data");

	if (edit_conf(data, after, notes, err) < 0)
		return NULL;
	if (after == TYPE_LUA)
		put_files(data, notes);
	else
		take_files(data, notes);
	return mem_steal(&copy);
}

/* Labels and annotations by which the controller knows its own. */
static void drop_marks(struct jval *object, const char *path)
{
	static const char *const marks[] = {
		"controller-uid",
		"job-name",
		"batch.kubernetes.io/controller-uid",
		"batch.kubernetes.io/job-name",
		"batch.kubernetes.io/job-tracking",
		"batch.kubernetes.io/cronjob-scheduled-timestamp",
	};
	struct jval *map = jval_path(object, path);

	for (size_t i = 0; map && i < ARRAY_SIZE(marks); i++)
		jval_del(map, marks[i]);
}

struct jval *csm_job(const struct jval *job)
{
	static const char *const fields[] = {
		"uid",	      "resourceVersion",   "creationTimestamp",
		"generation", "managedFields",	   "selfLink",
		"finalizers", "deletionTimestamp", "deletionGracePeriodSeconds",
	};
	struct jval *copy = jval_copy(job);
	struct jval *metadata = jval_get(copy, "metadata");

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		jval_del(metadata, fields[i]);
	jval_del(copy, "status");
	drop_marks(copy, "metadata.labels");
	drop_marks(copy, "metadata.annotations");
	if (!jval_bool(copy, "spec.manualSelector", false)) {
		jval_del_path(copy, "spec.selector");
		drop_marks(copy, "spec.template.metadata.labels");
	}
	return copy;
}

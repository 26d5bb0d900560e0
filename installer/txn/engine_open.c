/*
 * A transaction is begun, or taken up again where somebody left it.
 */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "txn/engine.h"
#include "txn/record.h"

#define UNDO_FILE "undo.json"
#define UNDO_MAX_BYTES ((size_t)64 << 20)

static int undo_save(const struct engine *self, struct err *err)
{
	const struct state *state = self->options->state;
	autojval struct jval *undo = jval_new_object();
	autofree char *text = NULL;

	jval_set_str(undo, "id", jval_str(self->journal.value, "id"));
	if (self->now)
		jval_set(undo, "now", jval_ref(self->now));
	if (self->next)
		jval_set(undo, "next", jval_ref(self->next));
	text = jval_text(undo, false);
	return file_replace(state->dirfd, UNDO_FILE, 0600, text, strlen(text),
			    err);
}

/* NULL where this host has none of this transaction. */
static struct jval *undo_load(const struct engine *self)
{
	autofree char *text = NULL;
	autojval struct jval *undo = NULL;
	struct err ignored = ERR_INIT;
	size_t len;

	if (file_read(self->options->state->dirfd, UNDO_FILE, UNDO_MAX_BYTES,
		      &text, &len, &ignored) < 0)
		return NULL;
	undo = jval_parse(text, len, &ignored);
	if (!str_eq(jval_str(undo, "id"), jval_str(self->journal.value, "id")))
		return NULL;
	return mem_steal(&undo);
}

/* Revision 0 is nothing. */
static int load_record(const struct engine *self, const struct jval *undo,
		       const char *field, const char *undo_field,
		       struct jval **record, struct err *err)
{
	int64_t revision = jval_int(self->journal.value, field, 0);
	struct jval *found;

	if (revision == 0)
		return 0;
	found = record_find(self->survey.records, revision);
	if (found == NULL || jval_get(found, "objects") == NULL)
		found = jval_get(undo, undo_field);
	if (found == NULL)
		return err_set(err, ERR_BLOCKED,
			       "the record of revision %" PRId64 ", which the "
			       "open %s needs, is in the cluster no more, nor "
			       "on this host; run it on host '%s'",
			       revision,
			       jval_str(self->journal.value, "operation"),
			       jval_str(self->journal.value, "host"));
	*record = jval_ref(found);
	return 0;
}

int engine_load(struct engine *self, struct err *err)
{
	const struct txn_options *options = self->options;
	autojval struct jval *undo = NULL;
	int open = journal_load(&self->journal, options->kube, err);

	if (open <= 0)
		return open;
	if (self->survey.records == NULL &&
	    survey_take(&self->survey, options->kube, options->discovery, err) <
		    0)
		return -1;
	/* The last step of an uninstallation has taken the records away. */
	if (engine_is_committed(self) &&
	    jval_int(self->journal.value, "revision", 0) == 0)
		return 1;
	undo = undo_load(self);
	if (load_record(self, undo, "from", "now", &self->now, err) < 0 ||
	    load_record(self, undo, "revision", "next", &self->next, err) < 0)
		return -1;
	return 1;
}

int engine_open(struct engine *self, struct err *err)
{
	struct jval *value = self->journal.value;

	jval_set_str(value, "direction", "forward");
	jval_set(value, "from",
		 jval_new_int(jval_int(self->now, "revision", 0)));
	jval_set(value, "revision",
		 jval_new_int(jval_int(self->next, "revision", 0)));
	if (self->now)
		jval_set_str(value, "fromVersion",
			     jval_str(self->now, "version"));
	if (self->next)
		jval_set_str(value, "version", jval_str(self->next, "version"));
	jval_set_str(value, "step", engine_first_step(self));
	if (undo_save(self, err) < 0)
		return -1;
	return journal_write(&self->journal, self->options->kube,
			     self->options->state, err);
}

#include "txn/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "base/version.h"
#include "kube/apply.h"
#include "txn/identity.h"
#include "txn/parcel.h"

#define JOURNAL "journal"
#define JOURNAL_FILE "journal.json"
#define JOURNAL_MAX_BYTES ((size_t)1 << 20)
#define JOURNAL_PATH PARCEL_SECRETS "/" JOURNAL_NAME
#define TRIES 5
#define AS_MANAGER "?fieldManager=" APPLY_FIELD_MANAGER

void journal_release(struct journal *journal)
{
	jval_free(journal->value);
	free(journal->resource_version);
	free(journal->writer);
	*journal = (struct journal)JOURNAL_INIT;
}

/* The Secret as it stands: 1, 0 where there is none. */
static int journal_get(struct kube *kube, struct jval **secret, struct err *err)
{
	struct err failure = ERR_INIT;

	*secret = kube_get(kube, JOURNAL_PATH, &failure);
	if (*secret)
		return 1;
	if (kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return err_wrap(err, "read the journal");
}

static void take_version(struct journal *journal, const struct jval *secret)
{
	free(journal->resource_version);
	journal->resource_version =
		mem_strdup(jval_str(secret, "metadata.resourceVersion"));
}

int journal_load(struct journal *journal, struct kube *kube, struct err *err)
{
	autojval struct jval *secret = NULL;
	int found = journal_get(kube, &secret, err);
	struct jval *value;

	if (found <= 0)
		return found;
	value = parcel_open(secret, JOURNAL, err);
	if (value == NULL)
		return err_hint(err, "it is of another dws-csm, perhaps: end "
				     "with that one what it has begun");
	journal_release(journal);
	journal->value = value;
	take_version(journal, secret);
	return 1;
}

void journal_init(struct journal *journal, const char *operation)
{
	autofree char *id = identity_new_id();
	autofree char *user = identity_user();
	autofree char *host = identity_host();
	char now[CLOCK_RFC3339_SIZE];

	clock_rfc3339(now, sizeof(now), clock_wall());
	journal_release(journal);
	journal->value = jval_pack("{s:s, s:s, s:s, s:I, s:s}", "id", id,
				   "operation", operation, "started", now,
				   "pid", (int64_t)getpid(), "installer",
				   version_string());
	jval_set_str(journal->value, "user", user);
	jval_set_str(journal->value, "host", host);
}

/* One more write, by us: so that it differs from every other. */
static void journal_sign(struct journal *journal)
{
	struct jval *value = journal->value;
	int64_t writes = jval_int(value, "writes", 0);

	if (journal->writer == NULL) {
		autofree char *user = identity_user();
		autofree char *host = identity_host();
		autofree char *nonce = identity_new_id();

		journal->writer = mem_printf("%s@%s pid %ld %s", user, host,
					     (long)getpid(), nonce);
	}
	jval_set_str(value, "writer", journal->writer);
	jval_set(value, "writes", jval_new_int(writes + 1));
}

static int write_here(const struct journal *journal, const struct state *state,
		      struct err *err)
{
	autofree char *text = jval_pretty(journal->value);
	autofree char *path = state_path(state, JOURNAL_FILE);

	if (file_replace(state->dirfd, JOURNAL_FILE, 0600, text, strlen(text),
			 err) < 0)
		return err_wrap(err, "write the journal '%s'", path);
	return 0;
}

static int refuse_other(const struct jval *other, struct err *err)
{
	const char *writer = jval_str(other, "writer");

	return err_set(err, ERR_LOCKED,
		       "another installer is at work: '%s' of %s begun by user "
		       "'%s' on '%s'%s%s; this one has stopped, leave it to "
		       "that one",
		       jval_str(other, "operation"), jval_str(other, "started"),
		       jval_str(other, "user"), jval_str(other, "host"),
		       writer ? ", now by " : "", writer ? writer : "");
}

/*
 * The server has another one than we thought. 1 when it is just what we want
 * to write: an answer got lost; 0 when it is ours all the same, as after a
 * write that was given up, or with a label that somebody put on it; its
 * version is taken, and trying again will do. ERR_LOCKED when it is another's.
 */
static int compare_with_cluster(struct journal *journal, struct kube *kube,
				struct err *err)
{
	autojval struct jval *secret = NULL;
	autojval struct jval *other = NULL;
	int found = journal_get(kube, &secret, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_LOCKED,
			       "the journal of this '%s' is gone: another "
			       "installer has ended it; look at 'dws-csm "
			       "history'",
			       jval_str(journal->value, "operation"));
	other = parcel_open(secret, JOURNAL, err);
	if (other == NULL)
		return -1;
	if (!str_eq(jval_str(other, "writer"), journal->writer))
		return refuse_other(other, err);
	take_version(journal, secret);
	return jval_equal(other, journal->value);
}

static bool is_overtaken(const struct err *failure, bool create)
{
	return kube_is_conflict(failure) ||
	       (kube_is_not_found(failure) && !create);
}

/* 1 when it is written, 0 to try again. */
static int try_write(struct journal *journal, struct kube *kube,
		     struct err *err)
{
	bool create = journal->resource_version == NULL;
	autojval struct jval *secret =
		parcel_wrap(JOURNAL_NAME, JOURNAL, journal->value, err);
	autojval struct jval *answer = NULL;
	struct err failure = ERR_INIT;

	if (secret == NULL)
		return -1;
	if (!create)
		jval_set_str(secret, "metadata.resourceVersion",
			     journal->resource_version);
	if (kube_call(kube, create ? "POST" : "PUT",
		      create ? PARCEL_SECRETS AS_MANAGER :
			       JOURNAL_PATH AS_MANAGER,
		      NULL, secret, &answer, &failure) == 0) {
		take_version(journal, answer);
		return 1;
	}
	if (is_overtaken(&failure, create))
		return compare_with_cluster(journal, kube, err);
	*err = failure;
	return err_wrap(err, "write the journal");
}

/* 1 when it is gone, 0 to try again. */
static int try_remove(struct journal *journal, struct kube *kube,
		      struct err *err)
{
	autojval struct jval *options =
		jval_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
			  "DeleteOptions", "preconditions", "resourceVersion",
			  journal->resource_version);
	struct err failure = ERR_INIT;

	if (kube_call(kube, "DELETE", JOURNAL_PATH, NULL, options, NULL,
		      &failure) == 0 ||
	    kube_is_not_found(&failure))
		return 1;
	if (kube_is_conflict(&failure))
		return compare_with_cluster(journal, kube, err) < 0 ? -1 : 0;
	*err = failure;
	return err_wrap(err, "remove the journal");
}

static int insist(struct journal *journal, struct kube *kube,
		  int (*once)(struct journal *, struct kube *, struct err *),
		  struct err *err)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		int done = once(journal, kube, err);

		if (done != 0)
			return done < 0 ? -1 : 0;
	}
	return err_set(err, ERR_API,
		       "the journal, Secret '" JOURNAL_NAME "', is changed by "
		       "somebody again and again");
}

static void remove_here(const struct state *state)
{
	autofree char *path = state_path(state, JOURNAL_FILE);

	if (unlinkat(state->dirfd, JOURNAL_FILE, 0) < 0 && errno != ENOENT)
		log_warn("cannot remove '%s': %s", path, strerror(errno));
}

/* Once something was changed a full disk must not keep us from ending it. */
static int keep_here(struct journal *journal, struct kube *kube,
		     const struct state *state, bool first, struct err *err)
{
	struct err failure = ERR_INIT;
	struct err unused = ERR_INIT;

	if (state == NULL || write_here(journal, state, &failure) == 0)
		return 0;
	if (!first) {
		log_warn("%s; the one in the cluster counts", failure.msg);
		return 0;
	}
	if (insist(journal, kube, try_remove, &unused) < 0)
		log_warn("%s", unused.msg);
	*err = failure;
	return -1;
}

int journal_write(struct journal *journal, struct kube *kube,
		  const struct state *state, struct err *err)
{
	bool first = journal->resource_version == NULL;

	journal_sign(journal);
	if (insist(journal, kube, try_write, err) < 0)
		return -1;
	return keep_here(journal, kube, state, first, err);
}

int journal_step(struct journal *journal, struct kube *kube,
		 const struct state *state, const char *step, struct err *err)
{
	jval_set_str(journal->value, "step", step);
	return journal_write(journal, kube, state, err);
}

int journal_close(struct journal *journal, struct kube *kube,
		  const struct state *state, struct err *err)
{
	if (journal->resource_version &&
	    insist(journal, kube, try_remove, err) < 0)
		return -1;
	if (state)
		remove_here(state);
	free(mem_steal(&journal->resource_version));
	return 0;
}

struct jval *journal_local(const struct state *state)
{
	autofree char *text = NULL;
	struct err ignored = ERR_INIT;
	size_t len;

	if (state == NULL ||
	    file_read(state->dirfd, JOURNAL_FILE, JOURNAL_MAX_BYTES, &text,
		      &len, &ignored) < 0)
		return NULL;
	return jval_parse(text, len, &ignored);
}

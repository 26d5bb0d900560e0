#include "txn/lease_object.h"

#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strs.h"
#include "txn/identity.h"

/* Somebody else's idea of a duration is not believed beyond this. */
#define MAX_DURATION_S 60
#define NOTE "dws-csm.io/"

static const char *note(const struct jval *object, const char *name)
{
	autofree char *key = mem_printf(NOTE "%s", name);

	return jval_string(
		jval_get(jval_path(object, "metadata.annotations"), key));
}

static void set_note(struct jval *object, const char *name, const char *text)
{
	jval_set(jval_path(object, "metadata.annotations"), name,
		 jval_new_str(text));
}

/* Members of identity_process, and the annotations that keep them. */
static const struct {
	const char *member;
	const char *note;
} places[] = {
	{ "host", NOTE "host" },
	{ "boot", NOTE "boot-id" },
	{ "pidNamespace", NOTE "pid-namespace" },
	{ "pid", NOTE "pid" },
	{ "start", NOTE "process-start" },
};

struct jval *lease_object(const char *operation)
{
	autojval struct jval *process = identity_process();
	autofree char *user = identity_user();
	autofree char *nonce = identity_new_id();
	autofree char *host = identity_host();
	autofree char *holder = mem_printf("%s@%s pid %ld %s", user, host,
					   (long)getpid(), nonce);
	struct jval *object = jval_pack(
		"{s:s, s:s, s:{s:s, s:s, s:{s:s}, s:{s:s}}, s:{s:i, s:i}}",
		"apiVersion", "coordination.k8s.io/v1", "kind", "Lease",
		"metadata", "name", LEASE_NAME, "namespace", DWS_NAMESPACE,
		"labels", "app.kubernetes.io/managed-by", "dws-csm",
		"annotations", NOTE "operation", operation, "spec",
		"leaseDurationSeconds", LEASE_DURATION_S, "leaseTransitions",
		0);

	set_note(object, NOTE "user", user);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (jval_str(process, places[i].member))
			set_note(object, places[i].note,
				 jval_str(process, places[i].member));
	jval_set_str(object, "spec.holderIdentity", holder);
	return object;
}

void lease_stamp(struct jval *object, const char *field)
{
	char second[CLOCK_RFC3339_SIZE];
	struct timespec now;
	autofree char *text = NULL;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_rfc3339(second, sizeof(second), now.tv_sec);
	text = mem_printf("%.19s.%06ldZ", second, now.tv_nsec / 1000);
	jval_set(jval_get(object, "spec"), field, jval_new_str(text));
}

void lease_succeed(struct jval *object, const struct jval *held)
{
	int64_t transitions = jval_int(held, "spec.leaseTransitions", 0);

	lease_stamp(object, "acquireTime");
	lease_stamp(object, "renewTime");
	if (held == NULL) {
		jval_del_path(object, "metadata.resourceVersion");
		return;
	}
	jval_set_str(object, "metadata.resourceVersion",
		     jval_str(held, "metadata.resourceVersion"));
	jval_set_path(object, "spec.leaseTransitions",
		      jval_new_int(transitions + 1));
}

bool lease_is_held(const struct jval *object)
{
	return !str_empty(jval_str(object, "spec.holderIdentity"));
}

bool lease_same_holder(const struct jval *a, const struct jval *b)
{
	return str_eq(jval_str(a, "spec.holderIdentity"),
		      jval_str(b, "spec.holderIdentity"));
}

bool lease_same_renewal(const struct jval *a, const struct jval *b)
{
	return a && b && lease_same_holder(a, b) &&
	       str_eq(jval_str(a, "metadata.uid"),
		      jval_str(b, "metadata.uid")) &&
	       str_eq(jval_str(a, "spec.renewTime"),
		      jval_str(b, "spec.renewTime"));
}

int64_t lease_duration_ms(const struct jval *object)
{
	int64_t seconds = jval_int(object, "spec.leaseDurationSeconds", 0);

	if (seconds < LEASE_DURATION_S)
		seconds = LEASE_DURATION_S;
	if (seconds > MAX_DURATION_S)
		seconds = MAX_DURATION_S;
	return seconds * 1000;
}

int lease_alive(const struct jval *object)
{
	const struct jval *notes = jval_path(object, "metadata.annotations");
	autojval struct jval *process = jval_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		jval_set(process, places[i].member,
			 jval_new_str(
				 jval_string(jval_get(notes, places[i].note))));
	return identity_alive(process);
}

/* Without the fraction, or NULL where it is no time; the caller's. */
static char *second_of(const struct jval *object, const char *path)
{
	const char *text = jval_str(object, path);
	char *second = mem_alloc(CLOCK_RFC3339_SIZE);
	struct err unused = ERR_INIT;
	time_t t;

	if (text && clock_parse_rfc3339(text, &t, &unused) == 0) {
		clock_rfc3339(second, CLOCK_RFC3339_SIZE, t);
		return second;
	}
	free(second);
	return NULL;
}

char *lease_text(const struct jval *object)
{
	const char *operation = note(object, "operation");
	const char *user = note(object, "user");
	const char *host = note(object, "host");
	const char *pid = note(object, "pid");
	const char *holder = jval_str(object, "spec.holderIdentity");
	autofree char *since = second_of(object, "spec.acquireTime");

	/* Not of our making, perhaps somebody's own precaution. */
	if (!operation || !user || !host || !pid)
		return mem_printf("'%s' holds Lease '" LEASE_NAME
				  "' of namespace '" DWS_NAMESPACE "' since %s",
				  holder ? holder : "",
				  since ? since : "an unknown time");
	return mem_printf("'%s' of user '%s' on '%s' (pid %s) since %s",
			  operation, user, host, pid,
			  since ? since : "an unknown time");
}

int lease_refuse(const struct jval *object, struct err *err)
{
	autofree char *text = lease_text(object);

	err_set(err, ERR_LOCKED,
		"another installer is at work: %s; wait until "
		"it has ended",
		text);
	if (lease_alive(object) < 0)
		err_hint(err, "where it was killed or its host is lost, "
			      "'dws-csm resume' or 'dws-csm rollback' take "
			      "over");
	return -1;
}

int lease_refuse_dead(const struct jval *object, struct err *err)
{
	autofree char *text = lease_text(object);

	return err_set(err, ERR_LOCKED,
		       "another installer was killed: %s; end what it began "
		       "with 'dws-csm resume' or 'dws-csm rollback'",
		       text);
}

struct jval *lease_describe(const struct jval *object)
{
	autofree char *since = second_of(object, "spec.acquireTime");
	autofree char *renewed = second_of(object, "spec.renewTime");
	const char *pid = note(object, "pid");
	struct err unused = ERR_INIT;
	int alive = lease_alive(object);
	uint64_t number = 0;

	if (str_empty(pid) || str_u64(pid, &number, &unused) < 0 ||
	    number > INT32_MAX)
		number = 0;
	return jval_pack(
		"{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "user",
		jval_new_str(note(object, "user")), "host",
		jval_new_str(note(object, "host")), "pid", (int64_t)number,
		"operation", jval_new_str(note(object, "operation")), "since",
		jval_new_str(since), "renewed", jval_new_str(renewed), "dead",
		alive < 0 ? jval_new_null() : jval_new_bool(!alive), "holder",
		jval_new_str(jval_str(object, "spec.holderIdentity")));
}

struct jval *lease_delete_options(const struct jval *object)
{
	return jval_pack("{s:s, s:s, s:{s:s?, s:s?}}", "apiVersion", "v1",
			 "kind", "DeleteOptions", "preconditions", "uid",
			 jval_str(object, "metadata.uid"), "resourceVersion",
			 jval_str(object, "metadata.resourceVersion"));
}

#include "txn/lease.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/apply.h"
#include "txn/lease_object.h"

#define RENEW_MS 5000
/* A call of the renewal; the next one tries again. */
#define RENEW_PATIENCE_MS 5000
#define LOOK_MS 1000
#define TRIES 10

struct lease {
	struct kube *kube;   /* the renewal's */
	struct jval *object; /* as it was written last */
	int64_t renewed_ms;  /* when that was begun */
	bool trouble;	     /* told already */
	bool lost;
	struct err why;

	/* Guards all of the above. */
	pthread_mutex_t lock;

	pthread_t thread;
	bool running;
	bool stop;
	pthread_mutex_t stop_lock;
	pthread_cond_t stop_sign;
};

/* --- calls ------------------------------------------------------------------ */

/* 1, or 0 where there is none. */
static int lease_get(struct kube *kube, struct jval **object, struct err *err)
{
	struct err failure = ERR_INIT;

	*object = kube_get(kube, LEASE_PATH, &failure);
	if (*object)
		return 1;
	if (kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return err_wrap(err, "read the lock");
}

/* Create it, or replace the one whose version is in `object`: 1 when that
 * went well (`answer` is what stands), 0 when it is another one by now. */
static int lease_put(struct kube *kube, const struct jval *object,
		     struct jval **answer, struct err *err)
{
	bool create = jval_str(object, "metadata.resourceVersion") == NULL;
	struct err failure = ERR_INIT;

	if (kube_call(kube, create ? "POST" : "PUT",
		      create ? LEASES_PATH
			      "?fieldManager=" APPLY_FIELD_MANAGER :
			       LEASE_PATH "?fieldManager=" APPLY_FIELD_MANAGER,
		      NULL, object, answer, &failure) == 0)
		return 1;
	if (kube_is_conflict(&failure) ||
	    (kube_is_not_found(&failure) && !create))
		return 0;
	*err = failure;
	return err_wrap(err, "write the lock");
}

/* What stands in the cluster is ours, since `begun_ms` at least. */
static void lease_own(struct lease *lease, struct jval *take, int64_t begun_ms)
{
	jval_free(lease->object);
	lease->object = take;
	lease->renewed_ms = begun_ms;
}

/* --- renewal ---------------------------------------------------------------- */

static void lease_lose(struct lease *lease, const struct jval *other)
{
	if (other)
		lease_refuse(other, &lease->why);
	else
		err_set(&lease->why, ERR_LOCKED,
			"Lease '" LEASE_NAME "' is gone and could not be "
			"renewed for longer than it lasts");
	err_wrap(&lease->why, "the lock was lost");
	lease->lost = true;
}

/* Somebody changed or deleted it. What is ours still goes on. */
static int lease_look_again(struct lease *lease, struct err *err)
{
	autojval struct jval *now = NULL;
	int found = lease_get(lease->kube, &now, err);
	int64_t age_ms = clock_now_ms() - lease->renewed_ms;

	if (found < 0)
		return -1;
	if (found && !lease_same_holder(now, lease->object)) {
		lease_lose(lease, now);
	} else if (found) {
		jval_set_str(lease->object, "metadata.resourceVersion",
			     jval_str(now, "metadata.resourceVersion"));
	} else if (age_ms < LEASE_DURATION_S * 1000) {
		/* Within that time nobody may have taken it over. */
		jval_del_path(lease->object, "metadata.resourceVersion");
		jval_del_path(lease->object, "metadata.uid");
	} else {
		lease_lose(lease, NULL);
	}
	return 0;
}

/* Under the lock. */
static int lease_renew(struct lease *lease, struct err *err)
{
	for (unsigned int i = 0; i < TRIES && !lease->lost; i++) {
		autojval struct jval *answer = NULL;
		int64_t begun_ms = clock_now_ms();
		int done;

		lease_stamp(lease->object, "renewTime");
		done = lease_put(lease->kube, lease->object, &answer, err);
		if (done < 0)
			return -1;
		if (done) {
			lease_own(lease, mem_steal(&answer), begun_ms);
			return 0;
		}
		if (lease_look_again(lease, err) < 0)
			return -1;
	}
	return 0;
}

static void lease_renew_or_tell(struct lease *lease)
{
	struct err err = ERR_INIT;

	pthread_mutex_lock(&lease->lock);
	if (!lease->lost && lease_renew(lease, &err) == 0) {
		if (lease->trouble && !lease->lost)
			log_info("the lock is renewed again");
		lease->trouble = false;
	} else if (!lease->lost && err.kind != ERR_INTERRUPTED) {
		if (!lease->trouble)
			log_warn("the lock cannot be renewed: %s; trying on",
				 err.msg);
		lease->trouble = true;
	}
	pthread_mutex_unlock(&lease->lock);
}

/* Until the next renewal is due: false when it shall end. */
static bool lease_pause(struct lease *lease)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += RENEW_MS / 1000;
	pthread_mutex_lock(&lease->stop_lock);
	while (!lease->stop &&
	       pthread_cond_timedwait(&lease->stop_sign, &lease->stop_lock,
				      &until) == 0)
		;
	stop = lease->stop;
	pthread_mutex_unlock(&lease->stop_lock);
	return !stop;
}

static void *lease_main(void *arg)
{
	struct lease *lease = arg;

	while (lease_pause(lease))
		lease_renew_or_tell(lease);
	return NULL;
}

static int lease_start(struct lease *lease, struct err *err)
{
	sigset_t all, before;
	int sys;

	/* Signals are for those who can act on them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sys = pthread_create(&lease->thread, NULL, lease_main, lease);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	lease->running = sys == 0;
	if (sys)
		return err_sys(err, sys, "cannot start a thread");
	return 0;
}

/* --- taking ----------------------------------------------------------------- */

/* Watch a Lease that we cannot judge for as long as it lasts: 1 when it was
 * not renewed meanwhile, 0 when it was or is gone. */
static int lease_watch(struct kube *kube, const struct jval *held,
		       struct err *err)
{
	int64_t duration_ms = lease_duration_ms(held);
	int64_t end = deadline_in_ms(duration_ms);
	autofree char *text = lease_text(held);
	unsigned int blind = 0;

	log_info("another installer may be at work: %s; watching for %lld s "
		 "whether it lives",
		 text, (long long)duration_ms / 1000);
	while (deadline_left_ms(end) > 0) {
		autojval struct jval *now = NULL;
		int64_t asked_ms;

		if (clock_sleep(LOOK_MS, err) < 0)
			return -1;
		asked_ms = clock_now_ms();
		if (lease_get(kube, &now, err) < 0)
			return -1;
		if (!lease_same_renewal(now, held))
			return 0;
		/* While we could not see it, it could not renew, either. */
		if (clock_now_ms() - asked_ms > LOOK_MS && blind++ < TRIES)
			end = deadline_in_ms(duration_ms);
	}
	return 1;
}

/* May we replace what is held: 1 yes, 0 look again, ERR_LOCKED. */
static int lease_judge(struct kube *kube, const struct jval *held,
		       bool *watched, bool recover, struct err *err)
{
	int alive = lease_alive(held);

	if (!lease_is_held(held))
		return 1;
	if (alive == 0 && !recover)
		return lease_refuse_dead(held, err);
	if (alive == 0)
		return 1;
	/* Somebody renewed it while we watched. */
	if (alive == 1 || !recover || *watched)
		return lease_refuse(held, err);
	*watched = true;
	return lease_watch(kube, held, err);
}

static void tell_takeover(const struct jval *held)
{
	autofree char *text = lease_text(held);

	if (lease_is_held(held))
		log_info("taking over from an installer that is gone: %s",
			 text);
}

/* 1 when we have it, 0 to look again. */
static int lease_try(struct lease *lease, bool recover, bool *watched,
		     struct err *err)
{
	autojval struct jval *held = NULL;
	autojval struct jval *answer = NULL;
	int done = lease_get(lease->kube, &held, err);

	if (done < 0)
		return -1;
	/* A create that was repeated may have gone well the first time. */
	if (held && lease_same_holder(held, lease->object)) {
		lease_own(lease, mem_steal(&held), clock_now_ms());
		return 1;
	}
	if (held) {
		done = lease_judge(lease->kube, held, watched, recover, err);
		if (done <= 0)
			return done;
		tell_takeover(held);
	}
	lease_succeed(lease->object, held);
	lease->renewed_ms = clock_now_ms();
	done = lease_put(lease->kube, lease->object, &answer, err);
	if (done > 0)
		lease_own(lease, mem_steal(&answer), lease->renewed_ms);
	return done;
}

static int lease_acquire(struct lease *lease, bool recover, struct err *err)
{
	bool watched = false;

	for (unsigned int i = 0; i < TRIES; i++) {
		int done = lease_try(lease, recover, &watched, err);

		if (done != 0)
			return done < 0 ? -1 : 0;
	}
	return err_set(err, ERR_LOCKED,
		       "others take the lock, Lease '" LEASE_NAME
		       "', again and again");
}

static void lease_free(struct lease *lease)
{
	kube_free(lease->kube);
	jval_free(lease->object);
	pthread_mutex_destroy(&lease->lock);
	pthread_mutex_destroy(&lease->stop_lock);
	pthread_cond_destroy(&lease->stop_sign);
	free(lease);
}

static struct lease *lease_new(struct kube_config *config,
			       const char *operation)
{
	struct lease *lease = mem_alloc(sizeof(*lease));
	pthread_condattr_t monotonic;

	pthread_mutex_init(&lease->lock, NULL);
	pthread_mutex_init(&lease->stop_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&lease->stop_sign, &monotonic);
	pthread_condattr_destroy(&monotonic);
	lease->kube = kube_new(config);
	kube_set_unguarded(lease->kube);
	lease->object = lease_object(operation);
	return lease;
}

/* Who was paused in the middle of many changes must not make the next one. */
static int lease_guard(void *ctx, struct err *err)
{
	return lease_check(ctx, err);
}

struct lease *lease_take(struct kube_config *config, const char *operation,
			 bool recover, struct err *err)
{
	struct lease *lease = lease_new(config, operation);

	if (lease_acquire(lease, recover, err) < 0) {
		lease_free(lease);
		return NULL;
	}
	kube_set_patience(lease->kube, RENEW_PATIENCE_MS);
	kube_set_call_timeout(lease->kube, RENEW_PATIENCE_MS);
	if (lease_start(lease, err) < 0) {
		lease_release(lease);
		return NULL;
	}
	kube_config_set_guard(config, lease_guard, lease);
	return lease;
}

int lease_check(struct lease *lease, struct err *err)
{
	struct err unknown = ERR_INIT;
	int result = 0;

	pthread_mutex_lock(&lease->lock);
	/* We were stopped, or the server was away: who holds it now? That it
	 * cannot be told is no loss. */
	if (!lease->lost &&
	    clock_now_ms() - lease->renewed_ms > LEASE_DURATION_S * 1000 &&
	    lease_renew(lease, &unknown) < 0)
		log_verbose("%s", unknown.msg);
	if (lease->lost) {
		*err = lease->why;
		result = -1;
	}
	pthread_mutex_unlock(&lease->lock);
	return result;
}

/* 1 when it is gone, or another's; 0 to try again. */
static int lease_delete(struct lease *lease, struct err *err)
{
	autojval struct jval *options = lease_delete_options(lease->object);
	struct err failure = ERR_INIT;

	if (kube_call(lease->kube, "DELETE", LEASE_PATH, NULL, options, NULL,
		      &failure) == 0 ||
	    kube_is_not_found(&failure))
		return 1;
	if (!kube_is_conflict(&failure)) {
		*err = failure;
		return -1;
	}
	return lease_look_again(lease, err) < 0 ? -1 : lease->lost;
}

static void lease_give_back(struct lease *lease)
{
	struct err err = ERR_INIT;
	/* After a signal, too. */
	bool deferred = interrupt_defer(true);
	int done = lease->lost;

	for (unsigned int i = 0; done == 0 && i < TRIES; i++)
		done = lease_delete(lease, &err);
	interrupt_defer(deferred);
	if (done <= 0)
		log_warn("the lock, Lease '" LEASE_NAME
			 "', could not be given back: %s; it ends by itself",
			 done < 0 ? err.msg : "somebody changes it");
}

void lease_release(struct lease *lease)
{
	if (lease == NULL)
		return;
	kube_config_set_guard(kube_config_of(lease->kube), NULL, NULL);
	pthread_mutex_lock(&lease->stop_lock);
	lease->stop = true;
	pthread_cond_signal(&lease->stop_sign);
	pthread_mutex_unlock(&lease->stop_lock);
	if (lease->running)
		pthread_join(lease->thread, NULL);
	lease_give_back(lease);
	lease_free(lease);
}

struct jval *lease_look(struct kube *kube, bool *none, struct err *err)
{
	autojval struct jval *object = NULL;
	int found = lease_get(kube, &object, err);

	if (found < 0)
		return NULL;
	*none = !lease_is_held(object);
	return *none ? NULL : lease_describe(object);
}

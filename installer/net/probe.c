#include "net/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define PROBE_SLICE_MS 100
#define LOOKUP_SLICE_MS 5

/* getaddrinfo hears no signal and has no deadline of ours. So it has a thread,
 * which is left alone when it takes too long; the last one frees. */
struct lookup {
	char *host, *port;
	struct addrinfo *found;
	int failed, sys;
	int64_t ms;
	atomic_bool done;
	atomic_int users;
};

static void lookup_drop(struct lookup *self)
{
	if (atomic_fetch_sub(&self->users, 1) > 1)
		return;
	if (self->found)
		freeaddrinfo(self->found);
	free(self->host);
	free(self->port);
	free(self);
}

static void *lookup_main(void *arg)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct lookup *self = arg;
	int64_t start = clock_now_ms();

	self->failed =
		getaddrinfo(self->host, self->port, &hints, &self->found);
	self->sys = errno;
	self->ms = clock_now_ms() - start;
	atomic_store(&self->done, true);
	lookup_drop(self);
	return NULL;
}

static int lookup_wait(struct lookup *self, int64_t timeout_ms, struct err *err)
{
	int64_t deadline = deadline_in_ms(timeout_ms);

	for (;;) {
		if (deadline_left_ms(deadline) == 0)
			return err_set(err, ERR_TIMEOUT,
				       "cannot find the address of '%s': no "
				       "name server answers",
				       self->host);
		if (atomic_load(&self->done))
			break;
		if (clock_sleep(LOOKUP_SLICE_MS, err) < 0)
			return -1;
	}
	return self->failed ? err_set(err, ERR_NET,
				      "cannot find the address of '%s': %s",
				      self->host,
				      self->failed == EAI_SYSTEM ?
					      strerror(self->sys) :
					      gai_strerror(self->failed)) :
			      0;
}

/* A thread for it, which nobody joins. */
static int lookup_start(struct lookup *self, struct err *err)
{
	pthread_t thread;
	int sys;

	atomic_store(&self->users, 2);
	sys = pthread_create(&thread, NULL, lookup_main, self);
	if (sys == 0) {
		pthread_detach(thread);
		return 0;
	}
	atomic_store(&self->users, 1);
	return err_sys(err, sys, "cannot start a thread");
}

int probe_name(struct probe *self, const char *host, const char *port,
	       int64_t timeout_ms, struct err *err)
{
	struct lookup *lookup = mem_alloc(sizeof(*lookup));
	char text[NI_MAXHOST];
	int result;

	lookup->host = mem_strdup(host);
	lookup->port = mem_strdup(port);
	result = lookup_start(lookup, err);
	if (result == 0)
		result = lookup_wait(lookup, timeout_ms, err);
	if (result == 0) {
		self->found = lookup->found;
		lookup->found = NULL;
		self->name_ms = lookup->ms;
	}
	lookup_drop(lookup);
	if (result < 0)
		return -1;
	for (struct addrinfo *at = self->found; at; at = at->ai_next)
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text),
				NULL, 0, NI_NUMERICHOST) == 0 &&
		    !strs_has(&self->addresses, text))
			strs_add(&self->addresses, text);
	return 0;
}

/* Until the socket is ready for `events`; a signal or the deadline ends it. */
static int wait_for(int fd, short events, int64_t deadline, struct err *err)
{
	struct pollfd ready = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = deadline_left_ms(deadline);

		if (clock_check_interrupt(err) < 0)
			return -1;
		if (left == 0)
			return err_set(err, ERR_TIMEOUT, "no answer");
		if (left > PROBE_SLICE_MS)
			left = PROBE_SLICE_MS;
		if (poll(&ready, 1, (int)left) > 0)
			return 0;
	}
}

static int connect_to(const struct addrinfo *at, int64_t deadline, int *result,
		      struct err *err)
{
	int fd = socket(at->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int sys = 0;
	socklen_t len = sizeof(sys);

	if (fd < 0)
		return err_sys(err, errno, "cannot open a socket");
	if (connect(fd, at->ai_addr, at->ai_addrlen) < 0 &&
	    errno != EINPROGRESS)
		sys = errno;
	else if (wait_for(fd, POLLOUT, deadline, err) < 0)
		goto fail;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0)
		sys = errno;
	if (sys == 0) {
		*result = fd;
		return 0;
	}
	err_set(err, ERR_NET, "%s", strerror(sys));
fail:
	close(fd);
	return -1;
}

int probe_connect(struct probe *self, int64_t timeout_ms, struct err *err)
{
	int64_t start = clock_now_ms();
	size_t nr = self->addresses.nr ? self->addresses.nr : 1;
	char text[NI_MAXHOST];

	for (struct addrinfo *at = self->found; at; at = at->ai_next) {
		/* One that is silent must not use up the time of the rest. */
		int64_t deadline = deadline_in_ms(timeout_ms / (int64_t)nr);

		err_clear(err);
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text),
				NULL, 0, NI_NUMERICHOST) != 0)
			text[0] = '\0';
		if (connect_to(at, deadline, &self->fd, err) == 0) {
			self->address = mem_strdup(text);
			self->connect_ms = clock_now_ms() - start;
			return 0;
		}
		if (err->kind == ERR_INTERRUPTED)
			return -1;
		err_wrap(err, "cannot connect to %s", text);
	}
	return -1;
}

static char *chain_text(SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL, *text;
	long len;

	if (bio == NULL)
		abort();
	for (int i = 0; i < sk_X509_num(chain); i++)
		PEM_write_bio_X509(bio, sk_X509_value(chain, i));
	len = BIO_get_mem_data(bio, &data);
	text = mem_strndup(data ? data : "", len > 0 ? (size_t)len : 0);
	BIO_free(bio);
	return text;
}

static int shake_hands(SSL *ssl, int fd, int64_t deadline, struct err *err)
{
	const char *reason;
	int result, sys;

	for (;;) {
		ERR_clear_error();
		result = SSL_connect(ssl);
		sys = errno;
		if (result == 1)
			return 0;
		switch (SSL_get_error(ssl, result)) {
		case SSL_ERROR_WANT_READ:
			if (wait_for(fd, POLLIN, deadline, err) < 0)
				return -1;
			break;
		case SSL_ERROR_WANT_WRITE:
			if (wait_for(fd, POLLOUT, deadline, err) < 0)
				return -1;
			break;
		default:
			reason = ERR_reason_error_string(ERR_peek_error());
			ERR_clear_error();
			return err_set(err, ERR_NET, "no TLS: %s",
				       reason ? reason :
				       sys    ? strerror(sys) :
						"the connection was closed");
		}
	}
}

/* Old protocols too, so that they can be told. */
static SSL *ssl_open(SSL_CTX *ctx, int fd, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];
	SSL *ssl;

	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_cipher_list(ctx, "DEFAULT:@SECLEVEL=0");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	ssl = SSL_new(ctx);
	if (ssl == NULL || !SSL_set_fd(ssl, fd))
		abort();
	if (inet_pton(AF_INET, host, address) != 1 &&
	    inet_pton(AF_INET6, host, address) != 1)
		SSL_set_tlsext_host_name(ssl, host);
	return ssl;
}

int probe_tls(struct probe *self, const char *host, int64_t timeout_ms,
	      struct err *err)
{
	int64_t start = clock_now_ms();
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	int result;

	if (ctx == NULL)
		abort();
	ssl = ssl_open(ctx, self->fd, host);
	result = shake_hands(ssl, self->fd, deadline_in_ms(timeout_ms), err);
	if (result == 0) {
		self->tls_ms = clock_now_ms() - start;
		self->protocol = mem_strdup(SSL_get_version(ssl));
		self->chain_pem = chain_text(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return result;
}

void probe_hang_up(struct probe *self)
{
	if (self->fd >= 0)
		close(self->fd);
	self->fd = -1;
}

void probe_release(struct probe *self)
{
	if (self->found)
		freeaddrinfo(self->found);
	probe_hang_up(self);
	strs_release(&self->addresses);
	free(self->address);
	free(self->protocol);
	free(self->chain_pem);
	*self = (struct probe)PROBE_INIT;
}

/*
 * fake_server - an HTTP server in a thread, for what no real server does.
 *
 * It answers the nth request with the nth text, byte for byte, and notes
 * what was asked. An empty text cuts the connection; a text that begins with
 * "~" is sent without reading the request's body, and the connection cut.
 * After the last text it cuts all.
 *
 *	struct fake_server server = { .answers = answers, .nr = 2 };
 *
 *	fake_server_start(&server);
 *	... ask http://127.0.0.1:<server.port>/ ...
 *	fake_server_stop(&server);
 */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strs.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

struct fake_server {
	const char *const *answers;
	size_t nr;
	int port;

	/* After fake_server_stop: "METHOD path body-bytes", and the heads. */
	struct strs asked;
	struct strs heads;

	int listener;
	pthread_t thread;
	size_t next;
	size_t connections;
};

static inline bool fake_read_head(int fd, struct buf *head)
{
	char c;

	buf_clear(head);
	while (!str_ends(buf_str(head), "\r\n\r\n")) {
		if (recv(fd, &c, 1, 0) != 1)
			return false;
		buf_addch(head, c);
	}
	return true;
}

static inline size_t fake_read_body(int fd, const char *head)
{
	const char *length = strcasestr(head, "\r\ncontent-length: ");
	size_t left = length ? strtoul(length + 18, NULL, 10) : 0, got = 0;
	static char block[65536];

	while (got < left) {
		ssize_t n = recv(fd, block, sizeof(block), 0);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

/* False when the connection is to be closed. */
static inline bool fake_answer(struct fake_server *server, int fd,
			       const char *head)
{
	const char *answer = server->next < server->nr ?
				     server->answers[server->next++] :
				     "";
	autofree char *line = mem_strndup(head, strcspn(head, "\r"));
	bool early = *answer == '~';
	size_t got = early ? 0 : fake_read_body(fd, head);
	char *version = strstr(line, " HTTP/");

	if (version)
		*version = '\0';
	strs_addf(&server->asked, "%s %zu", line, got);
	strs_add(&server->heads, head);
	answer += early;
	send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	return *answer && !early && !strstr(answer, "Connection: close");
}

static inline void *fake_serve(void *arg)
{
	struct fake_server *server = arg;
	auto_buf struct buf head = BUF_INIT(65536);
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		server->connections++;
		while (fake_read_head(fd, &head) &&
		       fake_answer(server, fd, buf_str(&head)))
			;
		close(fd);
	}
	return NULL;
}

static inline void fake_server_start(struct fake_server *server)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(server->listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(server->listener, 16), 0);
	assert_int_equal(getsockname(server->listener,
				     (struct sockaddr *)&address, &len),
			 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(
		pthread_create(&server->thread, NULL, fake_serve, server), 0);
}

/* The clients must be gone. */
static inline void fake_server_stop(struct fake_server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

static inline void fake_server_release(struct fake_server *server)
{
	strs_release(&server->asked);
	strs_release(&server->heads);
}

#endif

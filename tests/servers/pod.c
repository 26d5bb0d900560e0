/*
 * pod: plays the programs of DWS in pods that really run.
 *
 * Linked statically and put into an image under the name that the manifests
 * call: /manager for the controller and the webhook, anything else
 * (/kube-rbac-proxy) just stays until it is told to end.
 *
 *   manager                  answers the probes: HTTP 200 on port 8081
 *   manager --mode=webhook   that, and hands each connection to port 9443 on
 *                            to the same port of 192.0.2.10, where the tests'
 *                            webhook server is; so TLS is between that one
 *                            and the API server
 *   --crash, or a file /crash in the image: prints a line, exits 1
 *
 * Other arguments are taken and ignored, since the manifests give some.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROBE_PORT 8081
#define WEBHOOK_PORT 9443
#define WEBHOOK_HOST "192.0.2.10"

static void end(int sig)
{
	(void)sig;
	_exit(0);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    listen(fd, 64) < 0) {
		perror("pod: listen");
		exit(1);
	}
	return fd;
}

static void answer_probe(int fd)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
				 "Connection: close\r\n\r\nok";
	char request[4096];

	if (read(fd, request, sizeof(request)) > 0 &&
	    write(fd, ok, sizeof(ok) - 1) < 0)
		perror("pod: answer");
}

/* Moves what there is from one end to the other; 0 at the end. */
static int move(int to, int from)
{
	char buf[16384];
	ssize_t done = 0, n = read(from, buf, sizeof(buf));

	while (done < n) {
		ssize_t put = write(to, buf + done, (size_t)(n - done));

		if (put <= 0)
			return 0;
		done += put;
	}
	return n > 0;
}

static void hand_on(int fd)
{
	struct sockaddr_in there = { .sin_family = AF_INET,
				     .sin_port = htons(WEBHOOK_PORT) };
	struct pollfd both[2] = { { .fd = fd, .events = POLLIN },
				  { .events = POLLIN } };

	inet_pton(AF_INET, WEBHOOK_HOST, &there.sin_addr);
	both[1].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(both[1].fd, (struct sockaddr *)&there, sizeof(there)) < 0) {
		perror("pod: connect to " WEBHOOK_HOST);
		return;
	}
	while (poll(both, 2, -1) > 0) {
		if (both[0].revents && !move(both[1].fd, both[0].fd))
			return;
		if (both[1].revents && !move(both[0].fd, both[1].fd))
			return;
	}
}

/* One process for each connection: simple, and ends with the pod. */
static void serve(uint16_t port, void (*handle)(int fd))
{
	int listener = listen_on(port);

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (fork() == 0) {
			handle(fd);
			_exit(0);
		}
		close(fd);
	}
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	int webhook = 0, crash = access("/crash", F_OK) == 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--mode=webhook") == 0)
			webhook = 1;
		if (strcmp(argv[i], "--crash") == 0)
			crash = 1;
	}
	/* As process 1 a program ends only at signals that it handles. */
	signal(SIGTERM, end);
	signal(SIGINT, end);
	signal(SIGCHLD, SIG_IGN);
	printf("%s: starting\n", name);
	if (crash) {
		printf("%s: cannot read the configuration\n", name);
		return 1;
	}
	if (strcmp(name, "manager") == 0) {
		if (webhook && fork() == 0)
			serve(WEBHOOK_PORT, hand_on);
		printf("%s: serving\n", name);
		serve(PROBE_PORT, answer_probe);
	}
	for (;;)
		pause();
}

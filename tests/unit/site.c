#include "tests/unit/site.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(bool done, const char *what)
{
	if (!done) {
		perror(what);
		abort();
	}
}

static bool send_all(int fd, const char *bytes, size_t size, size_t piece)
{
	while (size > 0) {
		size_t now = piece > 0 && piece < size ? piece : size;
		ssize_t sent = send(fd, bytes, now, MSG_NOSIGNAL);
		if (sent == -1)
			return false;
		bytes += sent;
		size -= (size_t)sent;
		if (piece > 0)
			usleep(1000);
	}
	return true;
}

/* Until the client goes, the time is over, or the test ends. */
static void hold(struct site *site, int fd, unsigned ms)
{
	struct pollfd gone = { .fd = fd, .events = POLLRDHUP };
	for (unsigned waited = 0; waited < ms && !site->ending; waited += 10)
		if (poll(&gone, 1, 10) > 0)
			return;
}

static void serve(struct site *site, int fd)
{
	unsigned i = site->asked < SITE_REPLIES ? site->asked : SITE_REPLIES;
	char *request = site->requests[i];
	size_t size = 0;
	while (size + 1 < sizeof(site->requests[i]) && strstr(request, "\r\n\r\n") == NULL) {
		ssize_t got = recv(fd, request + size, sizeof(site->requests[i]) - 1 - size, 0);
		if (got <= 0)
			break;
		size += (size_t)got;
		request[size] = '\0';
	}
	site->asked++;
	static const struct site_reply none = {
		.head = "HTTP/1.1 500 No Reply Left\r\nContent-Length: 0\r\n\r\n",
	};
	const struct site_reply *reply = i < site->count ? &site->replies[i] : &none;
	if (send_all(fd, reply->head, strlen(reply->head), 0) &&
		send_all(fd, reply->body, reply->size, reply->piece))
		hold(site, fd, reply->hold_ms);
}

static void *site_run(void *context)
{
	struct site *site = context;
	while (!site->ending) {
		struct pollfd ready = { .fd = site->fd, .events = POLLIN };
		if (poll(&ready, 1, 20) <= 0)
			continue;
		int fd = accept(site->fd, NULL, NULL);
		if (fd == -1)
			continue;
		serve(site, fd);
		/* Closing with unread bytes would reset what is still on its way to the client. */
		shutdown(fd, SHUT_WR);
		hold(site, fd, 1000);
		close(fd);
	}
	return NULL;
}

void site_start(struct site *site)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	memset(site, 0, sizeof(*site));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	site->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(site->fd != -1, "socket");
	must(bind(site->fd, (struct sockaddr *)&address, size) == 0, "bind");
	must(listen(site->fd, 8) == 0, "listen");
	must(getsockname(site->fd, (struct sockaddr *)&address, &size) == 0, "getsockname");
	site->port = ntohs(address.sin_port);
	must(pthread_create(&site->thread, NULL, site_run, site) == 0, "pthread_create");
}

struct site_reply *site_reply(
	struct site *site, const void *body, size_t size, const char *head, ...)
{
	char lines[900];
	va_list args;
	must(site->count < SITE_REPLIES, "too many replies");
	struct site_reply *reply = &site->replies[site->count++];
	va_start(args, head);
	vsnprintf(lines, sizeof(lines), head, args);
	va_end(args);
	size_t used = 0;
	for (const char *at = lines; *at != '\0'; at++) {
		if (*at == '\n')
			reply->head[used++] = '\r';
		reply->head[used++] = *at;
	}
	snprintf(reply->head + used, sizeof(reply->head) - used, "Connection: close\r\n\r\n");
	reply->body = body;
	reply->size = size;
	return reply;
}

bool site_was_sent(const struct site *site, unsigned i, const char *line)
{
	char whole[512];
	snprintf(whole, sizeof(whole), "\r\n%s\r\n", line);
	return strstr(site->requests[i], whole) != NULL;
}

void site_end(struct site *site)
{
	site->ending = true;
	pthread_join(site->thread, NULL);
	close(site->fd);
}

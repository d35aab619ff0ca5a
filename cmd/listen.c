#include "cmd/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "state/base/file.h"

#define BACKLOG 16

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)address;
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	const struct sockaddr_in6 *v6 = (const void *)address;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static bool socket_open(const struct addrinfo *address, int *fd)
{
	int on = 1, off = 0;
	*fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd == -1)
		return false;
	setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(*fd, address->ai_addr, address->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0)
		return true;
	int why = errno;
	file_close(fd);
	errno = why;
	return false;
}

/* The machine has no such address, or none of its kind: another one of the same name may do. One
 * that is in use is told, or the page would stand where nobody looks for it. */
static bool is_not_there(int why)
{
	return why == EAFNOSUPPORT || why == EADDRNOTAVAIL;
}

/* The first of a family (AF_UNSPEC: of any) that can be had; 0, or why there is none. */
static int open_first(struct listening *listening, const struct addrinfo *found, int family)
{
	int why = EAFNOSUPPORT;
	for (const struct addrinfo *one = found; is_not_there(why) && one != NULL;
		one = one->ai_next) {
		if (family != AF_UNSPEC && family != one->ai_family)
			continue;
		why = socket_open(one, &listening->fd) ? 0 : errno;
		listening->loopback = is_loopback(one->ai_addr);
	}
	return why;
}

static void url_of(struct listening *listening)
{
	struct sockaddr_storage bound = { 0 };
	socklen_t size = sizeof(bound);
	char host[64] = "", port[16] = "";
	getsockname(listening->fd, (struct sockaddr *)&bound, &size);
	getnameinfo((struct sockaddr *)&bound, size, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV);
	bool v6 = strchr(host, ':') != NULL;
	snprintf(listening->url, sizeof(listening->url), "http://%s%s%s:%s/", v6 ? "[" : "", host,
		v6 ? "]" : "", port);
}

bool listen_open(struct listening *listening, const struct listen_at *at, struct error *error)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	const char *host = at->host[0] != '\0' ? at->host : NULL;
	struct addrinfo *found = NULL;
	char port[8];
	*listening = (struct listening){ .fd = -1 };
	snprintf(port, sizeof(port), "%u", at->port);
	int code = getaddrinfo(host, port, &hints, &found);
	if (code != 0)
		return error_set(
			error, ERROR_USAGE, "--listen: %s: %s", at->host, gai_strerror(code));
	/* Of every address, IPv6's takes what comes by IPv4, too. */
	int why = host == NULL ? open_first(listening, found, AF_INET6) : EAFNOSUPPORT;
	if (is_not_there(why))
		why = open_first(listening, found, AF_UNSPEC);
	freeaddrinfo(found);
	if (why == 0) {
		url_of(listening);
		return true;
	}
	errno = why;
	error_system(error, "cannot listen there, choose another address with --listen");
	error->kind = ERROR_REFUSED;
	return error_where(error, "%s:%u", at->host, at->port);
}

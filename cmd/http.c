/*
 * A stream has its connection suspended as long as there is nothing to send, so that the library
 * does not ask again and again; each turn wakes those for which something has come.
 */
#include "cmd/http.h"

#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "state/base/file.h"

#define CONNECTION_BYTES 32768
#define IDLE_S           60
#define BACKLOG          16
#define BLOCK            16384
#define STREAM_LIMIT     ((size_t)2 << 20) /* one that does not read is not written for */

struct stream {
	struct http *http;
	struct MHD_Connection *connection;
	struct http_view view;
	struct buf out;
	size_t sent;
	bool suspended;
	struct stream *next;
};

struct http {
	struct http_settings settings;
	struct MHD_Daemon *daemon;
	struct stream *streams;
	unsigned stream_count;
	bool loopback;
	bool closing;
};

static const struct {
	const char *name, *value;
} headers[] = {
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

static bool stream_has_more(const struct stream *stream)
{
	return stream->sent < stream->out.size;
}

static ssize_t stream_read(void *context, uint64_t at, char *bytes, size_t most)
{
	struct stream *stream = context;
	(void)at;
	if (stream->http->closing)
		return MHD_CONTENT_READER_END_OF_STREAM;
	size_t left = stream->out.size - stream->sent;
	size_t size = left < most ? left : most;
	if (size == 0) {
		buf_clear(&stream->out);
		stream->sent = 0;
		stream->suspended = true;
		MHD_suspend_connection(stream->connection);
		return 0;
	}
	memcpy(bytes, stream->out.bytes + stream->sent, size);
	stream->sent += size;
	return (ssize_t)size;
}

static void stream_end(void *context)
{
	struct stream *stream = context;
	struct stream **at = &stream->http->streams;
	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	stream->http->stream_count--;
	buf_free(&stream->out);
	free(stream);
}

static void stream_fill(struct stream *stream)
{
	struct http *http = stream->http;
	if (!stream_has_more(stream))
		http->settings.fill(http->settings.context, &stream->view, &stream->out);
	if (stream->suspended && (http->closing || stream_has_more(stream))) {
		stream->suspended = false;
		MHD_resume_connection(stream->connection);
	}
}

static struct MHD_Response *stream_response(
	struct http *http, struct MHD_Connection *connection, struct http_answer *answer)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		return NULL;
	*stream = (struct stream){ .http = http,
		.connection = connection,
		.view = answer->view,
		.out = { .limit = STREAM_LIMIT },
		.next = http->streams };
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK, stream_read, stream, stream_end);
	if (response == NULL) {
		free(stream);
		return NULL;
	}
	http->streams = stream;
	http->stream_count++;
	stream_fill(stream);
	return response;
}

/* The body becomes the response's. */
static struct MHD_Response *body_response(struct http_answer *answer)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->body.size, answer->body.bytes, MHD_RESPMEM_MUST_FREE);
	if (response != NULL)
		answer->body = (struct buf){ 0 };
	return response;
}

static enum MHD_Result queue(
	struct http *http, struct MHD_Connection *connection, struct http_answer *answer)
{
	struct MHD_Response *response =
		answer->stream ? stream_response(http, connection, answer) : body_response(answer);
	buf_free(&answer->body);
	if (response == NULL)
		return MHD_NO;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		MHD_add_response_header(response, headers[i].name, headers[i].value);
	MHD_add_response_header(response, "Content-Type", answer->type);
	MHD_add_response_header(response, "Content-Security-Policy", answer->policy);
	enum MHD_Result done = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return done;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **seen)
{
	static int marker;
	struct http *http = context;
	struct http_answer answer = { .status = 405, .type = "text/plain; charset=utf-8" };
	(void)version;
	(void)upload;
	/* Called first for the headers, then for what is uploaded, which nobody reads. */
	if (*seen == NULL || *upload_size > 0) {
		*seen = &marker;
		*upload_size = 0;
		return MHD_YES;
	}
	answer.policy = "default-src 'none'";
	const struct http_request request = {
		.path = url,
		.host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host"),
		.language =
			MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept-Language"),
		.lang = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "lang"),
		.year = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "year"),
	};
	bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	if (reads)
		http->settings.handle(http->settings.context, &request, &answer);
	if (answer.stream && http->stream_count == HTTP_STREAMS) {
		answer.stream = false;
		answer.status = 503;
		answer.type = "text/plain; charset=utf-8";
	}
	return queue(http, connection, &answer);
}

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)address;
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	const struct sockaddr_in6 *v6 = (const void *)address;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static bool socket_open(const struct addrinfo *address, int *fd, struct error *error)
{
	int on = 1, off = 0;
	*fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd == -1)
		return error_system(error, "cannot make a socket");
	setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(*fd, address->ai_addr, address->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0)
		return true;
	error_system(error, "cannot listen there, choose another address with --listen");
	error->kind = ERROR_REFUSED;
	file_close(fd);
	return false;
}

/* "http://127.0.0.1:8080/" of what the socket is bound to. */
static void url_of(int fd, char url[static 128])
{
	struct sockaddr_storage bound = { 0 };
	socklen_t size = sizeof(bound);
	char host[64] = "", port[16] = "";
	getsockname(fd, (struct sockaddr *)&bound, &size);
	getnameinfo((struct sockaddr *)&bound, size, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV);
	bool v6 = strchr(host, ':') != NULL;
	snprintf(url, 128, "http://%s%s%s:%s/", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

static bool daemon_start(struct http *http, int fd, struct error *error)
{
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		answer, http, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_END);
	return http->daemon != NULL ||
	       error_set(error, ERROR_SYSTEM, "the HTTP server cannot be started");
}

bool http_open(struct http **out, const struct http_settings *settings, char url[static 128],
	struct error *error)
{
	const struct listen_at *at = &settings->listen;
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_family = at->host[0] == '\0' ? AF_INET6 : AF_UNSPEC };
	struct addrinfo *found = NULL;
	char port[8];
	int fd = -1;
	*out = NULL;
	snprintf(port, sizeof(port), "%u", at->port);
	int code = getaddrinfo(at->host[0] != '\0' ? at->host : NULL, port, &hints, &found);
	if (code != 0)
		return error_set(
			error, ERROR_USAGE, "--listen: %s: %s", at->host, gai_strerror(code));
	struct http *http = calloc(1, sizeof(*http));
	bool done = http != NULL;
	if (http == NULL) {
		error_memory(error, "the HTTP server");
	} else {
		http->settings = *settings;
		http->loopback = is_loopback(found->ai_addr);
		done = socket_open(found, &fd, error) && daemon_start(http, fd, error);
	}
	freeaddrinfo(found);
	if (!done) {
		file_close(&fd);
		free(http);
		return error_where(error, "%s:%u", at->host, at->port);
	}
	url_of(fd, url);
	*out = http;
	return true;
}

bool http_turn(struct http *http, uint64_t wait_ms, bool fill, struct error *error)
{
	if (MHD_run_wait(http->daemon, (int32_t)wait_ms) != MHD_YES)
		return error_set(error, ERROR_SYSTEM, "the HTTP server has failed");
	for (struct stream *stream = http->streams; fill && stream != NULL; stream = stream->next)
		stream_fill(stream);
	return true;
}

bool http_is_loopback(const struct http *http)
{
	return http->loopback;
}

unsigned http_streams(const struct http *http)
{
	return http->stream_count;
}

void http_close(struct http *http)
{
	struct error ignored;
	if (http == NULL)
		return;
	/* A suspended connection would keep the library from stopping. */
	http->closing = true;
	(void)!http_turn(http, 0, true, &ignored);
	(void)!http_turn(http, 0, true, &ignored);
	MHD_stop_daemon(http->daemon);
	free(http);
}

/*
 * A stream has its connection suspended as long as there is nothing to send, so that the library
 * does not ask again and again; each turn wakes those for which something has come.
 */
#include "cmd/http.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "state/base/file.h"
#include "state/base/stop.h"

#define CONNECTION_BYTES 32768
#define IDLE_S           60
#define BLOCK            16384
#define STREAM_LIMIT     ((size_t)2 << 20)          /* one that does not read is not written for */
#define CROWD            (HTTP_CONNECTIONS * 3 / 4) /* from here on patience is short */

/* What a connection does; how long it may, however often it sends or takes a byte. */
enum visit_phase { VISIT_ASKS, VISIT_READS, VISIT_FOLLOWS };
static const struct {
	uint64_t wait_ms, crowded_wait_ms;
} patience[] = {
	[VISIT_ASKS] = { 10000, 1000 },
	[VISIT_READS] = { 60000, 10000 },
	[VISIT_FOLLOWS] = { UINT64_MAX, UINT64_MAX },
};

struct visit {
	struct MHD_Connection *connection; /* NULL: free */
	enum visit_phase phase;
	uint64_t since_ms;
};

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
	struct visit visits[HTTP_CONNECTIONS];
	unsigned visit_count;
	struct listening listening;
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

static void visit_goes_on(struct MHD_Connection *connection, enum visit_phase phase)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct visit *visit = info != NULL ? info->socket_context : NULL;
	if (visit == NULL)
		return;
	visit->phase = phase;
	visit->since_ms = clock_ms();
}

/* A connection has come or gone. */
static void visit_changes(void *context, struct MHD_Connection *connection, void **place,
	enum MHD_ConnectionNotificationCode code)
{
	struct http *http = context;
	struct visit *visit = *place;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (visit != NULL)
			*visit = (struct visit){ 0 };
		http->visit_count -= visit != NULL;
		return;
	}
	for (visit = http->visits; visit < http->visits + HTTP_CONNECTIONS; visit++)
		if (visit->connection == NULL) {
			*visit = (struct visit){ .connection = connection, .since_ms = clock_ms() };
			http->visit_count++;
			*place = visit;
			return;
		}
}

static void visit_asks_again(void *context, struct MHD_Connection *connection, void **seen,
	enum MHD_RequestTerminationCode code)
{
	(void)context;
	(void)seen;
	(void)code;
	visit_goes_on(connection, VISIT_ASKS);
}

/* The library only ends who is silent: one that sends a byte now and then would keep a connection
 * for ever, and as many as there are would keep everybody else out. Its own end of the connection
 * is taken from it; the library notices. */
static void visits_end(struct http *http)
{
	uint64_t now_ms = clock_ms();
	bool crowded = http->visit_count >= CROWD;
	for (struct visit *visit = http->visits; visit < http->visits + HTTP_CONNECTIONS; visit++) {
		uint64_t wait_ms = crowded ? patience[visit->phase].crowded_wait_ms
					   : patience[visit->phase].wait_ms;
		if (visit->connection == NULL || now_ms - visit->since_ms <= wait_ms)
			continue;
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(
			visit->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		if (info != NULL)
			shutdown(info->connect_fd, SHUT_RDWR);
	}
}

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
	if (answer->status == 405)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	enum MHD_Result done = MHD_queue_response(connection, answer->status, response);
	visit_goes_on(connection, answer->stream ? VISIT_FOLLOWS : VISIT_READS);
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

static bool daemon_start(struct http *http, struct error *error)
{
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		answer, http, MHD_OPTION_LISTEN_SOCKET, http->listening.fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_CONNECTION, visit_changes, http,
		MHD_OPTION_NOTIFY_COMPLETED, visit_asks_again, http, MHD_OPTION_END);
	return http->daemon != NULL ||
	       error_set(error, ERROR_SYSTEM, "the HTTP server cannot be started");
}

bool http_open(struct http **out, const struct http_settings *settings, struct error *error)
{
	*out = NULL;
	struct http *http = calloc(1, sizeof(*http));
	if (http == NULL)
		return error_memory(error, "the HTTP server");
	http->settings = *settings;
	if (listen_open(&http->listening, &settings->listen, error) && daemon_start(http, error)) {
		*out = http;
		return true;
	}
	file_close(&http->listening.fd);
	free(http);
	return false;
}

bool http_turn(struct http *http, uint64_t wait_ms, bool fill, struct error *error)
{
	if (MHD_run_wait(http->daemon, (int32_t)wait_ms) != MHD_YES)
		return error_set(error, ERROR_SYSTEM, "the HTTP server has failed");
	visits_end(http);
	for (struct stream *stream = http->streams; fill && stream != NULL; stream = stream->next)
		stream_fill(stream);
	return true;
}

const struct listening *http_listening(const struct http *http)
{
	return &http->listening;
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

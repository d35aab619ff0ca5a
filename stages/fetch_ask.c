#include "stages/fetch_ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "stages/fetch_transfer.h"
#include "stages/source.h"
#include "state/base/stop.h"

bool ask_start(struct error *error)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(error, ERROR_SYSTEM, "libcurl cannot be started");
	return true;
}

void ask_finish(void)
{
	curl_global_cleanup();
}

void ask_url_short(const char *url, char *text, size_t room)
{
	char shown[URL_MAX];
	source_url_shown(url, shown);
	size_t size = strcspn(shown, "?#");
	if (size >= room)
		size = room - 1;
	memcpy(text, shown, size);
	text[size] = '\0';
}

bool ask_local_path(const char *url, char *path, size_t room)
{
	char *decoded = NULL;
	CURLU *parts = curl_url();
	bool local = parts != NULL && strncasecmp(url, "file:", 5) == 0 &&
		     curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		     curl_url_get(parts, CURLUPART_PATH, &decoded, CURLU_URLDECODE) == CURLUE_OK &&
		     strlen(decoded) < room;
	if (local)
		snprintf(path, room, "%s", decoded);
	curl_free(decoded);
	curl_url_cleanup(parts);
	return local;
}

static void stall_mark(struct transfer *transfer, curl_off_t bytes)
{
	transfer->marked = bytes;
	transfer->marked_ms = clock_ms();
}

bool transfer_headers_there(const struct answer *answer)
{
	return answer->complete && answer->status >= 200;
}

static size_t on_header(char *line, size_t one, size_t size, void *context)
{
	struct transfer *transfer = context;
	struct answer *answer = &transfer->ask->answer;
	size_t bytes = one * size;
	bool before = transfer_headers_there(answer);
	if (!answer->local)
		answer_header(answer, line, bytes);
	/* Only all of them end the wait: a line now and then could go on for ever. */
	if (!before && transfer_headers_there(answer))
		stall_mark(transfer, transfer->marked);
	/* libcurl keeps every header it sees. */
	transfer->header_bytes += bytes;
	transfer->flooded = transfer->header_bytes > HEADERS_MAX;
	return transfer->flooded ? 0 : bytes;
}

static void local_length(struct transfer *transfer)
{
	struct answer *answer = &transfer->ask->answer;
	curl_off_t length = -1;
	if (answer->local && !answer->has_length &&
		curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) ==
			CURLE_OK &&
		length >= 0) {
		answer->has_length = true;
		answer->length = (uint64_t)length;
	}
}

static size_t on_body(char *bytes, size_t one, size_t size, void *context)
{
	struct transfer *transfer = context;
	struct ask *ask = transfer->ask;
	local_length(transfer);
	transfer->unwanted = !ask->take(ask->context, bytes, one * size);
	return transfer->unwanted ? CURL_WRITEFUNC_ERROR : one * size;
}

/* libcurl's own LOW_SPEED limit looks at an average of several seconds; this one keeps to stall_s.
 */
static bool stalls(struct transfer *transfer, curl_off_t now)
{
	uint32_t stall_s = transfer->ask->settings->stall_s;
	if (!transfer->connected || stall_s == 0 ||
		clock_ms() - transfer->marked_ms < (uint64_t)stall_s * 1000)
		return false;
	if (now - transfer->marked < (curl_off_t)stall_s)
		return true;
	stall_mark(transfer, now);
	return false;
}

static int on_progress(
	void *context, curl_off_t size, curl_off_t now, curl_off_t up_size, curl_off_t up)
{
	(void)size;
	(void)up_size;
	(void)up;
	struct transfer *transfer = context;
	if (transfer->ask->tick != NULL)
		transfer->ask->tick(transfer->ask->context);
	transfer->stalled = stalls(transfer, now);
	return stop_requested() || transfer->stalled ? 1 : 0;
}

/* As libcurl makes it, which then says no more than that it could not connect. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *transfer = context;
	(void)purpose;
	int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
	if (fd == -1)
		transfer->no_socket = errno;
	return fd; /* -1 is CURL_SOCKET_BAD */
}

/* Connected, nothing sent yet: the moment to see that a chain of redirects has left https. */
static int on_connected(void *context, char *to, char *from, int to_port, int from_port)
{
	(void)to;
	(void)from;
	(void)to_port;
	(void)from_port;
	struct transfer *transfer = context;
	const char *url = NULL;
	if (curl_easy_getinfo(transfer->curl, CURLINFO_EFFECTIVE_URL, &url) != CURLE_OK ||
		url == NULL)
		return CURL_PREREQFUNC_ABORT;
	bool secure = strncasecmp(url, "https:", 6) == 0;
	/* What the server before this one answered is no part of this answer. */
	transfer->ask->answer = (struct answer){ .local = transfer->ask->answer.local };
	transfer->fell = transfer->secure && !secure;
	transfer->secure = transfer->secure || secure;
	transfer->connected = true;
	stall_mark(transfer, 0);
	return transfer->fell ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static bool header_add(struct transfer *transfer, const char *name, const char *value)
{
	char line[400];
	snprintf(line, sizeof(line), "%s: %s", name, value);
	struct curl_slist *longer = curl_slist_append(transfer->headers, line);
	if (longer != NULL)
		transfer->headers = longer;
	return longer != NULL;
}

/* RFC 9110, 13.2.2: If-None-Match is looked at first, then Range with If-Range. So one request
 * serves both what we have and the part of something newer. */
static bool headers_make(struct transfer *transfer)
{
	const struct question *question = &transfer->ask->question;
	const struct validators *have = question->have;
	const struct validators *part = question->part;
	char range[48];
	bool done = header_add(transfer, "Accept-Encoding", "identity");
	if (done && have != NULL && have->etag[0] != '\0')
		done = header_add(transfer, "If-None-Match", have->etag);
	else if (done && have != NULL)
		done = header_add(transfer, "If-Modified-Since", have->last_modified);
	if (!done || part == NULL)
		return done;
	snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", question->offset);
	return header_add(transfer, "Range", range) &&
	       header_add(transfer, "If-Range",
		       part->etag[0] == '"' ? part->etag : part->last_modified);
}

static bool options_set(struct transfer *transfer)
{
	CURL *curl = transfer->curl;
	const struct fetch_settings *settings = transfer->ask->settings;
	bool secure = strncasecmp(transfer->ask->url, "https:", 6) == 0;
	CURLcode codes[] = {
		curl_easy_setopt(curl, CURLOPT_URL, transfer->ask->url),
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file"),
		curl_easy_setopt(
			curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https"),
		curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L),
		curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX),
		/* One file at a time: nothing to gain from HTTP/2, and lengths are plain here. */
		curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1),
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers),
		curl_easy_setopt(curl, CURLOPT_USERAGENT, "dvf-import"),
		curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)settings->chunk),
		curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)settings->connect_s),
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L),
		curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L),
		curl_easy_setopt(curl, CURLOPT_NOBODY, transfer->ask->head_only ? 1L : 0L),
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->said),
		curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header),
		curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer),
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body),
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer),
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L),
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress),
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer),
		curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_connected),
		curl_easy_setopt(curl, CURLOPT_PREREQDATA, transfer),
		curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket),
		curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer),
		settings->ca_file == NULL
			? CURLE_OK
			: curl_easy_setopt(curl, CURLOPT_CAINFO, settings->ca_file),
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] != CURLE_OK)
			return false;
	return true;
}

static void led_to(struct transfer *transfer)
{
	long redirects = 0;
	const char *url = NULL;
	struct ask *ask = transfer->ask;
	if (curl_easy_getinfo(transfer->curl, CURLINFO_REDIRECT_COUNT, &redirects) == CURLE_OK &&
		redirects > 0 &&
		curl_easy_getinfo(transfer->curl, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK &&
		url != NULL)
		ask_url_short(url, ask->led_to, sizeof(ask->led_to));
}

enum ask_end ask_send(struct ask *ask, struct error *error)
{
	enum ask_end end = ASK_IMPOSSIBLE;
	struct transfer transfer = { .ask = ask, .curl = curl_easy_init() };
	memset(&ask->answer, 0, sizeof(ask->answer));
	ask->answer.local = strncasecmp(ask->url, "file:", 5) == 0;
	ask->led_to[0] = '\0';
	if (transfer.curl == NULL || !headers_make(&transfer) || !options_set(&transfer)) {
		error_memory(error, "a download");
		goto out;
	}
	CURLcode code = curl_easy_perform(transfer.curl);
	local_length(&transfer);
	led_to(&transfer);
	if (transfer.unwanted)
		end = ASK_UNWANTED;
	else if (code == CURLE_OK && !ask->answer.local && !transfer_headers_there(&ask->answer))
		end = transfer_end_in_headers(error);
	else if (code == CURLE_OK)
		end = ASK_WHOLE;
	else
		end = transfer_end_failed(&transfer, code, error);
out:
	curl_slist_free_all(transfer.headers);
	curl_easy_cleanup(transfer.curl);
	return end;
}

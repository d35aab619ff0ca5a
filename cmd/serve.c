#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/hosts.h"
#include "cmd/http.h"
#include "cmd/metrics.h"
#include "cmd/page.h"
#include "cmd/watching.h"
#include "page_files.h"
#include "state/base/log.h"
#include "state/base/stop.h"
#include "state/json.h"
#include "state/ledger.h"

#define TURN_MS   250
#define FILL_MS   1000  /* how often streams are told what changed */
#define IDLE_MS   2000  /* how often it looks when nobody asks, to know what moves */
#define SILENT_MS 15000 /* a stream says something, so that proxies and the page keep it */

struct serving {
	struct watching watching;
	const struct hosts *hosts;
	struct http *http;
};

static const struct {
	const char *path, *type, *text;
} files[] = {
	{ "/page.css", "text/css; charset=utf-8", page_css },
	{ "/page.js", "text/javascript; charset=utf-8", page_js },
	{ "/dygraph.css", "text/css; charset=utf-8", dygraph_min_css },
	{ "/dygraph.js", "text/javascript; charset=utf-8", dygraph_min_js },
	{ "/icon.svg", "image/svg+xml", icon_svg },
};

/* ?lang= over Accept-Language, of which the first language that we have counts. */
static bool wants_french(const struct http_request *request)
{
	if (request->lang != NULL)
		return strcmp(request->lang, "fr") == 0;
	const char *at = request->language != NULL ? request->language : "";
	for (; *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
		at += strspn(at, " \t");
		if (strncasecmp(at, "fr", 2) == 0)
			return true;
		if (strncasecmp(at, "en", 2) == 0)
			return false;
	}
	return false;
}

static int wanted_year(const struct http_request *request)
{
	uint64_t year = 0;
	struct error ignored;
	if (request->year == NULL ||
		!setting_number(request->year, YEAR_FIRST, YEAR_LAST, &year, &ignored))
		return 0;
	return (int)year;
}

static struct page page_of(const struct watching *watching, int year)
{
	struct page page = { .look = watching->look,
		.standing = &watching->standing,
		.chain = &watching->chain,
		.year = year };
	memcpy(page.at, watching->at, sizeof(page.at));
	return page;
}

static bool answer_page(
	struct serving *serving, const struct http_request *request, struct http_answer *answer)
{
	struct html html = { .french = wants_french(request) };
	struct page page = page_of(&serving->watching, wanted_year(request));
	page_whole(&html, &page);
	answer->type = "text/html; charset=utf-8";
	answer->policy = page_policy;
	answer->body = html.buf;
	return !html.failed;
}

static bool answer_health(struct serving *serving, struct http_answer *answer)
{
	const struct standing *standing = &serving->watching.standing;
	struct error ignored;
	answer->type = "application/json";
	answer->status = standing->healthy ? 200 : 503;
	return buf_print(&answer->body, &ignored, "{\"schema\":1,\"healthy\":%s",
		       standing->healthy ? "true" : "false") &&
	       json_add_name(&answer->body, "state", &ignored) &&
	       json_add_text(&answer->body, standing_word(standing->state), &ignored) &&
	       json_add_name(&answer->body, "reason", &ignored) &&
	       json_add_text(&answer->body, standing->reason, &ignored) &&
	       json_add_name(&answer->body, "at", &ignored) &&
	       json_add_text(&answer->body, serving->watching.at, &ignored) &&
	       buf_add_text(&answer->body, "}\n", &ignored);
}

static bool answer_metrics(struct serving *serving, struct http_answer *answer)
{
	const struct watching *watching = &serving->watching;
	struct error ignored;
	answer->type = "text/plain; version=0.0.4; charset=utf-8";
	return metrics_write(
		&answer->body, watching->look, &watching->standing, &watching->chain, &ignored);
}

static bool answer_stream(const struct http_request *request, struct http_answer *answer)
{
	struct error ignored;
	answer->type = "text/event-stream";
	answer->stream = true;
	answer->view.french = wants_french(request);
	answer->view.year = wanted_year(request);
	return buf_add_text(&answer->body, "too many are watching\n", &ignored);
}

static bool answer_file(const struct http_request *request, struct http_answer *answer)
{
	struct error ignored;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(request->path, files[i].path) == 0) {
			answer->type = files[i].type;
			return buf_add_text(&answer->body, files[i].text, &ignored);
		}
	answer->status = 404;
	return buf_add_text(&answer->body, "there is no such page\n", &ignored);
}

static bool answer_stranger(struct http_answer *answer)
{
	struct error ignored;
	answer->status = 421;
	return buf_add_text(&answer->body,
		"this host is not served here: dvf-import serve --host NAME allows it\n", &ignored);
}

static bool answer_path(
	struct serving *serving, const struct http_request *request, struct http_answer *answer)
{
	watching_look(&serving->watching, wanted_year(request));
	if (strcmp(request->path, "/") == 0)
		return answer_page(serving, request, answer);
	if (strcmp(request->path, "/healthz") == 0)
		return answer_health(serving, answer);
	if (strcmp(request->path, "/metrics") == 0)
		return answer_metrics(serving, answer);
	if (strcmp(request->path, "/events") == 0)
		return answer_stream(request, answer);
	return answer_file(request, answer);
}

static void handle(void *context, const struct http_request *request, struct http_answer *answer)
{
	struct serving *serving = context;
	answer->status = 200;
	bool done = hosts_take(serving->hosts, request->host)
			    ? answer_path(serving, request, answer)
			    : answer_stranger(answer);
	if (!done) {
		buf_free(&answer->body);
		answer->status = 503;
	}
}

/* FNV-1a: whether a section is what it was. */
static uint64_t fingerprint(const struct buf *buf)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < buf->size; i++)
		hash = (hash ^ (unsigned char)buf->bytes[i]) * 1099511628211u;
	return hash;
}

static bool tell_section(
	struct buf *out, enum page_section section, const char *markup, struct error *error)
{
	return buf_add_text(out, "event: section\ndata: {", error) &&
	       json_add_name(out, "id", error) &&
	       json_add_text(out, page_section_id(section), error) &&
	       json_add_name(out, "html", error) && json_add_text(out, markup, error) &&
	       buf_add_text(out, "}\n\n", error);
}

static void fill(void *context, struct http_view *view, struct buf *out)
{
	struct serving *serving = context;
	struct error ignored;
	watching_look(&serving->watching, view->year);
	struct page page = page_of(&serving->watching, view->year);
	for (enum page_section i = 0; i < PAGE_SECTIONS; i++) {
		struct html html = { .french = view->french };
		page_section(&html, &page, i);
		uint64_t print = fingerprint(&html.buf);
		size_t before = out->size;
		if (!html.failed && print != view->seen[i] && html.buf.size > 0) {
			/* What found no room is not left half said. */
			if (tell_section(out, i, html.buf.bytes, &ignored))
				view->seen[i] = print;
			else
				out->size = before;
		}
		buf_free(&html.buf);
	}
	uint64_t now_ms = clock_ms();
	if (out->size == 0 && now_ms - view->spoke_ms > SILENT_MS)
		(void)!buf_add_text(out, "event: alive\ndata:\n\n", &ignored);
	if (out->size > 0)
		view->spoke_ms = now_ms;
}

static bool serve(struct serving *serving, struct error *error)
{
	uint64_t filled_ms = 0, looked_ms = 0;
	bool done = true;
	while (done && !stop_requested()) {
		uint64_t now_ms = clock_ms();
		bool fill_now = http_streams(serving->http) > 0 && now_ms - filled_ms >= FILL_MS;
		if (fill_now)
			filled_ms = now_ms;
		else if (now_ms - looked_ms >= IDLE_MS)
			watching_look(&serving->watching, 0);
		if (now_ms - looked_ms >= IDLE_MS)
			looked_ms = now_ms;
		done = http_turn(serving->http, TURN_MS, fill_now, error);
	}
	return done;
}

/* The page says the same, but to those who ask for it; who starts it looks here. */
static void tell_unreadable(struct serving *serving)
{
	struct watching *watching = &serving->watching;
	char *path = NULL;
	watching_look(watching, 0);
	if (watching->look != NULL ||
		asprintf(&path, "%s/" LEDGER_FILE, watching->state_folder) == -1)
		return;
	bool none_yet = access(path, F_OK) == -1 && errno == ENOENT;
	log_note(none_yet ? LOG_INFO : LOG_WARNING, 0, "nothing can be shown%s: %s",
		none_yet ? " yet" : "", watching->standing.reason);
	free(path);
}

int command_serve(const struct options *options)
{
	struct serving serving = { .watching.state_folder = options->state_folder,
		.hosts = &options->hosts };
	const struct http_settings settings = {
		.listen = options->listen, .handle = handle, .fill = fill, .context = &serving
	};
	struct error error;
	error_clear(&error);
	stop_install();
	bool done = http_open(&serving.http, &settings, &error);
	if (done) {
		const struct listening *listening = http_listening(serving.http);
		log_note(LOG_INFO, 0, "serving %s, state in %s", listening->url,
			options->state_folder);
		if (!listening->loopback)
			log_note(LOG_WARNING, 0,
				"other machines can look, without a password: put a proxy that asks "
				"for one before it");
		tell_unreadable(&serving);
		done = serve(&serving, &error);
	}
	http_close(serving.http);
	watching_end(&serving.watching);
	return done ? EXIT_ALL : command_failed(options, &error);
}

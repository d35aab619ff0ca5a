#include "stages/lineage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stages/fetch_ask.h"
#include "stages/lineage_event.h"
#include "stages/lineage_send.h"
#include "state/base/log.h"

#define ENDPOINT "/api/v1/lineage"

struct lineage {
	const struct lineage_settings *settings;
	struct lineage_send *send;
	struct lineage_runs open; /* the first is the run as a whole */
	struct sink_place place;
	struct sink_place live; /* where years were copied from */
	bool placed;
	bool told; /* that an event could not be made */
};

static bool server_take(char **target, const char *text, struct error *error)
{
	struct sources checked = { 0 };
	const char *host = strstr(text, "://") + 3;
	const char *path = host + strcspn(host, "/?#");
	/* Sources are checked for the same: a scheme, a host, a port, no byte that must not be. */
	if (!source_set_year(&checked, YEAR_FIRST, text, error))
		return error_set(error, ERROR_USAGE,
			"the URL cannot be used: it needs a host, a port that is a number, no "
			"blanks, and : / ? # @ inside a user or password percent-encoded");
	bool bare = path[0] == '\0' || strcmp(path, "/") == 0;
	int size = asprintf(target, "%.*s%s", bare ? (int)(path - text) : (int)strlen(text), text,
		bare ? ENDPOINT : "");
	if (size == -1)
		*target = NULL;
	return size != -1 || error_memory(error, "a setting");
}

/* user:password@host without a scheme, which would be shown whole, as files are. */
static bool like_a_url(const char *text)
{
	const char *colon = strchr(text, ':');
	return text[0] != '/' && text[0] != '.' && colon != NULL && strchr(colon, '@') != NULL;
}

bool lineage_target_take(char **target, const char *text, struct error *error)
{
	char path[4096];
	size_t scheme =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
	free(*target);
	*target = NULL;
	if (lineage_is_server(text))
		return server_take(target, text, error);
	if (strncasecmp(text, "file://", 7) == 0 && ask_local_path(text, path, sizeof(path)))
		text = path;
	else if (scheme > 0 && strncmp(text + scheme, "://", 3) == 0)
		return error_set(error, ERROR_USAGE,
			"events go to a file, or to a URL that begins with http:// or https://, "
			"not to %.*s://",
			scheme > 20 ? 20 : (int)scheme, text);
	else if (like_a_url(text))
		return error_set(error, ERROR_USAGE,
			"a scheme is missing: events go to a URL that begins with http:// or https://, "
			"or to a file, which is written with ./ in front when it has : and @ in its name");
	*target = strdup(text);
	return *target != NULL || error_memory(error, "a setting");
}

/* An event that cannot be made (there is no memory for it) is one that is missing, no more. */
static void say(struct lineage *lineage, const struct lineage_event *event)
{
	struct error error;
	struct buf json = { 0 };
	if (lineage_event_make(&json, event, &error))
		lineage_send(lineage->send, &json);
	else if (!lineage->told)
		log_note(LOG_WARNING, 0, "a lineage event could not be made: %s", error.text);
	lineage->told = lineage->told || json.size == 0;
	buf_free(&json);
}

static void say_plain(struct lineage *lineage, const struct lineage_run *run,
	enum lineage_type type, const char *message)
{
	const struct lineage_event event = { .type = type, .run = run, .message = message };
	say(lineage, &event);
}

static struct lineage_run *open_year(struct lineage *lineage, int year)
{
	for (unsigned i = 1; i < lineage->open.count; i++)
		if (lineage->open.items[i].year == year)
			return &lineage->open.items[i];
	return NULL;
}

/* It stands in the file before its START is said: an ABORT too much does no harm. */
static struct lineage_run *run_begin(struct lineage *lineage, int year)
{
	struct lineage_runs *open = &lineage->open;
	if (open->count == LINEAGE_OPEN_MAX)
		return NULL;
	struct lineage_run *run = &open->items[open->count];
	*run = (struct lineage_run){ .year = year };
	if (!lineage_uuid(run->id))
		return NULL;
	snprintf(run->job, sizeof(run->job), year != 0 ? LINEAGE_JOB ".%d" : LINEAGE_JOB, year);
	snprintf(run->job_namespace, sizeof(run->job_namespace), "%s",
		lineage->settings->job_namespace);
	if (year != 0)
		memcpy(run->parent, open->items[0].id, sizeof(run->parent));
	open->count++;
	lineage_left_write(lineage->settings->state_folder, open);
	return run;
}

static void run_forget(struct lineage *lineage, struct lineage_run *run)
{
	struct lineage_runs *open = &lineage->open;
	*run = open->items[--open->count];
	lineage_left_write(lineage->settings->state_folder, open);
}

static void say_of_killed(struct lineage *lineage)
{
	struct lineage_runs *left = calloc(1, sizeof(*left));
	if (left == NULL)
		return;
	lineage_left_read(lineage->settings->state_folder, left);
	for (unsigned i = left->count; i > 0; i--)
		say_plain(lineage, &left->items[i - 1], LINEAGE_ABORT,
			"the process was killed; the next run found it so");
	free(left);
}

struct lineage *lineage_open(const struct lineage_settings *settings)
{
	struct error error;
	if (settings->target == NULL)
		return NULL;
	struct lineage *lineage = calloc(1, sizeof(*lineage));
	if (lineage == NULL || (lineage->send = lineage_send_open(settings->target, settings->token,
					settings->ca_file, &error)) == NULL) {
		log_note(LOG_WARNING, 0, "no lineage events are made: %s",
			lineage != NULL ? error.text : "out of memory");
		free(lineage);
		return NULL;
	}
	lineage->settings = settings;
	say_of_killed(lineage);
	const struct lineage_run *run = run_begin(lineage, 0);
	if (run == NULL) {
		log_note(LOG_WARNING, 0, "no lineage events are made: there is no randomness");
		lineage_send_close(lineage->send);
		free(lineage);
		return NULL;
	}
	say_plain(lineage, run, LINEAGE_START, NULL);
	return lineage;
}

static void say_of_year(struct lineage *lineage, struct sink *sink, struct lineage_event *event)
{
	if (!lineage->placed && sink->ops->place != NULL && sink->uuid[0] != '\0') {
		sink->ops->place(sink, &lineage->place);
		lineage->placed = true;
	}
	event->place = lineage->placed ? &lineage->place : NULL;
	event->from = event->run->copied ? &lineage->live : NULL;
	say(lineage, event);
}

static void year_begin(
	struct lineage *lineage, struct sink *sink, const struct edition *edition, bool copied)
{
	if (open_year(lineage, edition->year) != NULL)
		return;
	struct lineage_run *run = run_begin(lineage, edition->year);
	struct lineage_event event = { .type = LINEAGE_START, .run = run, .edition = edition };
	if (run == NULL)
		return;
	run->copied = copied;
	say_of_year(lineage, sink, &event);
}

void lineage_year_begin(struct lineage *lineage, struct sink *sink, const struct edition *edition)
{
	if (lineage != NULL)
		year_begin(lineage, sink, edition, false);
}

void lineage_copy_begin(struct lineage *lineage, struct sink *sink, struct sink *from,
	const struct edition *edition)
{
	if (lineage == NULL)
		return;
	from->ops->place(from, &lineage->live);
	year_begin(lineage, sink, edition, true);
}

void lineage_year_end(struct lineage *lineage, struct sink *sink, const struct edition *edition,
	const struct year_progress *progress)
{
	enum year_outcome outcome = progress->outcome;
	const struct lineage_figures figures = { .rows = progress->state.rows,
		.rejects = progress->state.rejects,
		.plain_size = progress->state.plain_done };
	bool in = outcome_is_in(outcome);
	if (lineage == NULL || outcome == YEAR_UNFINISHED)
		return;
	if (!in)
		lineage_year_begin(lineage, sink, edition);
	struct lineage_run *run = open_year(lineage, edition->year);
	if (run == NULL)
		return;
	struct lineage_event event = { .type = in ? LINEAGE_COMPLETE : LINEAGE_FAIL,
		.run = run,
		.edition = edition,
		.message = in ? NULL : progress->state.message,
		.figures = edition->sha256[0] != '\0' ? &figures : NULL };
	say_of_year(lineage, sink, &event);
	run_forget(lineage, run);
}

void lineage_close(struct lineage *lineage, enum lineage_end end, const char *why)
{
	static const enum lineage_type types[] = {
		[LINEAGE_END_DONE] = LINEAGE_COMPLETE,
		[LINEAGE_END_FAILED] = LINEAGE_FAIL,
		[LINEAGE_END_STOPPED] = LINEAGE_ABORT,
	};
	if (lineage == NULL)
		return;
	const char *message = end == LINEAGE_END_DONE ? NULL : why;
	/* The years before the run they are part of. */
	for (unsigned i = lineage->open.count; i > 0; i--)
		say_plain(lineage, &lineage->open.items[i - 1], types[end], message);
	lineage_send_close(lineage->send);
	lineage->open.count = 0;
	lineage_left_write(lineage->settings->state_folder, &lineage->open);
	free(lineage);
}

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "state/base/budget.h"
#include "state/base/file.h"
#include "state/base/stop.h"

#define YEARS_BACK    6 /* without --years: this year and so many before */
#define RETRIES_MOST  2 /* a look should not take minutes */
#define CLOCK_SLACK_S 300
#define ROOM_FOR_PACKED                                                                            \
	12 /* bytes of rows and indexes for a packed one, measured in both kinds                   \
	    */

struct look {
	const struct options *options;
	unsigned fatal;
	uint64_t packed_sum, packed_most; /* of the years the source has */
	time_t newest;                    /* when its newest edition was made; 0: not known */
};

static void say_ok(const char *text)
{
	printf("ok %s\n", text);
}

/* A sink_finding; the context is a struct look. */
static void say_finding(void *context, bool fatal, const char *what, const char *remedy)
{
	struct look *look = context;
	look->fatal += fatal ? 1 : 0;
	printf("%s %s%s%s\n", fatal ? "fail" : "warning", what,
		remedy != NULL && remedy[0] != '\0' ? ": " : "", remedy != NULL ? remedy : "");
}

static void look_memory(struct look *look)
{
	struct budget budget;
	struct error error;
	char text[128];
	if (!budget_make(&budget, look->options->memory_limit, &error)) {
		say_finding(look, true, error.text, NULL);
		return;
	}
	snprintf(text, sizeof(text), "memory: %llu MiB may be used",
		(unsigned long long)(budget.limit >> 20));
	say_ok(text);
	if (look->options->memory_limit > budget.limit)
		say_finding(look, false,
			"the container allows less memory than MEMORY_LIMIT asks for",
			"the lower of the two counts; raise the container's limit to use more");
}

/* The folder itself, or the nearest one above that exists; it is where a run would make it. */
static bool nearest_folder(const char *path, char **found, struct error *error)
{
	struct stat status;
	char *folder = strdup(path);
	while (folder != NULL && stat(folder, &status) == -1 && errno == ENOENT) {
		char *copy = folder;
		folder = strdup(dirname(copy));
		free(copy);
	}
	*found = folder;
	return folder != NULL || error_memory(error, "a path");
}

/* access(2) says yes to root even where no file can be made, so one without a name is made. */
static bool takes_files(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	bool taken = fd != -1;
	if (!taken && (errno == EOPNOTSUPP || errno == EISDIR))
		taken = access(folder, W_OK | X_OK) == 0;
	file_close(&fd);
	return taken;
}

static void look_state(struct look *look)
{
	const char *state = look->options->state_folder;
	char *folder = NULL;
	struct stat status;
	struct error error;
	char text[600];
	if (!nearest_folder(state, &folder, &error)) {
		say_finding(look, true, error.text, NULL);
		return;
	}
	bool usable = stat(folder, &status) == 0 && S_ISDIR(status.st_mode) && takes_files(folder);
	snprintf(text, sizeof(text), "state folder: %s %s", state,
		usable ? "can be written" : "cannot be written");
	if (usable)
		say_ok(text);
	else
		say_finding(look, true, text,
			"give this user a folder of its own with --state or DVF_STATE_DIR");
	free(folder);
}

/* Every year's spool stays until clean, so the sum is what a first run takes. */
static void look_disk(struct look *look)
{
	char *folder = NULL;
	struct error error;
	char text[160];
	uint64_t left;
	bool known = nearest_folder(look->options->spool_folder, &folder, &error) &&
		     file_free_bytes(folder, &left, &error);
	free(folder);
	if (!known) {
		say_finding(look, true, error.text, "choose another folder with --state");
		return;
	}
	int used = snprintf(text, sizeof(text), "disk: %.1f MB are free", (double)left / 1e6);
	if (look->packed_sum > 0)
		snprintf(text + used, sizeof(text) - (size_t)used, " for downloads of %.1f MB",
			(double)look->packed_sum / 1e6);
	if (left == 0 || left < look->packed_most)
		say_finding(
			look, true, text, "free some room, or choose another disk with --state");
	else if (left < look->packed_sum)
		say_finding(look, false, text,
			"import fewer years at a time and use clean between, or free some room");
	else
		say_ok(text);
}

/* "25.1 MB of Thu, 01 Oct 2026 08:00:00 GMT": how the site dates an edition, or its ETag. */
static void describe(const struct validators *validators, char *text, size_t size)
{
	const char *edition =
		validators->last_modified[0] != '\0' ? validators->last_modified : validators->etag;
	if (validators->has_size)
		snprintf(text, size, ", %.1f MB", (double)validators->packed_size / 1e6);
	else
		snprintf(text, size, ", of unknown size");
	if (edition[0] != '\0')
		snprintf(text + strlen(text), size - strlen(text), ", edition of %s", edition);
}

static void note_newest(struct look *look, const struct validators *validators)
{
	struct tm tm = { 0 };
	const char *end = strptime(validators->last_modified, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	time_t made = end != NULL ? timegm(&tm) : 0;
	if (made > look->newest)
		look->newest = made;
}

/* *there: the source has the year. False only when it was interrupted. */
static bool look_year(struct look *look, int year, bool asked, bool *there, struct error *error)
{
	struct fetch_settings settings = look->options->run.fetch;
	struct validators validators = { 0 };
	char url[URL_MAX], shown[URL_MAX], text[URL_MAX + 480], edition[400] = "";
	if (settings.retries > RETRIES_MOST)
		settings.retries = RETRIES_MOST;
	*there = false;
	source_url(&look->options->run.sources, year, url);
	source_url_shown(url, shown);
	bool answered = fetch_probe(&settings, url, there, &validators, error);
	if (!answered && error->kind == ERROR_STOPPED)
		return false;
	if (*there) {
		describe(&validators, edition, sizeof(edition));
		note_newest(look, &validators);
	}
	snprintf(text, sizeof(text), "source: %d is %sat %s%s", year, *there ? "" : "not ", shown,
		edition);
	if (!answered)
		say_finding(
			look, true, error->text, "see whether the source can be reached from here");
	else if (*there)
		say_ok(text);
	else if (asked)
		say_finding(look, false, text,
			"leave it out of --years, unless it is in already from an earlier run");
	if (*there) {
		look->packed_sum += validators.packed_size;
		if (validators.packed_size > look->packed_most)
			look->packed_most = validators.packed_size;
	}
	return true;
}

static int this_year(void)
{
	time_t now = time(NULL);
	struct tm utc;
	return gmtime_r(&now, &utc) != NULL ? utc.tm_year + 1900 : YEAR_FIRST + YEARS_BACK;
}

static bool look_source(struct look *look, struct error *error)
{
	const struct pipeline_settings *run = &look->options->run;
	bool asked = run->year_count > 0;
	unsigned count = asked ? run->year_count : YEARS_BACK + 1, found = 0, before = look->fatal;
	for (unsigned i = 0; i < count; i++) {
		bool there;
		if (!look_year(look, asked ? run->years[i] : this_year() - (int)i, asked, &there,
			    error))
			return false;
		found += there ? 1 : 0;
	}
	if (found == 0 && look->fatal == before)
		say_finding(
			look, true, "source: it has none of the years", "see --source and --years");
	return true;
}

/* Which years are asked for by default is told by the clock, and TLS believes it. */
static void look_clock(struct look *look)
{
	time_t now = time(NULL);
	char text[64];
	struct tm utc;
	gmtime_r(&now, &utc);
	strftime(text, sizeof(text), "clock: %Y-%m-%d %H:%M UTC", &utc);
	if (now + CLOCK_SLACK_S < look->newest)
		say_finding(look, false, text,
			"the source has an edition that is newer than that: set the clock");
	else
		say_ok(text);
}

/* Rows and indexes, as measured (docs/PERFORMANCE.md, docs/OPERATIONS.md). */
static void look_room(struct look *look)
{
	char text[200];
	if (look->packed_sum == 0)
		return;
	snprintf(text, sizeof(text),
		"room: these years take about %.0f MB in the destination, and as much again while a "
		"staging or a previous one stands beside it",
		(double)look->packed_sum * ROOM_FOR_PACKED / 1e6);
	say_ok(text);
}

static bool look_destination(struct look *look, struct error *error)
{
	struct sink *sink = NULL;
	unsigned before = look->fatal;
	char text[450];
	char about[sizeof(sink->about)] = "";
	bool done = sink_open(&sink, &look->options->to, error) &&
		    sink->ops->preflight(sink, say_finding, look, error);
	if (sink != NULL)
		memcpy(about, sink->about, sizeof(about));
	sink_close(sink);
	if (!done && error->kind == ERROR_STOPPED)
		return false;
	char name[256];
	sink_shown_name(&look->options->to, name);
	snprintf(text, sizeof(text), "destination: %s%s%s%s", name, about[0] != '\0' ? " (" : "",
		about, about[0] != '\0' ? ")" : "");
	if (!done)
		say_finding(look, true, text, error->text);
	else if (look->fatal == before)
		say_ok(text);
	return true;
}

int command_check(const struct options *options)
{
	struct look look = { .options = options };
	struct error error;
	error_clear(&error);
	stop_install();
	if (!fetch_start(&error))
		return command_failed(options, &error);
	look_memory(&look);
	look_state(&look);
	bool done = look_source(&look, &error);
	if (done) {
		look_clock(&look);
		look_disk(&look);
		look_room(&look);
		done = look_destination(&look, &error);
	}
	fetch_end();
	if (!done)
		return command_failed(options, &error);
	return look.fatal == 0 ? EXIT_ALL : EXIT_REFUSED;
}

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "stages/spool.h"
#include "stages/verify_parts.h"
#include "state/base/file.h"
#include "state/base/log.h"

#define OWN_FOLDER "verify"
#define OWN_LOCK   "lock"

static bool look_for(struct verify_bytes *bytes, const char *folder, const struct edition *edition,
	enum packing packing, enum verify_spool *spool, struct error *error)
{
	struct spool wanted = { .year = edition->year, .packed_size = edition->packed_size };
	bool same = false;
	memcpy(wanted.sha256, edition->sha256, sizeof(wanted.sha256));
	spool_name(edition->year, edition->sha256, packing == PACKING_NONE, wanted.file);
	if (!spool_path(folder, wanted.file, bytes->path, sizeof(bytes->path), error) ||
		!spool_check(folder, &wanted, &same, error))
		return false;
	if (same) {
		memcpy(bytes->sha256, edition->sha256, sizeof(bytes->sha256));
		bytes->packing = packing;
		*spool = SPOOL_SAME;
	} else if (spool_there(folder, &wanted)) {
		*spool = SPOOL_SPOILED;
	}
	return true;
}

/* Its name follows from the edition: a ledger that was lost is not missed here. */
bool verify_bytes_look(struct verify_bytes *bytes, const struct verify_settings *settings,
	const struct edition *edition, enum verify_spool *spool, struct error *error)
{
	const char *folder = settings->fetch->spool_folder;
	*spool = SPOOL_NOT_THERE;
	return look_for(bytes, folder, edition, PACKING_GZIP, spool, error) &&
	       (*spool != SPOOL_NOT_THERE ||
		       look_for(bytes, folder, edition, PACKING_NONE, spool, error));
}

/* The URL to ask: what the user gave, else where the destination says the edition came from. */
static void choose_url(const struct verify_settings *settings, const struct edition *edition,
	char url[static URL_MAX])
{
	const struct sources *sources = settings->sources;
	bool given = strcmp(sources->pattern, SOURCE_DEFAULT) != 0;
	for (unsigned i = 0; i < sources->owns; i++)
		given = given || sources->own[i].year == edition->year;
	source_url(sources, edition->year, url);
	if (!given && edition->url[0] != '\0')
		snprintf(url, URL_MAX, "%s", edition->url);
}

static bool gone(
	const struct edition *edition, const char *shown, const char *why, struct error *error)
{
	return error_set(error, ERROR_GONE,
		"the edition %.12s that is served is to be had no more: its spool was cleaned, and %s %s; "
		"verify --fast claims less and needs no file, run brings what the source has now",
		edition->sha256, shown, why);
}

/* Whether it is worth asking for the bytes: another length is another edition. */
static bool still_there(const struct verify_settings *settings, const struct edition *edition,
	const char *url, const char *shown, struct error *error)
{
	struct fetch_settings once = *settings->fetch;
	struct validators said;
	struct error ignored;
	bool there = false;
	once.retries = 0;
	/* A server that takes no HEAD is asked for the whole. */
	if (!fetch_probe(&once, url, &there, &said, &ignored))
		return ignored.kind != ERROR_STOPPED ||
		       error_set(error, ERROR_STOPPED, "interrupted");
	if (!there)
		return gone(edition, shown, "has that year no more", error);
	return !said.has_size || said.packed_size == edition->packed_size ||
	       gone(edition, shown, "has another edition now", error);
}

/* What a killed one left goes, too. */
static void empty_folder(const char *folder)
{
	struct error ignored;
	DIR *listing = opendir(folder);
	if (listing == NULL)
		return;
	for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, OWN_LOCK) != 0)
			(void)!spool_remove(folder, entry->d_name, NULL, &ignored);
	closedir(listing);
}

/* A folder of our own, so that a run's downloads and clean are not disturbed. */
static bool take_folder(
	struct verify_bytes *bytes, const struct verify_settings *settings, struct error *error)
{
	char lock[PATH_MAX];
	char holder[128];
	int used = snprintf(
		bytes->folder, sizeof(bytes->folder), "%s/" OWN_FOLDER, settings->state_folder);
	int more =
		snprintf(lock, sizeof(lock), "%s/" OWN_FOLDER "/" OWN_LOCK, settings->state_folder);
	bytes->lock = -1;
	if (used < 0 || more < 0 || (size_t)more >= sizeof(lock))
		return error_set(error, ERROR_SYSTEM,
			"the path of the state folder is too long: choose a shorter --state folder");
	if (!file_make_folder(bytes->folder, error) ||
		!file_lock(
			lock, settings->to->run_name, &bytes->lock, holder, sizeof(holder), error))
		return false;
	if (bytes->lock == -1)
		return error_set(error, ERROR_BUSY,
			"another verify is fetching into %s (%s): let it end", bytes->folder,
			holder);
	empty_folder(bytes->folder);
	return true;
}

struct fetching {
	const struct verify_settings *settings;
	struct verify_progress progress;
};

static void on_progress(void *context, uint64_t done, uint64_t size)
{
	struct fetching *fetching = context;
	fetching->progress.done = done;
	fetching->progress.whole = size;
	if (fetching->settings->watch != NULL)
		fetching->settings->watch(fetching->settings->context, &fetching->progress);
}

static void on_durable(void *context, const struct part *part)
{
	(void)context;
	(void)part;
}

static bool fetch(struct verify_bytes *bytes, const struct verify_settings *settings,
	const struct edition *edition, const char *url, struct spool *spool, struct error *error)
{
	struct fetching fetching = { .settings = settings,
		.progress = { .year = edition->year, .doing = "fetching" } };
	struct fetch_settings own = *settings->fetch;
	enum fetch_outcome outcome = FETCH_WHOLE;
	own.spool_folder = bytes->folder;
	const struct fetch_request request = { .year = edition->year,
		.url = url,
		.packing = source_packing(url),
		.context = &fetching,
		.durable = on_durable,
		.progress = on_progress };
	return fetch_file(&own, &request, &outcome, spool, error);
}

static bool fetch_again(struct verify_bytes *bytes, const struct verify_settings *settings,
	const struct edition *edition, struct error *error)
{
	char url[URL_MAX];
	char shown[URL_MAX];
	struct spool spool = { 0 };
	choose_url(settings, edition, url);
	source_url_shown(url, shown);
	log_note(LOG_INFO, edition->year, "the spool of edition %.12s is not here, fetching %s",
		edition->sha256, shown);
	if (!still_there(settings, edition, url, shown, error) ||
		!take_folder(bytes, settings, error))
		return false;
	if (!fetch(bytes, settings, edition, url, &spool, error))
		return error->kind == ERROR_GONE
			       ? gone(edition, shown, "has that year no more", error)
			       : false;
	memcpy(bytes->file, spool.file, sizeof(bytes->file));
	if (strcmp(spool.sha256, edition->sha256) != 0)
		return gone(edition, shown, "has another edition now", error);
	bytes->packing = source_packing(url);
	memcpy(bytes->sha256, edition->sha256, sizeof(bytes->sha256));
	return spool_path(bytes->folder, spool.file, bytes->path, sizeof(bytes->path), error);
}

bool verify_bytes_get(struct verify_bytes *bytes, const struct verify_settings *settings,
	const struct edition *edition, struct error *error)
{
	enum verify_spool spool = SPOOL_NOT_THERE;
	verify_bytes_drop(bytes);
	if (!verify_bytes_look(bytes, settings, edition, &spool, error))
		return false;
	if (spool == SPOOL_SAME)
		return true;
	if (spool == SPOOL_SPOILED)
		log_note(LOG_WARNING, edition->year,
			"the spool %s is not what it was: it is left alone and not used",
			bytes->path);
	if (fetch_again(bytes, settings, edition, error))
		return true;
	struct error kept = *error;
	verify_bytes_drop(bytes);
	*error = kept;
	return false;
}

void verify_bytes_drop(struct verify_bytes *bytes)
{
	if (bytes->folder[0] != '\0' && bytes->lock != -1) {
		empty_folder(bytes->folder);
		file_close(&bytes->lock);
	}
	*bytes = (struct verify_bytes){ .lock = -1 };
}

#include "cmd/promote_ask.h"

#include <stdio.h>
#include <string.h>

#include "state/base/log.h"

#define PATIENCE_S 5 /* a promote does not wait for a source */

/* True: an answer; *newer says that it is about other bytes than staging has. */
static bool ask(const struct options *options, const struct edition_memory *staged, bool *newer,
	struct error *error)
{
	struct fetch_settings settings = options->run.fetch;
	struct validators now = { .etag = "" };
	const struct validators *then = &staged->edition.validators;
	char url[URL_MAX], shown[URL_MAX];
	bool there = false;
	settings.retries = 0;
	settings.connect_s = settings.stall_s = PATIENCE_S;
	source_url(&options->run.sources, staged->edition.year, url);
	source_url_shown(url, shown);
	*newer = false;
	if (strcmp(shown, staged->edition.url) != 0)
		return true;
	if (!fetch_probe(&settings, url, &there, &now, error))
		return false;
	*newer = there && now.etag[0] != '\0' && then->etag[0] != '\0' &&
		 strcmp(now.etag, then->etag) != 0;
	return true;
}

static bool ask_years(const struct options *options, struct sink *staging, struct error *error)
{
	struct served_years served;
	if (!staging->ops->years(staging, &served, error))
		return false;
	for (unsigned i = 0; i < served.count; i++) {
		struct edition_memory staged;
		bool found = false, newer = false;
		if (!staging->ops->published(staging, served.years[i], &staged, &found, error) ||
			(found && !ask(options, &staged, &newer, error)))
			return false;
		if (newer)
			printf("%d: the source has another edition than staging by now: "
			       "dvf-import run --staging takes it in\n",
				served.years[i]);
	}
	return true;
}

void promote_ask(const struct options *options)
{
	struct destination destination = options->to;
	struct sink *staging = NULL;
	struct error error;
	bool there = false;
	destination.slot = SLOT_STAGING;
	bool done = fetch_start(&error) && sink_open(&staging, &destination, &error) &&
		    staging->ops->look(staging, &there, &error) &&
		    (!there || ask_years(options, staging, &error));
	if (!done && error.kind != ERROR_STOPPED)
		log_note(LOG_WARNING, 0, "the sources were not asked once more: %s", error.text);
	sink_close(staging);
	fetch_end();
}

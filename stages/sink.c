#include "stages/sink.h"

#include <stdio.h>
#include <string.h>

static const char *const slot_words[] = {
	[SLOT_LIVE] = "",
	[SLOT_STAGING] = " (staging)",
	[SLOT_PREVIOUS] = " (previous)",
};

static const char *const stage_words[] = {
	[EDITION_INCOMING] = "incoming",
	[EDITION_READY] = "ready",
	[EDITION_PUBLISHED] = "published",
	[EDITION_HELD] = "held",
	[EDITION_REFUSED] = "refused",
};

const char *sink_stage_word(enum edition_stage stage)
{
	return stage_words[stage];
}

enum edition_stage sink_stage_of(const char *word)
{
	enum edition_stage stage = EDITION_REFUSED;
	while (stage > EDITION_INCOMING && strcmp(stage_words[stage], word) != 0)
		stage--;
	return stage;
}

void sink_shown_name(const struct destination *destination, char name[static 256])
{
	snprintf(name, 256, "%.240s%s", destination->name, slot_words[destination->slot]);
}

bool sink_open(struct sink **sink, const struct destination *destination, struct error *error)
{
	struct destination named = *destination;
	sink_shown_name(destination, named.name);
	if (named.postgres)
		return sink_open_postgres(sink, &named, error);
	return sink_open_sqlite(sink, &named, error);
}

void sink_close(struct sink *sink)
{
	if (sink != NULL)
		sink->ops->close(sink);
}

void sink_table_name(char name[static 56], const char *what, const struct edition *edition)
{
	snprintf(name, 56, "%.34s_%d_%.12s", what, edition->year, edition->sha256);
}

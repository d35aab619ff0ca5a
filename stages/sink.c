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

bool sink_mend_fault(
	enum mend_fault fault, const struct mended *mended, const char *at, struct error *error)
{
	int record = mended->row->source_row;
	int year = mended->row->year;
	switch (fault) {
	case MEND_NOT_SERVED:
		return error_set(error, ERROR_REFUSED,
			"record %d of %d: its edition %.12s is not the one that dvf serves", record,
			year, mended->edition);
	case MEND_NO_REJECT:
		return error_set(error, ERROR_REFUSED,
			"record %d of %d is no reject of the edition %.12s", record, year,
			mended->edition);
	case MEND_BEFORE:
		return error_set(error, ERROR_REFUSED,
			"record %d of %d was mended already, on %s: leave its line out", record,
			year, at);
	case MEND_TWICE:
		return error_set(error, ERROR_INPUT,
			"record %d of %d is there twice: keep one of its lines", record, year);
	case MEND_NO_CHUNK:
		break;
	}
	return error_set(error, ERROR_DATABASE,
		"record %d of %d is a reject, but no chunk of the edition %.12s counts it", record,
		year, mended->edition);
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

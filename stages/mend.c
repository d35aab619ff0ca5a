#include "stages/mend.h"

#include <stdio.h>
#include <string.h>

#include "stages/heads.h"
#include "stages/reader.h"
#include "stages/source.h"
#include "stages/spool.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define KEEP_AS_REJECT "correct it, or leave the line out: the record then stays a reject"

/* One way through the sheet. */
struct reading {
	struct mend *mend;
	struct sheet sheet;
	struct row row;
	struct sheet_line line; /* the last one */
	bool told;              /* the error is this line's already */
};

struct spool_sought {
	const struct mend *mend;
	const char *sha256;
	struct spool spool;
	bool found;
};

static bool seek_spool(void *context, const struct spool *spool, struct error *error)
{
	struct spool_sought *sought = context;
	(void)error;
	if (!sought->found && strcmp(spool->sha256, sought->sha256) == 0 &&
		spool_there(sought->mend->spool_folder, spool)) {
		sought->spool = *spool;
		sought->found = true;
	}
	return true;
}

/* geo-dvf as it is published. */
static void header_standard(struct header *header)
{
	*header = (struct header){ .fields = COLUMNS };
	for (unsigned i = 0; i < COLUMNS; i++) {
		header->field_of[i] = (uint16_t)i;
		header->column_of[i] = (int16_t)i;
	}
}

static bool header_find(const struct mend *mend, struct mend_year *year, struct error *error)
{
	char path[4096];
	uint64_t header_end = 0;
	struct spool_sought sought = { .mend = mend, .sha256 = year->edition };
	if (!ledger_spools(mend->ledger, seek_spool, &sought, error))
		return false;
	if (!sought.found) {
		log_note(LOG_INFO, year->year,
			"its file is not in the spool any more: the records are taken as geo-dvf "
			"writes them, %d columns in their usual order",
			COLUMNS);
		header_standard(&year->header);
		return true;
	}
	const struct reader reader = { .path = path, .packing = source_packing(sought.spool.url) };
	return spool_path(mend->spool_folder, sought.spool.file, path, sizeof(path), error) &&
	       reader_header(&reader, &year->header, &header_end, error);
}

static bool year_add(struct mend *mend, const struct sheet_line *line, struct mend_year **found,
	struct error *error)
{
	*found = &mend->years[mend->year_count];
	if (mend->year_count == SERVED_MAX)
		return error_set(
			error, ERROR_INPUT, "the sheet is about more than %d editions", SERVED_MAX);
	**found = (struct mend_year){ .year = line->year };
	memcpy((*found)->edition, line->edition, sizeof(line->edition));
	if (!header_find(mend, *found, error))
		return false;
	mend->year_count++;
	return true;
}

/* The entry of the line's edition, NULL while there is none. */
static struct mend_year *year_of(struct mend *mend, const struct sheet_line *line)
{
	for (unsigned i = 0; i < mend->year_count; i++)
		if (mend->years[i].year == line->year &&
			strcmp(mend->years[i].edition, line->edition) == 0)
			return &mend->years[i];
	return NULL;
}

static bool line_wrong(struct reading *reading, int column, const char *what, struct error *error)
{
	const struct sheet_line *line = &reading->line;
	reading->told = true;
	return error_set(error, ERROR_INPUT, "%s, line %llu, record %d of %d%s%s: %s; %s",
		reading->mend->name, (unsigned long long)line->line, line->record, line->year,
		column >= 0 ? ", " : "", column >= 0 ? columns[column].name : "", what,
		KEEP_AS_REJECT);
}

/* In a file a line feed outside quotes ends the record; here nothing else would. */
static bool is_one_record(const struct sheet_line *line)
{
	struct csv_scan scan = { 0 };
	size_t used = 0;
	return !csv_scan(&scan, line->raw, line->raw_size, &used);
}

static bool parse(struct reading *reading, const struct header *header, struct error *error)
{
	const struct sheet_line *line = &reading->line;
	struct reason reason;
	if (!is_one_record(line))
		return line_wrong(reading, -1,
			"a line break outside quotes would make two records of it", error);
	if (!row_parse(&reading->row, header, line->year, line->raw, line->raw_size, &reason))
		return line_wrong(reading, reason.column, reason.text, error);
	reading->row.source_row = line->record;
	return true;
}

static bool read_line(struct reading *reading, bool *end, struct error *error)
{
	if (stop_requested())
		return error_set(error, ERROR_STOPPED, "interrupted");
	if (sheet_next(&reading->sheet, &reading->line, end, error))
		return true;
	reading->told = true;
	return error_where(error, "%s", reading->mend->name);
}

static bool reading_open(struct reading *reading, struct mend *mend, struct error *error)
{
	*reading = (struct reading){ .mend = mend };
	return row_new(&reading->row, error) &&
	       (sheet_open(&reading->sheet, mend->fd, mend->offset, error) ||
		       error_where(error, "%s", mend->name));
}

static void reading_close(struct reading *reading)
{
	sheet_close(&reading->sheet);
	row_free(&reading->row);
}

static void note_record(struct mend_year *year, int32_t record)
{
	size_t used = strlen(year->records);
	char number[16];
	snprintf(number, sizeof(number), "%s%d", year->count > 0 ? "," : "", record);
	year->count++;
	if (used >= 3 && strcmp(year->records + used - 3, "...") == 0)
		return;
	bool fits = used + strlen(number) + sizeof(",...") <= sizeof(year->records);
	snprintf(year->records + used, sizeof(year->records) - used, "%s", fits ? number : ",...");
}

bool mend_read(struct mend *mend, struct error *error)
{
	struct reading reading;
	bool end = false;
	mend->count = 0;
	mend->year_count = 0;
	bool done = reading_open(&reading, mend, error);
	while (done && (done = read_line(&reading, &end, error)) && !end) {
		struct mend_year *year = year_of(mend, &reading.line);
		done = (year != NULL || year_add(mend, &reading.line, &year, error)) &&
		       parse(&reading, &year->header, error);
		if (!done)
			break;
		note_record(year, reading.line.record);
		mend->count++;
	}
	reading_close(&reading);
	return done || error_where(error, "nothing was mended");
}

static bool next_mended(void *context, struct mended *mended, bool *end, struct error *error)
{
	struct reading *reading = context;
	if (!read_line(reading, end, error) || *end)
		return *end;
	struct mend_year *year = year_of(reading->mend, &reading->line);
	if (year == NULL)
		return error_set(error, ERROR_CHANGED, "%s was changed while it was read",
			reading->mend->name);
	if (!parse(reading, &year->header, error))
		return false;
	note_record(year, reading->line.record);
	*mended = (struct mended){ .row = &reading->row,
		.edition = year->edition,
		.raw = reading->line.raw,
		.raw_size = reading->line.raw_size };
	return true;
}

/* What the sink says is about the record it was given last; the rest is about all of them. */
static bool failed(const struct reading *reading, struct error *error)
{
	bool of_record = error->kind == ERROR_INPUT || error->kind == ERROR_DATA ||
			 error->kind == ERROR_REFUSED;
	if (of_record && !reading->told && reading->line.line != 0)
		error_where(error, "%s, line %llu", reading->mend->name,
			(unsigned long long)reading->line.line);
	return error_where(error, "%s",
		error->kind == ERROR_LOST
			? "whether it was mended is not known, say the same again to find out"
			: "nothing was mended");
}

static bool load(struct mend *mend, struct error *error)
{
	struct reading reading;
	/* Counted anew: the sheet may have been changed since it was read first. */
	for (unsigned i = 0; i < mend->year_count; i++) {
		mend->years[i].count = 0;
		mend->years[i].records[0] = '\0';
	}
	bool done = reading_open(&reading, mend, error) &&
		    mend->sink->ops->mend(mend->sink, next_mended, &reading, &mend->count, error);
	reading_close(&reading);
	return done || failed(&reading, error);
}

static bool is_ours(struct mend *mend, struct error *error)
{
	struct sink *sink = mend->sink;
	bool there = false;
	if (!sink->ops->look(sink, &there, error))
		return false;
	return there || error_set(error, ERROR_REFUSED,
				"%s holds nothing of dvf-import that could be mended",
				sink->destination.name);
}

/* Counts of a year for status; only what is known of this edition is touched. */
struct year_note {
	const struct mend_year *year;
	struct year_state state;
	bool found;
};

static bool note_year(void *context, const char *destination_name, const struct year_state *state,
	const char *updated_at, struct error *error)
{
	struct year_note *note = context;
	(void)destination_name;
	(void)updated_at;
	(void)error;
	if (state->year != note->year->year || strcmp(state->sha256, note->year->edition) != 0)
		return true;
	note->state = *state;
	note->found = true;
	return true;
}

static bool tell_year(struct mend *mend, const struct mend_year *year, struct error *error)
{
	struct year_note note = { .year = year };
	const struct field fields[] = { FIELD_T("edition", year->edition),
		FIELD_N("count", year->count), FIELD_T("records", year->records),
		FIELD_T("destination", mend->sink->destination.name), FIELD_T("by", mend->by) };
	if (!ledger_event(mend->ledger, "rejects mended", year->year, fields,
		    sizeof(fields) / sizeof(fields[0]), error) ||
		!ledger_years(mend->ledger, mend->sink->uuid, note_year, &note, error))
		return false;
	if (!note.found || note.state.rejects < year->count)
		return true;
	note.state.rows += year->count;
	note.state.rejects -= year->count;
	return ledger_year_put(mend->ledger, &note.state, error);
}

/* The ledger may lag: that it could not be told changes nothing of what is in. */
static void tell(struct mend *mend)
{
	struct error error;
	for (unsigned i = 0; i < mend->year_count; i++)
		if (mend->years[i].count > 0 && !tell_year(mend, &mend->years[i], &error))
			log_note(LOG_WARNING, mend->years[i].year,
				"the mended records could not be put into the history: %s",
				error.text);
	heads_try_tell(mend->sink, mend->ledger, "rejects mended");
}

bool mend_load(struct mend *mend, struct error *error)
{
	struct sink *sink = mend->sink;
	bool known = false;
	if (!is_ours(mend, error) || !sink->ops->take(sink, error) ||
		!ledger_destination(mend->ledger, sink->uuid, sink->ops->kind,
			sink->destination.name, &known, error) ||
		!heads_meet(sink, mend->ledger, error) || !load(mend, error))
		return false;
	tell(mend);
	heads_try_tell(sink, mend->ledger, "mended");
	return true;
}

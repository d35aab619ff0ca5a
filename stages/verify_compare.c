#include <string.h>

#include "stages/csv.h"
#include "stages/value.h"
#include "stages/verify_parts.h"

#define VALUES_NAMED 3 /* of one row: where another row stands, all its values differ */

bool kept_head_open(struct kept_head *head, const struct verify_views *views, struct error *error)
{
	*head = (struct kept_head){ .sha256 = views->served.edition.sha256 };
	return views->kept->ops->kept_open(
		       views->kept, views->served.edition.year, &head->reader, error) &&
	       kept_head_next(head, error);
}

/* Other editions of the year may have kept records, too: one that is being loaded. */
bool kept_head_next(struct kept_head *head, struct error *error)
{
	do {
		if (!head->reader->ops->next(head->reader, &head->kept, &head->ended, error))
			return false;
	} while (!head->ended && strcmp(head->kept.edition, head->sha256) != 0);
	return true;
}

void kept_head_close(struct kept_head *head)
{
	if (head->reader != NULL)
		head->reader->ops->close(head->reader);
	head->reader = NULL;
}

bool row_head_next(struct row_head *head, struct verify_result *result, struct error *error)
{
	if (!head->reader->ops->next(head->reader, &head->row, &head->ended, error))
		return false;
	result->rows += !head->ended;
	return true;
}

void row_head_close(struct row_head *head)
{
	if (head->reader != NULL)
		head->reader->ops->close(head->reader);
	head->reader = NULL;
}

bool row_head_is(const struct row_head *head, uint64_t record)
{
	return !head->ended && head->row.source_row > 0 && (uint64_t)head->row.source_row == record;
}

bool row_head_pass(
	struct row_head *head, uint64_t record, struct verify_result *result, struct error *error)
{
	while (!head->ended && head->row.source_row < (int64_t)record) {
		difference_add(&result->differences, 0, -1,
			"extra row: it has source_row %d, which is no record's",
			head->row.source_row);
		if (!row_head_next(head, result, error))
			return false;
	}
	return true;
}

bool row_head_end(
	struct row_head *head, uint64_t records, struct verify_result *result, struct error *error)
{
	while (!head->ended) {
		if (head->row.source_row == INT32_MAX)
			difference_add(&result->differences, 0, -1,
				"extra row: its source_row is NULL or too large for any record");
		else
			difference_add(&result->differences, (uint64_t)head->row.source_row, -1,
				"extra row: there are only %llu records",
				(unsigned long long)records);
		if (!row_head_next(head, result, error))
			return false;
	}
	return true;
}

bool row_head_take(
	struct row_head *head, uint64_t record, struct verify_result *result, struct error *error)
{
	if (!row_head_next(head, result, error))
		return false;
	while (row_head_is(head, record)) {
		difference_add(&result->differences, record, -1,
			"doubled row: another row has the same source_row");
		if (!row_head_next(head, result, error))
			return false;
	}
	return true;
}

bool comparison_open(struct comparison *comparison, const struct verify_views *views,
	const struct header *header, uint64_t header_end, struct verify_result *result,
	struct error *error)
{
	struct row_head *rows = &comparison->rows;
	*comparison = (struct comparison){
		.header = header, .year = views->served.edition.year, .result = result
	};
	if (!row_new(&comparison->source, error) || !row_new(&comparison->mended, error) ||
		!views->rows->ops->rows_open(views->rows, comparison->year, &rows->reader, error))
		return false;
	if (rows->reader->altered[0] != '\0')
		difference_add(&result->differences, 0, -1, "the table was altered: %s",
			rows->reader->altered);
	return row_head_next(rows, result, error) &&
	       kept_head_open(&comparison->kept, views, error) &&
	       witness_open(&comparison->witness, views, header_end, &result->differences, error);
}

void comparison_close(struct comparison *comparison)
{
	row_head_close(&comparison->rows);
	kept_head_close(&comparison->kept);
	witness_close(&comparison->witness);
	row_free(&comparison->source);
	row_free(&comparison->mended);
}

/* One record of the file, and what it must have become. */
struct place {
	uint64_t record, plain_first, plain_end;
	const char *raw; /* without its line end */
	uint32_t raw_size;
	const struct row *row; /* NULL: none */
	bool refused;          /* it is a reject: no row, by rights */
	const char *whose;     /* the row's values: "the file", "the mended record" */
};

static void compare_raw(struct comparison *comparison, const struct place *place)
{
	const struct kept *kept = &comparison->kept.kept;
	struct differences *all = &comparison->result->differences;
	char left[VALUE_SHOWN];
	char right[VALUE_SHOWN];
	size_t at = 0;
	if (kept->plain_first != place->plain_first || kept->plain_end != place->plain_end)
		difference_add(all, place->record, -1,
			"altered reject: it stands at [%llu, %llu) of the plain bytes, the reject says "
			"[%llu, %llu)",
			(unsigned long long)place->plain_first,
			(unsigned long long)place->plain_end, (unsigned long long)kept->plain_first,
			(unsigned long long)kept->plain_end);
	if (kept->raw_size == place->raw_size &&
		(place->raw_size == 0 || memcmp(kept->raw, place->raw, place->raw_size) == 0))
		return;
	while (at < kept->raw_size && at < place->raw_size && kept->raw[at] == place->raw[at])
		at++;
	value_show(left, place->raw + at, place->raw_size - at);
	value_show(right, kept->raw_size > at ? kept->raw + at : "", kept->raw_size - at);
	difference_add(all, place->record, -1,
		"altered reject: from its byte %zu on the file has '%s', the reject '%s'", at, left,
		right);
}

/* A reject or a mended record; what the row must be follows from it. */
static bool take_kept(struct comparison *comparison, struct place *place)
{
	const struct kept *kept = &comparison->kept.kept;
	struct reason reason;
	compare_raw(comparison, place);
	place->refused = kept->mended == NULL;
	place->row = NULL;
	if (place->refused) {
		comparison->result->rejects++;
		return true;
	}
	comparison->result->mended++;
	place->whose = "the mended record";
	if (row_parse(&comparison->mended, comparison->header, comparison->year, kept->mended,
		    kept->mended_size, &reason))
		place->row = &comparison->mended;
	else
		difference_add(&comparison->result->differences, place->record, reason.column,
			"the mended record cannot be loaded: %s", reason.text);
	return true;
}

static void compare_values(struct comparison *comparison, const struct place *place)
{
	const struct row_head *rows = &comparison->rows;
	struct differences *all = &comparison->result->differences;
	unsigned count = 0;
	for (int i = 0; i < COLUMNS; i++) {
		const struct value *expected = &place->row->values[i];
		const struct value *found = &rows->row.values[i];
		if (value_equal(columns[i].type, expected, found) || rows->reader->missing[i])
			continue;
		if (count++ < VALUES_NAMED)
			difference_add_values(all, place->record, i, place->whose, expected, found);
		else
			difference_count(all);
	}
}

static bool compare_row(
	struct comparison *comparison, const struct place *place, struct error *error)
{
	struct differences *all = &comparison->result->differences;
	if (!row_head_is(&comparison->rows, place->record)) {
		if (!place->refused)
			difference_add(all, place->record, -1,
				"missing row: dvf has none with this source_row");
		return true;
	}
	if (place->refused)
		difference_add(all, place->record, -1,
			"extra row: the record is a reject, which has none");
	else if (place->row != NULL)
		compare_values(comparison, place);
	return row_head_take(&comparison->rows, place->record, comparison->result, error);
}

/* Those kept before a record are nobody's. */
static bool pass_kept(struct comparison *comparison, uint64_t record, struct error *error)
{
	struct kept_head *head = &comparison->kept;
	while (!head->ended && head->kept.record < record) {
		difference_add(&comparison->result->differences, head->kept.record, -1,
			"extra reject: it is kept twice, or for no record");
		if (!kept_head_next(head, error))
			return false;
	}
	return true;
}

static bool compare_record(struct comparison *comparison, struct place *place, struct error *error)
{
	struct reason reason;
	struct verify_result *result = comparison->result;
	if (!row_head_pass(&comparison->rows, place->record, result, error) ||
		!pass_kept(comparison, place->record, error))
		return false;
	bool parsed = row_parse(&comparison->source, comparison->header, comparison->year,
		place->raw, place->raw_size, &reason);
	bool kept = !comparison->kept.ended && comparison->kept.kept.record == place->record;
	place->refused = !parsed;
	place->row = parsed ? &comparison->source : NULL;
	place->whose = "the file";
	if (kept)
		take_kept(comparison, place);
	else if (!parsed)
		difference_add(&result->differences, place->record, reason.column,
			"missing reject: the record cannot be loaded (%s), and is not kept",
			reason.text);
	comparison->refused += place->refused;
	return witness_record(&comparison->witness, place->plain_first, place->record,
		       place->refused, error) &&
	       compare_row(comparison, place, error) &&
	       (!kept || kept_head_next(&comparison->kept, error));
}

bool comparison_chunk(struct comparison *comparison, const struct chunk *chunk, struct error *error)
{
	uint64_t record = chunk->first_record;
	for (size_t at = 0; at < chunk->size;) {
		struct csv_scan scan = { 0 };
		size_t used = 0;
		const char *bytes = chunk->bytes + at;
		csv_scan(&scan, bytes, chunk->size - at, &used);
		struct place place = {
			.record = record,
			.plain_first = chunk->plain_first + at,
			.plain_end = chunk->plain_first + at + used,
			.raw = bytes,
			.raw_size = (uint32_t)csv_trim(bytes, used),
		};
		if (!csv_is_blank(bytes, used)) {
			if (!compare_record(comparison, &place, error))
				return false;
			record++;
		}
		if (!witness_bytes(&comparison->witness, place.plain_first, bytes, used, error))
			return false;
		at += used;
	}
	return true;
}

bool comparison_end(struct comparison *comparison, const struct edition_memory *served,
	const struct reader_end *end, struct error *error)
{
	struct verify_result *result = comparison->result;
	uint64_t rows = end->records - comparison->refused;
	if (!row_head_end(&comparison->rows, end->records, result, error) ||
		!pass_kept(comparison, UINT64_MAX, error) ||
		!witness_end(&comparison->witness, end->plain_size, error))
		return false;
	if (served->rows != rows || served->rejects != comparison->refused)
		difference_add(&result->differences, 0, -1,
			"the bookkeeping says %llu rows and %llu rejects, the file has %llu and %llu",
			(unsigned long long)served->rows, (unsigned long long)served->rejects,
			(unsigned long long)rows, (unsigned long long)comparison->refused);
	if (served->plain_size != end->plain_size)
		difference_add(&result->differences, 0, -1,
			"the bookkeeping says %llu plain bytes, the file has %llu",
			(unsigned long long)served->plain_size,
			(unsigned long long)end->plain_size);
	return true;
}

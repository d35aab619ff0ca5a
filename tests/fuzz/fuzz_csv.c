/*
 * fuzz_csv.c: a plain file from its bytes to rows: cut, split and parsed as the reference does,
 * tiled by its chunks however they are cut, and the same when only its gaps are read.
 *
 * Input: what is in front (bit 0 of the first byte: the usual header), how many records and bytes a
 * chunk has, which chunks are gaps, the size of pieces for the scan; the rest is the file.
 */
#include "stages/csv.h"
#include "stages/reader.h"
#include "stages/row.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reference.h"

#define YEAR         2023
#define CHUNKS       64
#define PRICE_MOST   INT64_C(9999999999999999)
#define AREA_MOST    INT64_C(999999999999)
#define FIELDS_ROOM  (FIELDS_MAX + 1)
#define TEXT_OF_CODE 255
#define TEXT_OF_TEXT 2000

struct piece {
	uint64_t first, end, first_record, records;
};

/* A reading of the file: the chunks that came, compared with the text as they come. */
struct reading {
	const char *text;
	size_t size;
	struct piece pieces[CHUNKS];
	unsigned count;
	bool over; /* more chunks than are kept */
};

static struct header header;
static struct row row;
static struct memory_file file;

/* Two are out for a moment, while the rest of a record goes over. */
static struct chunk chunks[2];
static bool out[2];

static struct chunk *take(void *context)
{
	(void)context;
	unsigned i = out[0] ? 1 : 0;
	must(!out[i]);
	out[i] = true;
	return &chunks[i];
}

static bool is_blank(const char *record, size_t size)
{
	return reference_trim(record, size) == 0;
}

/* Whole records, counted, and the bytes that the file has there. */
static void look_at(const struct reading *reading, const struct chunk *chunk)
{
	uint64_t records = 0;
	size_t at = (size_t)chunk->plain_first;
	must(chunk->plain_first + chunk->size <= reading->size);
	must(memcmp(chunk->bytes, reading->text + at, chunk->size) == 0);
	while (at < chunk->plain_first + chunk->size) {
		size_t end = reference_end(reading->text, reading->size, at);
		records += !is_blank(reading->text + at, end - at);
		at = end;
	}
	must(at == chunk->plain_first + chunk->size);
	must(records == chunk->records);
}

static bool give(void *context, struct chunk *chunk)
{
	struct reading *reading = context;
	if (chunk->size > 0) {
		look_at(reading, chunk);
		reading->over = reading->count == CHUNKS;
		if (reading->count < CHUNKS)
			reading->pieces[reading->count++] = (struct piece){ chunk->plain_first,
				chunk->plain_first + chunk->size, chunk->first_record,
				chunk->records };
	}
	out[chunk - chunks] = false;
	return true;
}

static size_t usual_header(char *to)
{
	char *at = to;
	for (unsigned i = 0; i < COLUMNS; i++)
		at += sprintf(at, "%s%c", columns[i].name, i + 1 < COLUMNS ? ',' : '\n');
	return (size_t)(at - to);
}

static bool reference_value(
	unsigned column, const struct reference_field *field, const struct value *value, bool taken)
{
	int64_t number = 0;
	double degree = 0;
	int year = 0;
	bool fine = true;
	switch (columns[column].type) {
	case COLUMN_CODE:
	case COLUMN_TEXT:
		must(!taken || (value->size == field->size &&
				       memcmp(value->text, field->text, field->size) == 0));
		return field->size <=
		       (columns[column].type == COLUMN_CODE ? TEXT_OF_CODE : TEXT_OF_TEXT);
	case COLUMN_DATE:
		fine = reference_day(field->text, field->size, &year, &number) && year == YEAR;
		break;
	case COLUMN_SMALLINT:
		fine = reference_fixed(field->text, field->size, 0, INT16_MIN, INT16_MAX, &number);
		break;
	case COLUMN_INTEGER:
		fine = reference_fixed(field->text, field->size, 0, INT32_MIN, INT32_MAX, &number);
		break;
	case COLUMN_PRICE:
		fine = reference_fixed(
			field->text, field->size, 2, -PRICE_MOST, PRICE_MOST, &number);
		break;
	case COLUMN_AREA:
		fine = reference_fixed(field->text, field->size, 2, -AREA_MOST, AREA_MOST, &number);
		break;
	case COLUMN_DEGREE:
		fine = reference_degree(
			field->text, field->size, 64, columns[column].furthest, &degree);
		must(!taken || value->degree == degree);
		return fine;
	}
	must(!taken || value->number == number);
	return fine;
}

/* Whether the record is a row, compared value by value where ours is. */
static bool reference_row(const char *record, size_t size, bool taken)
{
	struct reference_field fields[FIELDS_ROOM];
	unsigned count = 0;
	char *memory = exact_copy(record, size);
	bool fine = reference_split(record, size, memory, fields, FIELDS_ROOM, &count) &&
		    count == header.fields && reference_utf8(record, size) == size;
	for (unsigned i = 0; fine && i < COLUMNS; i++) {
		const struct reference_field *field = &fields[header.field_of[i]];
		must(!taken || row.values[i].null == (field->size == 0));
		fine = field->size == 0 ? !columns[i].required
					: reference_value(i, field, &row.values[i], taken);
	}
	free(memory);
	return fine;
}

static void try_record(const char *record, size_t size)
{
	struct reason reason = { .column = -2 };
	char *copy = exact_copy(record, size);
	bool taken = row_parse(&row, &header, YEAR, copy, (uint32_t)size, &reason);
	must(taken == reference_row(copy, reference_trim(copy, size), taken));
	must(taken || (reason.column >= -1 && reason.column < COLUMNS && reason.text[0] != '\0'));
	for (const char *c = reason.text; !taken && *c != '\0'; c++)
		must(*c >= ' ' && *c < 0x7f);
	free(copy);
}

/* Fields as they are split, against the reference, whatever the header. */
static void try_split(const char *record, size_t size)
{
	struct csv_field fields[FIELDS_MAX];
	struct reference_field others[FIELDS_ROOM];
	unsigned count = 0;
	unsigned expected = 0;
	size = reference_trim(record, size);
	char *copy = exact_copy(record, size);
	char *memory = exact_copy(record, size);
	enum csv_fault fault = csv_split(copy, size, fields, FIELDS_MAX, &count);
	bool fine = reference_split(copy, size, memory, others, FIELDS_ROOM, &expected);
	if (fault == CSV_TOO_MANY_FIELDS)
		must(count == FIELDS_MAX && (!fine || expected > FIELDS_MAX));
	else
		must((fault == CSV_FINE) == fine && (!fine || count == expected));
	for (unsigned i = 0; i < count; i++) {
		must((size_t)fields[i].first + fields[i].size <= size);
		must(!fine || fields[i].doubled || fields[i].size == others[i].size);
		must(!fine || fields[i].doubled ||
			memcmp(copy + fields[i].first, others[i].text, others[i].size) == 0);
	}
	free(memory);
	free(copy);
}

/* Record ends, in pieces of any size. */
static void try_scan(const char *text, size_t size, size_t step)
{
	struct csv_scan scan = { 0 };
	size_t first = 0;
	for (size_t at = 0; at < size;) {
		size_t used = 0;
		size_t now = size - at < step ? size - at : step;
		char *copy = exact_copy(text + at, now);
		bool ended = csv_scan(&scan, copy, now, &used);
		free(copy);
		must(used > 0 && used <= now && (ended || used == now));
		at += used;
		must(!ended || (at == reference_end(text, size, first) && text[at - 1] == '\n'));
		if (ended)
			first = at;
	}
	must(reference_end(text, size, first) == size);
}

static bool read_through(struct reading *reading, struct reader *reader,
	const struct reader_gap *gaps, unsigned count, struct reader_end *end)
{
	struct error error = { 0 };
	reader->context = reading;
	bool done = reader_run(reader, gaps, count, end, &error);
	if (!done)
		must_be_told(&error);
	return done;
}

/* Those of the chunks whose bit is not set are done; what is read must be just the others. */
static void try_gaps(const struct reading *whole, struct reader *reader, uint64_t header_end,
	uint64_t plain_size, uint64_t missing)
{
	struct reading again = { .text = whole->text, .size = whole->size };
	struct reader_gap gaps[CHUNKS + 1] = { 0 };
	struct ranges ranges = { 0 };
	struct reader_end end;
	struct error error;
	unsigned count = 0;
	uint64_t expected = 0;
	uint64_t found = 0;
	for (unsigned i = 0; i < whole->count; i++) {
		const struct piece *piece = &whole->pieces[i];
		struct range range = { piece->first, piece->end, piece->first_record,
			piece->records, 0 };
		if ((missing >> i & 1) == 0)
			must(ranges_add(&ranges, &range, &error));
		else
			expected += piece->end - piece->first;
	}
	while (ranges_gap(&ranges, header_end, UINT64_MAX, count, &gaps[count].gap))
		count++;
	must(read_through(&again, reader, gaps, count, &end));
	must(end.reached && end.plain_size == plain_size);
	for (unsigned i = 0; i < again.count; i++)
		found += again.pieces[i].end - again.pieces[i].first;
	must(again.over || found == expected);
	ranges_free(&ranges);
}

static void try_reader(const char *text, size_t size, struct reader *reader, uint64_t missing)
{
	struct reading whole = { .text = text, .size = size };
	struct reader_end end;
	struct error error = { 0 };
	uint64_t header_end = 0;
	uint64_t at = 0;
	if (!reader_header(reader, &header, &header_end, &error)) {
		must_be_told(&error);
		return;
	}
	must(header_end == reference_end(text, size, 0));
	struct reader_gap all = { .gap = { header_end, UINT64_MAX, 1, 0 } };
	must(read_through(&whole, reader, &all, 1, &end));
	must(end.reached && end.plain_size == size);
	at = header_end;
	for (unsigned i = 0; i < whole.count; i++) {
		must(whole.pieces[i].first == at);
		at = whole.pieces[i].end;
	}
	must(whole.over || at == size);
	if (!whole.over)
		try_gaps(&whole, reader, header_end, size, missing);
	for (size_t from = (size_t)header_end; from < size;) {
		size_t to = reference_end(text, size, from);
		must(csv_is_blank(text + from, to - from) == is_blank(text + from, to - from));
		if (!is_blank(text + from, to - from))
			try_record(text + from, to - from);
		from = to;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = { bytes, size };
	struct error error;
	char names[1024];
	if (row.scratch.room == 0)
		must(row_new(&row, &error));
	size_t head = (take_byte(&input) & 1) != 0 ? usual_header(names) : 0;
	struct reader reader = { .packing = PACKING_NONE, .take = take, .give = give };
	reader.chunk_rows = (uint32_t)take_byte(&input) + 1;
	reader.chunk_bytes = take_number(&input, 2) + 1;
	uint64_t missing = take_number(&input, 2) * UINT64_C(0x0001000100010001);
	size_t step = (size_t)take_byte(&input) + 1;
	size_t whole = head + input.left;
	char *text = malloc(whole + 1);
	must(text != NULL);
	memcpy(text, names, head);
	if (input.left > 0)
		memcpy(text + head, input.at, input.left);
	memory_file_put(&file, text, whole);
	reader.path = file.path;
	try_scan(text, whole, step);
	for (size_t at = head; at < whole;) {
		size_t end = reference_end(text, whole, at);
		try_split(text + at, end - at);
		at = end;
	}
	try_reader(text, whole, &reader, missing);
	free(text);
	return 0;
}

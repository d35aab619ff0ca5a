#include "stages/sheet.h"

#include <stdlib.h>
#include <string.h>

#include "state/base/file.h"

#define READ_STEP ((size_t)64 << 10)

static const char *const names[SHEET_COLUMNS] = {
	[SHEET_EDITION] = "edition",
	[SHEET_YEAR] = "year",
	[SHEET_RECORD] = "record",
	[SHEET_RAW] = "raw",
	[SHEET_ENCODING] = "raw_encoding",
};

/* The line as it is looked at. */
static const char *text_of(const struct sheet *sheet)
{
	return sheet->bytes.bytes + sheet->first;
}

static bool wrong(
	const struct sheet *sheet, enum sheet_column column, const char *what, struct error *error)
{
	return error_set(error, ERROR_INPUT, "line %llu, column %s: %s",
		(unsigned long long)sheet->line, names[column], what);
}

/* What was looked at already makes room. */
static bool read_more(struct sheet *sheet, struct error *error)
{
	struct buf *bytes = &sheet->bytes;
	size_t got = 0;
	if (sheet->first > 0) {
		bytes->size -= sheet->first;
		memmove(bytes->bytes, bytes->bytes + sheet->first, bytes->size);
		sheet->first = 0;
	}
	if (!buf_reserve(bytes, READ_STEP, error) ||
		!file_read_at(sheet->fd, bytes->bytes + bytes->size, READ_STEP, sheet->offset, &got,
			error))
		return false;
	bytes->size += got;
	sheet->offset += got;
	sheet->ended = got < READ_STEP;
	return true;
}

/* A line is a record of CSV, and may go over several lines of text. */
static bool find_line(struct sheet *sheet, struct error *error)
{
	bool found = false;
	sheet->first += sheet->seen;
	sheet->seen = 0;
	sheet->scan = (struct csv_scan){ 0 };
	while (!found) {
		size_t used = 0;
		size_t at = sheet->first + sheet->seen;
		found = at < sheet->bytes.size && csv_scan(&sheet->scan, sheet->bytes.bytes + at,
							  sheet->bytes.size - at, &used);
		sheet->seen += used;
		if (found || sheet->ended)
			return true;
		if (sheet->seen > SHEET_LINE_MAX)
			return error_set(error, ERROR_INPUT,
				"line %llu: longer than %zu bytes: a quote is probably not closed",
				(unsigned long long)sheet->line, SHEET_LINE_MAX);
		if (!read_more(sheet, error))
			return false;
	}
	return true;
}

/* *size 0: there is none any more. */
static bool next_text(struct sheet *sheet, size_t *size, struct error *error)
{
	sheet->line = sheet->next_line;
	if (!find_line(sheet, error))
		return false;
	const char *text = text_of(sheet);
	for (size_t at = 0; at < sheet->seen; at++)
		sheet->next_line += text[at] == '\n';
	*size = sheet->seen;
	return true;
}

static bool split(struct sheet *sheet, unsigned *count, struct error *error)
{
	const char *text = text_of(sheet);
	const char *what = NULL;
	switch (csv_split(text, csv_trim(text, sheet->seen), sheet->in, FIELDS_MAX, count)) {
	case CSV_FINE:
		return true;
	case CSV_TEXT_AFTER_QUOTE:
		what = "text follows the closing quote; a quote inside is written twice";
		break;
	case CSV_QUOTE_NOT_CLOSED:
		what = "the quote is not closed before the file ends";
		break;
	case CSV_TOO_MANY_FIELDS:
		what = "there are more fields than a sheet can have";
		break;
	}
	return error_set(error, ERROR_INPUT, "line %llu, field %u: %s",
		(unsigned long long)sheet->line, *count + 1, what);
}

static bool field_is(const struct sheet *sheet, unsigned field, const char *word)
{
	const struct csv_field *in = &sheet->in[field];
	return in->size == strlen(word) && memcmp(text_of(sheet) + in->first, word, in->size) == 0;
}

/* What people get when they choose another format while saving. */
static const char *other_format(const char *text, size_t size)
{
	if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
		return "it is UTF-16: save it as UTF-8";
	if (size >= 2 && memcmp(text, "PK", 2) == 0)
		return "it is a spreadsheet's own format: save it as CSV";
	if (memchr(text, ',', size) == NULL && memchr(text, ';', size) != NULL)
		return "its columns are separated by semicolons: save it with commas";
	if (memchr(text, ',', size) == NULL && memchr(text, '\t', size) != NULL)
		return "its columns are separated by tabs: save it with commas";
	return NULL;
}

static bool column_find(struct sheet *sheet, enum sheet_column column, struct error *error)
{
	sheet->field_of[column] = -1;
	for (unsigned field = 0; field < sheet->fields; field++) {
		if (!field_is(sheet, field, names[column]))
			continue;
		if (sheet->field_of[column] != -1)
			return wrong(sheet, column, "the header has it twice", error);
		sheet->field_of[column] = (int)field;
	}
	return sheet->field_of[column] != -1 || column == SHEET_ENCODING ||
	       wrong(sheet, column,
		       "the header lacks it; dvf-import history --rejects --csv writes it", error);
}

bool sheet_open(struct sheet *sheet, int fd, uint64_t offset, struct error *error)
{
	size_t size = 0;
	*sheet = (struct sheet){ .fd = fd, .offset = offset, .next_line = 1 };
	sheet->bytes.limit = SHEET_LINE_MAX + 2 * READ_STEP;
	sheet->raw.limit = SHEET_LINE_MAX;
	if (!read_more(sheet, error))
		return false;
	if (sheet->bytes.size >= 3 && memcmp(sheet->bytes.bytes, "\xef\xbb\xbf", 3) == 0)
		sheet->first = 3;
	if (!next_text(sheet, &size, error))
		return false;
	if (size == 0)
		return error_set(error, ERROR_INPUT, "line 1: the header is missing");
	const char *other = other_format(text_of(sheet), size);
	if (other != NULL)
		return error_set(error, ERROR_INPUT, "line 1: %s", other);
	if (!split(sheet, &sheet->fields, error))
		return false;
	for (int column = 0; column < SHEET_COLUMNS; column++)
		if (!column_find(sheet, (enum sheet_column)column, error))
			return false;
	return true;
}

/* Digits only, from 1; ERROR_INPUT shows what stands there. */
static bool take_number(const struct sheet *sheet, enum sheet_column column, int64_t most,
	int64_t *number, struct error *error)
{
	const struct csv_field *in = &sheet->in[sheet->field_of[column]];
	const char *text = text_of(sheet) + in->first;
	bool done = in->size > 0 && in->size <= 10;
	*number = 0;
	for (uint32_t at = 0; done && at < in->size; at++) {
		done = text[at] >= '0' && text[at] <= '9';
		*number = *number * 10 + (text[at] - '0');
	}
	return (done && *number >= 1 && *number <= most) ||
	       wrong(sheet, column, "is not the number that was written there", error);
}

static bool take_edition(
	const struct sheet *sheet, char edition[static SHA256_HEX], struct error *error)
{
	const struct csv_field *in = &sheet->in[sheet->field_of[SHEET_EDITION]];
	const char *text = text_of(sheet) + in->first;
	memset(edition, 0, SHA256_HEX);
	if (in->size != SHA256_HEX - 1)
		return wrong(sheet, SHEET_EDITION, "is not the 64 digits that were written there",
			error);
	memcpy(edition, text, SHA256_HEX - 1);
	return strspn(edition, "0123456789abcdef") == SHA256_HEX - 1 ||
	       wrong(sheet, SHEET_EDITION, "is not the 64 digits that were written there", error);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that \xNN at `at` stands for; -1: it is no such escape. */
static int escaped_byte(const char *at, const char *end)
{
	if (end - at < 4 || at[1] != 'x')
		return -1;
	int high = digit_of(at[2]);
	int low = digit_of(at[3]);
	return high >= 0 && low >= 0 ? high * 16 + low : -1;
}

/* In place: what comes out is never longer. */
static bool unescape(const struct sheet *sheet, struct buf *raw, struct error *error)
{
	char *to = raw->bytes;
	const char *end = raw->bytes + raw->size;
	for (const char *at = raw->bytes; at < end; at++) {
		int byte = *at == '\\' ? escaped_byte(at, end) : -1;
		if (*at != '\\') {
			*to++ = *at;
		} else if (end - at >= 2 && at[1] == '\\') {
			*to++ = *++at;
		} else if (byte != -1) {
			*to++ = (char)byte;
			at += 3;
		} else {
			return wrong(sheet, SHEET_RAW,
				"with raw_encoding escaped a backslash is written \\\\ and a byte "
				"\\xNN; here one begins neither",
				error);
		}
	}
	raw->size = (size_t)(to - raw->bytes);
	return true;
}

/* The field without its outer quotes, and doubled ones single. */
static bool undouble(const struct sheet *sheet, struct buf *raw, struct error *error)
{
	const struct csv_field *in = &sheet->in[sheet->field_of[SHEET_RAW]];
	const char *text = text_of(sheet) + in->first;
	buf_clear(raw);
	if (!buf_reserve(raw, in->size, error))
		return false;
	for (uint32_t at = 0; at < in->size; at++) {
		raw->bytes[raw->size++] = text[at];
		at += in->quoted && text[at] == '"';
	}
	return true;
}

static bool take_raw(struct sheet *sheet, struct error *error)
{
	int field = sheet->field_of[SHEET_ENCODING];
	bool plain = field == -1 || sheet->in[field].size == 0 ||
		     field_is(sheet, (unsigned)field, sheet_encoding(false));
	if (!plain && !field_is(sheet, (unsigned)field, sheet_encoding(true)))
		return wrong(sheet, SHEET_ENCODING, "is neither text nor escaped", error);
	if (!undouble(sheet, &sheet->raw, error) ||
		(!plain && !unescape(sheet, &sheet->raw, error)))
		return false;
	sheet->raw.size = csv_trim(sheet->raw.bytes, sheet->raw.size);
	if (sheet->raw.size == 0)
		return wrong(sheet, SHEET_RAW,
			"is empty: leave the line out for the record to stay a reject", error);
	return sheet->raw.size <= RECORD_MAX ||
	       wrong(sheet, SHEET_RAW, "is longer than a record can be (1 MiB)", error);
}

static bool take_line(struct sheet *sheet, struct sheet_line *line, struct error *error)
{
	int64_t year;
	int64_t record;
	*line = (struct sheet_line){ .line = sheet->line };
	if (!take_edition(sheet, line->edition, error) ||
		!take_number(sheet, SHEET_YEAR, 9999, &year, error) ||
		!take_number(sheet, SHEET_RECORD, INT32_MAX, &record, error) ||
		!take_raw(sheet, error))
		return false;
	line->year = (int)year;
	line->record = (int32_t)record;
	line->raw = sheet->raw.bytes;
	line->raw_size = (uint32_t)sheet->raw.size;
	return true;
}

/* Spreadsheets write rows that somebody emptied. */
static bool is_empty(const struct sheet *sheet, unsigned count)
{
	for (unsigned field = 0; field < count; field++)
		if (sheet->in[field].size > 0)
			return false;
	return true;
}

bool sheet_next(struct sheet *sheet, struct sheet_line *line, bool *end, struct error *error)
{
	*end = false;
	for (;;) {
		size_t size = 0;
		unsigned count = 0;
		if (!next_text(sheet, &size, error))
			return false;
		*end = size == 0;
		if (*end)
			return true;
		if (!split(sheet, &count, error))
			return false;
		if (is_empty(sheet, count))
			continue;
		if (count != sheet->fields)
			return error_set(error, ERROR_INPUT,
				"line %llu: it has %u fields, the header has %u",
				(unsigned long long)sheet->line, count, sheet->fields);
		return take_line(sheet, line, error);
	}
}

void sheet_close(struct sheet *sheet)
{
	buf_free(&sheet->bytes);
	buf_free(&sheet->raw);
}

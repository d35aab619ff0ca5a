#include "stages/row.h"

#include <stdio.h>
#include <string.h>

#include "stages/csv.h"
#include "stages/value.h"

#define PRICE_MOST INT64_C(9999999999999999) /* numeric(16,2), in hundredths */
#define AREA_MOST  INT64_C(999999999999)     /* numeric(12,2) */

bool row_new(struct row *row, struct error *error)
{
	*row = (struct row){ .scratch.limit = RECORD_MAX + 1 };
	return buf_reserve(&row->scratch, RECORD_MAX, error);
}

void row_free(struct row *row)
{
	buf_free(&row->scratch);
}

static bool reject(struct reason *reason, int column, const char *text)
{
	reason->column = column;
	snprintf(reason->text, sizeof(reason->text), "%s", text);
	return false;
}

/* Names the field where no column of ours does. */
static bool reject_field(
	struct reason *reason, const struct header *header, unsigned field, const char *text)
{
	int column = field < header->fields ? header->column_of[field] : -1;
	if (column != -1)
		return reject(reason, column, text);
	reason->column = -1;
	snprintf(reason->text, sizeof(reason->text), "field %u: %s", field + 1, text);
	return false;
}

static const char *fault_text(enum value_fault fault)
{
	switch (fault) {
	case VALUE_NOT_INTEGER:
		return "is not a whole number";
	case VALUE_NOT_DECIMAL:
	case VALUE_NOT_DEGREE:
		return "is not a number";
	case VALUE_OUT_OF_RANGE:
		return "is out of the column's range";
	case VALUE_TOO_FINE:
		return "has more than two decimals";
	case VALUE_TOO_LONG:
		return "is too long for its column";
	case VALUE_NOT_DATE:
		return "is not a date like 2023-01-31";
	case VALUE_NO_SUCH_DAY:
		return "is a day that no calendar has";
	case VALUE_OTHER_YEAR:
		return "is not in the file's year";
	case VALUE_FINE:
		break;
	}
	return "is fine";
}

static bool reject_value(
	struct reason *reason, int column, enum value_fault fault, const struct value *value)
{
	char shown[VALUE_SHOWN];
	value_show(shown, value->text, value->size);
	reason->column = column;
	snprintf(reason->text, sizeof(reason->text), "'%s' %s", shown, fault_text(fault));
	return false;
}

/* Splits, and compares the number of fields with the header's. */
static bool split(const struct header *header, const char *record, uint32_t size,
	struct csv_field fields[static FIELDS_MAX], struct reason *reason)
{
	unsigned count = 0;
	bool more = false;
	switch (csv_split(record, size, fields, FIELDS_MAX, &count)) {
	case CSV_TEXT_AFTER_QUOTE:
		return reject_field(reason, header, count, "text follows the closing quote");
	case CSV_QUOTE_NOT_CLOSED:
		return reject_field(
			reason, header, count, "the quote is not closed before the file ends");
	case CSV_TOO_MANY_FIELDS:
		more = true;
		break;
	case CSV_FINE:
		break;
	}
	if (count == header->fields && !more)
		return true;
	reason->column = -1;
	snprintf(reason->text, sizeof(reason->text), "%s%u field%s, the header has %u",
		more ? "more than " : "", count, count == 1 ? "" : "s", header->fields);
	return false;
}

static bool check_bytes(const struct header *header, const char *record, uint32_t size,
	const struct csv_field *fields, struct reason *reason)
{
	size_t bad = 0;
	if (value_text_fine(record, size, &bad))
		return true;
	unsigned field = 0;
	while (field + 1 < header->fields && fields[field + 1].first <= bad)
		field++;
	if (record[bad] == '\0')
		return reject_field(reason, header, field, "a NUL byte, which no text may hold");
	char shown[VALUE_SHOWN];
	char text[80];
	value_show(shown, record + bad, size - bad < 4 ? size - bad : 4);
	snprintf(text, sizeof(text), "not UTF-8 at '%s'", shown);
	return reject_field(reason, header, field, text);
}

/* Scratch does not move while texts point into it: room for the whole record was made first. */
static bool undo_quotes(struct row *row, struct value *value, uint32_t record_size)
{
	struct error error;
	struct buf *scratch = &row->scratch;
	if (scratch->size == 0 && !buf_reserve(scratch, record_size, &error))
		return false;
	char *first = scratch->bytes + scratch->size;
	char *to = first;
	for (uint32_t at = 0; at < value->size; at++) {
		*to++ = value->text[at];
		if (value->text[at] == '"')
			at++;
	}
	value->text = first;
	value->size = (uint32_t)(to - first);
	scratch->size += value->size;
	return true;
}

static inline enum value_fault parse_text(
	struct value *value, const struct column *column, int year)
{
	const char *text = value->text;
	uint32_t size = value->size;
	switch (column->type) {
	case COLUMN_CODE:
		return size <= CODE_MAX ? VALUE_FINE : VALUE_TOO_LONG;
	case COLUMN_TEXT:
		return size <= TEXT_MAX ? VALUE_FINE : VALUE_TOO_LONG;
	case COLUMN_DATE:
		return value_date(text, size, year, &value->number);
	case COLUMN_SMALLINT:
		return value_integer(text, size, INT16_MIN, INT16_MAX, &value->number);
	case COLUMN_INTEGER:
		return value_integer(text, size, INT32_MIN, INT32_MAX, &value->number);
	case COLUMN_PRICE:
		return value_decimal(text, size, PRICE_MOST, &value->number);
	case COLUMN_AREA:
		return value_decimal(text, size, AREA_MOST, &value->number);
	case COLUMN_DEGREE:
		return value_degree(text, size, column->furthest, &value->degree);
	}
	return VALUE_FINE;
}

bool row_parse(struct row *row, const struct header *header, int year, const char *record,
	uint32_t size, struct reason *reason)
{
	struct csv_field fields[FIELDS_MAX];
	size = (uint32_t)csv_trim(record, size);
	row->year = year;
	row->scratch.size = 0;
	if (!split(header, record, size, fields, reason) ||
		!check_bytes(header, record, size, fields, reason))
		return false;
	for (int i = 0; i < COLUMNS; i++) {
		const struct csv_field *field = &fields[header->field_of[i]];
		struct value *value = &row->values[i];
		value->null = field->size == 0;
		if (value->null) {
			if (columns[i].required)
				return reject(reason, i, "empty, but every row must have it");
			continue;
		}
		value->text = record + field->first;
		value->size = field->size;
		if (field->doubled && !undo_quotes(row, value, size))
			return reject(reason, i, "no memory to undo its doubled quotes");
		enum value_fault fault = parse_text(value, &columns[i], year);
		if (fault != VALUE_FINE)
			return reject_value(reason, i, fault, value);
	}
	return true;
}

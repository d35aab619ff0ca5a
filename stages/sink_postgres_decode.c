#include "stages/sink_postgres_decode.h"

#include <endian.h>
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "stages/value.h"

#define COPY_HEAD         19 /* the signature, flags, and the size of what may follow them */
#define DAYS_1970_2000    10957
#define NUMERIC_HEAD      8
#define NUMERIC_NEGATIVE  0x4000
#define NUMERIC_NAN       0xc000
#define NUMERIC_INFINITY  0xd000
#define NUMERIC_NINFINITY 0xf000
#define WHOLE_MOST        INT64_C(9999999999999999) /* so that hundredths of it fit */
#define NUMBER_MOST       INT64_C(99999999999999999)

static uint16_t get16(const char *at)
{
	uint16_t big;
	memcpy(&big, at, sizeof(big));
	return be16toh(big);
}

static int32_t get32(const char *at)
{
	uint32_t big;
	memcpy(&big, at, sizeof(big));
	return (int32_t)be32toh(big);
}

static uint64_t get64(const char *at)
{
	uint64_t big;
	memcpy(&big, at, sizeof(big));
	return be64toh(big);
}

static bool unreadable(struct error *error)
{
	return error_set(error, ERROR_DATABASE,
		"the server sent a row that is not what was asked for: is it PostgreSQL itself?");
}

static bool next_message(struct copy_rows *rows, struct error *error)
{
	size_t size = 0;
	copy_rows_free(rows);
	if (!pg_copy_get(rows->pg, &rows->message, &size, &rows->ended, error))
		return false;
	rows->at = rows->message;
	rows->end = rows->message + size;
	return true;
}

/* The head comes with the first row, or by itself. */
static bool skip_head(struct copy_rows *rows, struct error *error)
{
	if (rows->ended || rows->end - rows->at < COPY_HEAD)
		return unreadable(error);
	int32_t more = get32(rows->at + COPY_HEAD - 4);
	if (more < 0 || rows->end - rows->at - COPY_HEAD < more)
		return unreadable(error);
	rows->at += COPY_HEAD + more;
	rows->begun = true;
	return rows->at < rows->end || next_message(rows, error);
}

/* A count of -1 is COPY's own end, before the server's. */
static bool next_count(struct copy_rows *rows, int *count, struct error *error)
{
	if (!next_message(rows, error) || (!rows->begun && !skip_head(rows, error)))
		return false;
	*count = -1;
	if (rows->ended)
		return true;
	if (rows->end - rows->at < 2)
		return unreadable(error);
	*count = (int16_t)get16(rows->at);
	rows->at += 2;
	return *count != -1 || (next_message(rows, error) && (rows->ended || unreadable(error)));
}

bool copy_rows_next(struct copy_rows *rows, struct copy_field *fields, unsigned count, bool *end,
	struct error *error)
{
	int there = -1;
	*end = rows->ended;
	if (*end)
		return true;
	if (!next_count(rows, &there, error))
		return false;
	*end = rows->ended;
	if (*end)
		return true;
	if (there != (int)count)
		return unreadable(error);
	for (unsigned i = 0; i < count; i++) {
		if (rows->end - rows->at < 4)
			return unreadable(error);
		fields[i].size = get32(rows->at);
		rows->at += 4;
		fields[i].bytes = rows->at;
		if (fields[i].size < -1 || rows->end - rows->at < fields[i].size)
			return unreadable(error);
		rows->at += fields[i].size > 0 ? fields[i].size : 0;
	}
	return true;
}

void copy_rows_free(struct copy_rows *rows)
{
	PQfreemem(rows->message);
	rows->message = NULL;
}

int64_t copy_number(const struct copy_field *field)
{
	return field->size == 8 ? (int64_t)get64(field->bytes) : 0;
}

static void be_odd(struct value *value, char odd[static ODD_SHOWN], const char *words)
{
	snprintf(odd, ODD_SHOWN, "%s", words);
	value->odd = true;
	value->text = odd;
	value->size = (uint32_t)strlen(odd);
}

static void be_odd_text(
	struct value *value, char odd[static ODD_SHOWN], const struct copy_field *field)
{
	char shown[VALUE_SHOWN];
	char words[ODD_SHOWN];
	value_show(shown, field->bytes, (size_t)field->size);
	snprintf(words, sizeof(words), "'%s'", shown);
	be_odd(value, odd, words);
}

/* Digits in base 10000, of which the first is worth 10000 to the `weight`. */
struct numeric {
	unsigned count;
	int weight;
	unsigned sign, scale;
	const char *digits;
};

static bool numeric_read(const struct copy_field *field, struct numeric *numeric)
{
	if (field->size < NUMERIC_HEAD)
		return false;
	*numeric = (struct numeric){
		.count = get16(field->bytes),
		.weight = (int16_t)get16(field->bytes + 2),
		.sign = get16(field->bytes + 4),
		.scale = get16(field->bytes + 6),
		.digits = field->bytes + NUMERIC_HEAD,
	};
	return field->size == NUMERIC_HEAD + 2 * (int32_t)numeric->count;
}

/* The digit worth 10000 to the `power`. */
static unsigned numeric_digit(const struct numeric *numeric, int power)
{
	int i = numeric->weight - power;
	return i < 0 || i >= (int)numeric->count ? 0 : get16(numeric->digits + (ptrdiff_t)2 * i);
}

/* False: it is not a whole number of hundredths, or too large for any column of ours. */
static bool numeric_hundredths(const struct numeric *numeric, int64_t *hundredths)
{
	int64_t whole = 0;
	for (int power = numeric->weight; power >= 0; power--) {
		if (whole > WHOLE_MOST / 10000)
			return false;
		whole = whole * 10000 + numeric_digit(numeric, power);
	}
	unsigned cents = numeric_digit(numeric, -1);
	if (cents % 100 != 0)
		return false;
	for (int power = numeric->weight - (int)numeric->count + 1; power < -1; power++)
		if (numeric_digit(numeric, power) != 0)
			return false;
	*hundredths = whole * 100 + cents / 100;
	if (numeric->sign == NUMERIC_NEGATIVE)
		*hundredths = -*hundredths;
	return true;
}

/* As PostgreSQL writes it, cut where it is long. */
static void numeric_show(const struct numeric *numeric, char odd[static ODD_SHOWN])
{
	const size_t most = ODD_SHOWN - sizeof("9999...");
	size_t used = 0;
	int power = numeric->weight > 0 ? numeric->weight : 0;
	if (numeric->sign == NUMERIC_NEGATIVE)
		odd[used++] = '-';
	used += (size_t)snprintf(
		odd + used, ODD_SHOWN - used, "%u", numeric_digit(numeric, power--));
	for (; power >= 0 && used < most; power--)
		used += (size_t)snprintf(
			odd + used, ODD_SHOWN - used, "%04u", numeric_digit(numeric, power));
	bool whole = power < 0;
	int groups = whole ? ((int)numeric->scale + 3) / 4 : 0;
	if (groups > 0)
		used += (size_t)snprintf(odd + used, ODD_SHOWN - used, ".");
	for (; groups > 0 && used < most; groups--, power--)
		used += (size_t)snprintf(
			odd + used, ODD_SHOWN - used, "%04u", numeric_digit(numeric, power));
	if (!whole || groups > 0)
		snprintf(odd + used, ODD_SHOWN - used, "...");
}

static bool numeric_value(
	const struct copy_field *field, struct value *value, char odd[static ODD_SHOWN])
{
	struct numeric numeric;
	if (!numeric_read(field, &numeric))
		return false;
	if (numeric.sign == NUMERIC_NAN)
		be_odd(value, odd, "NaN");
	else if (numeric.sign == NUMERIC_INFINITY)
		be_odd(value, odd, "Infinity");
	else if (numeric.sign == NUMERIC_NINFINITY)
		be_odd(value, odd, "-Infinity");
	else if (!numeric_hundredths(&numeric, &value->number)) {
		numeric_show(&numeric, odd);
		value->odd = true;
		value->text = odd;
		value->size = (uint32_t)strlen(odd);
	}
	return true;
}

static bool date_value(
	const struct copy_field *field, struct value *value, char odd[static ODD_SHOWN])
{
	if (field->size != 4)
		return false;
	int32_t days = get32(field->bytes);
	value->number = (int64_t)days + DAYS_1970_2000;
	if (days == INT32_MAX || days == INT32_MIN)
		be_odd(value, odd, days == INT32_MAX ? "infinity" : "-infinity");
	return true;
}

static bool degree_value(const struct copy_field *field, struct value *value)
{
	if (field->size != 8)
		return false;
	uint64_t bits = get64(field->bytes);
	memcpy(&value->degree, &bits, sizeof(value->degree));
	return true;
}

/* People who alter a column's type mostly keep its values: they are read by the rules of our type.
 */
static enum value_fault other_value(
	enum column_type type, const struct copy_field *field, struct value *value)
{
	const char *text = field->bytes;
	uint32_t size = (uint32_t)field->size;
	switch (type) {
	case COLUMN_DATE:
		return value_day(text, size, &value->number);
	case COLUMN_SMALLINT:
	case COLUMN_INTEGER:
		return value_integer(text, size, -NUMBER_MOST, NUMBER_MOST, &value->number);
	case COLUMN_PRICE:
	case COLUMN_AREA:
		return value_decimal(text, size, NUMBER_MOST, &value->number);
	case COLUMN_DEGREE:
		return value_degree(text, size, DBL_MAX, &value->degree);
	case COLUMN_CODE:
	case COLUMN_TEXT:
		break;
	}
	value->text = text;
	value->size = size;
	return VALUE_FINE;
}

static bool own_value(enum column_type type, const struct copy_field *field, struct value *value,
	char odd[static ODD_SHOWN])
{
	switch (type) {
	case COLUMN_DATE:
		return date_value(field, value, odd);
	case COLUMN_SMALLINT:
		value->number = field->size == 2 ? (int16_t)get16(field->bytes) : 0;
		return field->size == 2;
	case COLUMN_INTEGER:
		value->number = field->size == 4 ? get32(field->bytes) : 0;
		return field->size == 4;
	case COLUMN_PRICE:
	case COLUMN_AREA:
		return numeric_value(field, value, odd);
	case COLUMN_DEGREE:
		return degree_value(field, value);
	case COLUMN_CODE:
	case COLUMN_TEXT:
		break;
	}
	value->text = field->bytes;
	value->size = (uint32_t)field->size;
	return true;
}

bool copy_value(enum column_type type, bool as_text, const struct copy_field *field,
	struct value *value, char odd[static ODD_SHOWN])
{
	*value = (struct value){ .null = field->size == -1 };
	if (value->null)
		return true;
	if (!as_text)
		return own_value(type, field, value, odd);
	if (other_value(type, field, value) != VALUE_FINE)
		be_odd_text(value, odd, field);
	return true;
}

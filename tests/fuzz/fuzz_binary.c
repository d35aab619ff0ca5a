/*
 * fuzz_binary.c: rows as binary COPY, read back by a decoder that follows PostgreSQL's documents
 * (COPY's file format, numeric_send, date_send, float8send) and knows nothing of ours; and our own
 * decoder with whatever a server may send.
 *
 * Input: a first byte that says which; then a script of forty values, or a type and a field.
 */
#include <inttypes.h>

#include "stages/sink_postgres.h"
#include "stages/sink_postgres_decode.h"
#include "tests/fuzz/fuzz.h"

#define PRICE_MOST INT64_C(9999999999999999)
#define AREA_MOST  INT64_C(999999999999)
#define DAY_FIRST  INT64_C(-719528) /* 0000-01-01 */
#define DAYS       INT64_C(3652425) /* in ten thousand years */

/* What is left of the message, taken strictly in order. */
struct wire {
	const unsigned char *at, *end;
};

static uint64_t wire_number(struct wire *wire, unsigned bytes)
{
	uint64_t number = 0;
	must((size_t)(wire->end - wire->at) >= bytes);
	for (unsigned i = 0; i < bytes; i++)
		number = number << 8 | *wire->at++;
	return number;
}

static int64_t within(uint64_t number, int64_t least, int64_t most)
{
	return least + (int64_t)(number % ((uint64_t)(most - least) + 1));
}

/* Often an end of the range or a power of ten: there is where digits change their places. */
static int64_t make_number(struct input *input, int64_t least, int64_t most)
{
	unsigned how = take_byte(input);
	int64_t number = 1;
	if (how < 16)
		return how % 2 != 0 ? least : most;
	if (how < 128)
		return within(take_number(input, 8), least, most);
	for (unsigned power = how % 18; power > 0; power--)
		number *= 10;
	number += (int8_t)take_byte(input);
	number = (how & 64) != 0 ? -number : number;
	return number < least ? least : number > most ? most : number;
}

static void make_value(struct value *value, enum column_type type, struct input *input)
{
	uint64_t bits;
	struct input text;
	*value = (struct value){ .null = take_byte(input) % 5 == 4 };
	switch (type) {
	case COLUMN_CODE:
	case COLUMN_TEXT:
		text = take_piece(input, take_byte(input) % 32);
		value->text = (const char *)text.at;
		value->size = (uint32_t)text.left;
		break;
	case COLUMN_DATE:
		value->number = make_number(input, DAY_FIRST, DAY_FIRST + DAYS - 1);
		break;
	case COLUMN_SMALLINT:
		value->number = make_number(input, INT16_MIN, INT16_MAX);
		break;
	case COLUMN_INTEGER:
		value->number = make_number(input, INT32_MIN, INT32_MAX);
		break;
	case COLUMN_PRICE:
		value->number = make_number(input, -PRICE_MOST, PRICE_MOST);
		break;
	case COLUMN_AREA:
		value->number = make_number(input, -AREA_MOST, AREA_MOST);
		break;
	case COLUMN_DEGREE:
		bits = take_number(input, 8);
		memcpy(&value->degree, &bits, sizeof(bits));
		break;
	}
}

/* A numeric as the server writes it: "-12.50". Base 10000, the first digit worth 10000^weight,
 * scale 2; a form that the server would not have sent itself (zeros at either end) is none. */
static void numeric_text(struct wire *wire, char text[static 64])
{
	unsigned count = (unsigned)wire_number(wire, 2);
	int weight = (int16_t)wire_number(wire, 2);
	unsigned sign = (unsigned)wire_number(wire, 2);
	char *to = text;
	unsigned digits[8];
	must(wire_number(wire, 2) == 2 && count <= 8 && weight >= -1 && weight <= 5);
	must(sign == 0 || (sign == 0x4000 && count > 0));
	for (unsigned i = 0; i < count; i++)
		digits[i] = (unsigned)wire_number(wire, 2);
	must(count == 0 || (digits[0] > 0 && digits[count - 1] > 0));
	must(count > 0 || weight == 0);
	to += sprintf(to, "%s", sign != 0 ? "-" : "");
	bool any = false;
	for (int power = weight; power >= 0; power--) {
		unsigned i = (unsigned)(weight - power);
		unsigned digit = i < count ? digits[i] : 0;
		must(digit < 10000);
		to += sprintf(to, any ? "%04u" : "%u", digit);
		any = true;
	}
	unsigned behind = (unsigned)(weight + 1);
	unsigned cents = behind < count ? digits[behind] : 0;
	must(cents < 10000 && cents % 100 == 0 && count <= behind + 1);
	sprintf(to, "%s.%02u", any ? "" : "0", cents / 100);
}

static void must_be_value(struct wire *wire, enum column_type type, const struct value *value)
{
	char found[64];
	char expected[64];
	double degree = 0;
	uint64_t bits = 0;
	uint64_t size = value->number < 0 ? 0 - (uint64_t)value->number : (uint64_t)value->number;
	switch (type) {
	case COLUMN_CODE:
	case COLUMN_TEXT:
		must((size_t)(wire->end - wire->at) == value->size);
		must(value->size == 0 || memcmp(wire->at, value->text, value->size) == 0);
		wire->at = wire->end;
		break;
	case COLUMN_DATE: /* days since 2000-01-01, which is 10957 days after 1970-01-01 */
		must((int32_t)wire_number(wire, 4) + INT64_C(10957) == value->number);
		break;
	case COLUMN_SMALLINT:
		must((int16_t)wire_number(wire, 2) == value->number);
		break;
	case COLUMN_INTEGER:
		must((int32_t)wire_number(wire, 4) == value->number);
		break;
	case COLUMN_PRICE:
	case COLUMN_AREA:
		numeric_text(wire, found);
		snprintf(expected, sizeof(expected), "%s%" PRIu64 ".%02" PRIu64,
			value->number < 0 ? "-" : "", size / 100, size % 100);
		must(strcmp(found, expected) == 0);
		break;
	case COLUMN_DEGREE:
		bits = wire_number(wire, 8);
		memcpy(&degree, &bits, sizeof(degree));
		must(memcmp(&degree, &value->degree, sizeof(degree)) == 0);
		break;
	}
}

/* Our own decoder, as `verify` uses it, must agree. */
static void must_come_back(
	const struct wire *field, enum column_type type, const struct value *value)
{
	char odd[ODD_SHOWN];
	struct value again;
	struct copy_field copy = { (const char *)field->at, (int32_t)(field->end - field->at) };
	must(copy_value(type, false, &copy, &again, odd));
	must(!again.null && !again.odd && again.number == value->number);
	must(memcmp(&again.degree, &value->degree, sizeof(again.degree)) == 0);
	must(again.size == value->size);
}

static void try_row(struct input *input)
{
	static const char head[] = "PGCOPY\n\377\r\n";
	struct row row = { .year = (int16_t)take_number(input, 2) };
	struct buf out = { 0 };
	struct error error;
	row.source_row = (int32_t)take_number(input, 4);
	for (unsigned i = 0; i < COLUMNS; i++)
		make_value(&row.values[i], columns[i].type, input);
	must(postgres_copy_one(&out, &row, &error));
	unsigned char *exact = (unsigned char *)exact_copy(out.bytes, out.size);
	struct wire wire = { exact, exact + out.size };
	must(out.size > 19 && memcmp(wire.at, head, 11) == 0);
	wire.at += 11;
	must(wire_number(&wire, 4) == 0 && wire_number(&wire, 4) == 0);
	must(wire_number(&wire, 2) == COLUMNS + 2);
	for (unsigned i = 0; i < COLUMNS; i++) {
		int32_t size = (int32_t)wire_number(&wire, 4);
		must((size == -1) == row.values[i].null && size >= -1);
		if (size == -1)
			continue;
		must(wire.end - wire.at >= size);
		struct wire field = { wire.at, wire.at + size };
		must_come_back(&field, columns[i].type, &row.values[i]);
		must_be_value(&field, columns[i].type, &row.values[i]);
		must(field.at == field.end);
		wire.at += size;
	}
	must(wire_number(&wire, 4) == 2 && (int16_t)wire_number(&wire, 2) == row.year);
	must(wire_number(&wire, 4) == 4 && (int32_t)wire_number(&wire, 4) == row.source_row);
	must(wire_number(&wire, 2) == 0xffff && wire.at == wire.end);
	free(exact);
	buf_free(&out);
}

static void try_field(struct input *input)
{
	char odd[ODD_SHOWN];
	struct value value;
	unsigned what = take_byte(input);
	enum column_type type = (enum column_type)(what % (COLUMN_DEGREE + 1));
	bool as_text = (what & 128) != 0;
	char *bytes = exact_copy(input->at, input->left);
	struct copy_field field = { bytes, (int32_t)input->left };
	memset(odd, 'o', sizeof(odd));
	bool done = copy_value(type, as_text, &field, &value, odd);
	must(done || !as_text);
	if (done && value.odd) {
		must(memchr(odd, '\0', sizeof(odd)) != NULL && value.text == odd);
		must(value.size == strlen(odd) && value.size > 0);
		for (const char *c = odd; *c != '\0'; c++)
			must(*c >= ' ' && *c < 0x7f);
	}
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = { bytes, size };
	if (take_byte(&input) % 4 != 0)
		try_row(&input);
	else
		try_field(&input);
	return 0;
}

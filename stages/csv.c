#include "stages/csv.h"

#include <endian.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What the automaton knows before a byte. A record's start is a field's start. */
enum { FIELD_START, UNQUOTED, QUOTED, QUOTE_SEEN };

/* QUOTE_SEEN: inside quotes came a quote, which closes the field unless it is doubled. A line feed
 * ends the record exactly when it leads to FIELD_START. */
static inline unsigned char csv_step(unsigned char state, char byte)
{
	if (state == QUOTED)
		return byte == '"' ? QUOTE_SEEN : QUOTED;
	if (byte == '"' && state != UNQUOTED)
		return QUOTED;
	return byte == ',' || byte == '\n' ? FIELD_START : UNQUOTED;
}

/* Byte by byte, for the rare records that have quotes; only text inside quotes is skipped over. */
static bool scan_quotes(struct csv_scan *scan, const char *bytes, size_t size, size_t *used)
{
	unsigned char state = scan->state;
	size_t at = 0;
	bool found = false;
	while (at < size && !found) {
		if (state == QUOTED) {
			const char *quote = memchr(bytes + at, '"', size - at);
			at = quote != NULL ? (size_t)(quote - bytes) : size;
			if (quote == NULL)
				break;
		}
		state = csv_step(state, bytes[at]);
		found = bytes[at] == '\n' && state == FIELD_START;
		at++;
	}
	scan->state = state;
	*used = at;
	return found;
}

bool csv_scan(struct csv_scan *scan, const char *bytes, size_t size, size_t *used)
{
	*used = 0;
	if (size == 0)
		return false;
	if (scan->state == QUOTED)
		return scan_quotes(scan, bytes, size, used);
	const char *feed = memchr(bytes, '\n', size);
	size_t line = feed != NULL ? (size_t)(feed - bytes) + 1 : size;
	if (memchr(bytes, '"', line) != NULL)
		return scan_quotes(scan, bytes, size, used);
	*used = line;
	scan->state = csv_step(UNQUOTED, bytes[line - 1]);
	return feed != NULL;
}

bool csv_is_blank(const char *record, size_t size)
{
	return csv_trim(record, size) == 0;
}

size_t csv_trim(const char *record, size_t size)
{
	if (size > 0 && record[size - 1] == '\n')
		size--;
	if (size > 0 && record[size - 1] == '\r')
		size--;
	return size;
}

/* One bit a byte, set where it is a comma, the first byte lowest. */
static inline uint64_t commas_in_sixteen(const char *bytes)
{
#ifdef __SSE2__
	__m128i sixteen;
	memcpy(&sixteen, bytes, sizeof(sixteen));
	return (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(sixteen, _mm_set1_epi8(',')));
#else
	const uint64_t low7 = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t commas = 0;
	for (unsigned at = 0; at < 16; at += 8) {
		uint64_t word;
		memcpy(&word, bytes + at, sizeof(word));
		word = le64toh(word) ^ UINT64_C(0x2c2c2c2c2c2c2c2c);
		word = ~(((word & low7) + low7) | word | low7);
		commas |= ((word >> 7) * UINT64_C(0x0102040810204080)) >> 56 << at;
	}
	return commas;
#endif
}

static inline uint64_t commas_in_block(const char *block)
{
	return commas_in_sixteen(block) | commas_in_sixteen(block + 16) << 16 |
	       commas_in_sixteen(block + 32) << 32 | commas_in_sixteen(block + 48) << 48;
}

/* A record without any quote, 64 bytes at a time: the end of the loop over the commas found is what
 * a processor cannot foresee, so it had better be seldom. */
static enum csv_fault split_plain(
	const char *record, uint32_t size, struct csv_field *fields, unsigned most, unsigned *count)
{
	struct csv_field *field = fields;
	const struct csv_field *end = fields + most;
	uint32_t first = 0;
	char last[64] = "";
	for (uint64_t at = 0; at < size; at += 64) {
		const char *block = record + at;
		if (size - at < sizeof(last))
			block = memcpy(last, block, size - at);
		for (uint64_t commas = commas_in_block(block); commas != 0; commas &= commas - 1) {
			if (field == end)
				break;
			uint32_t comma = (uint32_t)at + (uint32_t)__builtin_ctzll(commas);
			*field++ = (struct csv_field){ .first = first, .size = comma - first };
			first = comma + 1;
		}
	}
	*count = (unsigned)(field - fields);
	if (field == end)
		return CSV_TOO_MANY_FIELDS;
	*field = (struct csv_field){ .first = first, .size = size - first };
	(*count)++;
	return CSV_FINE;
}

/* Takes the field that begins at *at; afterwards *at is its comma or the record's end. */
static enum csv_fault split_field(
	const char *record, uint32_t size, struct csv_field *field, uint32_t *at)
{
	uint32_t now = *at;
	unsigned char state = FIELD_START;
	*field = (struct csv_field){ .first = now };
	field->quoted = now < size && record[now] == '"';
	for (; now < size; now++) {
		unsigned char next = csv_step(state, record[now]);
		if (next == FIELD_START)
			break;
		if (state == QUOTE_SEEN && next == UNQUOTED)
			return CSV_TEXT_AFTER_QUOTE;
		if (state == QUOTE_SEEN)
			field->doubled = true;
		state = next;
	}
	*at = now;
	field->size = now - field->first;
	if (state == QUOTED)
		return CSV_QUOTE_NOT_CLOSED;
	if (field->quoted) {
		field->first++;
		field->size -= 2;
	}
	return CSV_FINE;
}

static enum csv_fault split_quotes(
	const char *record, uint32_t size, struct csv_field *fields, unsigned most, unsigned *count)
{
	uint32_t at = 0;
	for (*count = 0; *count < most; at++) {
		enum csv_fault fault = split_field(record, size, &fields[*count], &at);
		if (fault != CSV_FINE)
			return fault;
		(*count)++;
		if (at == size)
			return CSV_FINE;
	}
	return CSV_TOO_MANY_FIELDS;
}

enum csv_fault csv_split(
	const char *record, size_t size, struct csv_field *fields, unsigned most, unsigned *count)
{
	if (memchr(record, '"', size) == NULL)
		return split_plain(record, (uint32_t)size, fields, most, count);
	return split_quotes(record, (uint32_t)size, fields, most, count);
}

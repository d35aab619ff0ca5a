#include "stages/sheet.h"

#include <string.h>

#include "stages/value.h"

#define FORMULA_SIGNS "=+-@"

const char *sheet_encoding(bool escaped)
{
	return escaped ? "escaped" : "text";
}

static bool is_control(unsigned char byte)
{
	return (byte < 0x20 && byte != '\n') || byte == 0x7f;
}

/* The first byte from `at` on that is not part of well-formed UTF-8, or NUL. */
static uint32_t fine_end(const char *raw, uint32_t at, uint32_t size)
{
	size_t bad = 0;
	return value_text_fine(raw + at, size - at, &bad) ? size : at + (uint32_t)bad;
}

static bool is_formula(const char *raw, uint32_t size)
{
	return size > 0 && raw[0] != '\0' && strchr(FORMULA_SIGNS, raw[0]) != NULL;
}

static bool escape_byte(struct buf *text, char byte, struct error *error)
{
	if (byte == '\\')
		return buf_add_text(text, "\\\\", error);
	return buf_print(text, error, "\\x%02x", (unsigned)(unsigned char)byte);
}

static bool escape(struct buf *text, const char *raw, uint32_t size, struct error *error)
{
	uint32_t at = 0;
	uint32_t fine = 0; /* raw[at, fine) is UTF-8 */
	if (is_formula(raw, size) && !escape_byte(text, raw[at++], error))
		return false;
	while (at < size) {
		uint32_t first = at;
		if (at >= fine)
			fine = fine_end(raw, at, size);
		while (at < fine && !is_control((unsigned char)raw[at]) && raw[at] != '\\')
			at++;
		if (!buf_add(text, raw + first, at - first, error))
			return false;
		/* Where the loop stopped before the end stands a byte that cannot stay. */
		if (at < size && !escape_byte(text, raw[at++], error))
			return false;
	}
	return true;
}

static bool is_plain(const char *raw, uint32_t size)
{
	uint32_t at = 0;
	while (at < size && !is_control((unsigned char)raw[at]))
		at++;
	return at == size && fine_end(raw, 0, size) == size && !is_formula(raw, size);
}

bool sheet_encode(
	struct buf *text, const char *raw, uint32_t size, bool *escaped, struct error *error)
{
	buf_clear(text);
	*escaped = !is_plain(raw, size);
	if (*escaped)
		return escape(text, raw, size, error);
	return buf_add(text, raw, size, error);
}

static bool add_quoted(struct buf *out, const char *text, struct error *error)
{
	if (!buf_add(out, "\"", 1, error))
		return false;
	for (const char *quote; (quote = strchr(text, '"')) != NULL; text = quote + 1)
		if (!buf_add(out, text, (size_t)(quote - text) + 1, error) ||
			!buf_add(out, "\"", 1, error))
			return false;
	return buf_add_text(out, text, error) && buf_add(out, "\"", 1, error);
}

bool sheet_add_header(struct buf *out, struct error *error)
{
	return buf_add_text(out,
		"edition,year,record,plain_first,plain_end,column,reason,raw,raw_encoding,stage"
		"\r\n",
		error);
}

bool sheet_add(struct buf *out, struct buf *text, const struct kept *kept, struct error *error)
{
	bool escaped = false;
	bool done = buf_print(out, error, "%s,%d,%llu,%llu,%llu,", kept->edition, kept->year,
			    (unsigned long long)kept->record, (unsigned long long)kept->plain_first,
			    (unsigned long long)kept->plain_end) &&
		    add_quoted(out, kept->column != NULL ? kept->column : "", error) &&
		    buf_add(out, ",", 1, error);
	/* What the server said of a record may quote it. */
	done = done &&
	       sheet_encode(text, kept->reason, (uint32_t)strlen(kept->reason), &escaped, error) &&
	       add_quoted(out, text->bytes, error) && buf_add(out, ",", 1, error);
	return done && sheet_encode(text, kept->raw, kept->raw_size, &escaped, error) &&
	       add_quoted(out, text->bytes, error) &&
	       buf_print(out, error, ",%s,%s\r\n", sheet_encoding(escaped),
		       sink_stage_word(kept->stage));
}

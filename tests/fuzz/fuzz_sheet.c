/*
 * fuzz_sheet.c: texts that people and programs read back: a sheet of rejects (any bytes as one; and
 * every record that is written comes back as it was), and JSON's texts, read by a decoder that
 * knows nothing of ours.
 *
 * Input: a first byte that says which; then the file, the record or the text.
 */
#include "stages/sheet.h"
#include "state/json.h"
#include "state/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reference.h"

static struct memory_file file;

static void try_sheet(const void *bytes, size_t size)
{
	struct sheet sheet = { 0 };
	struct sheet_line line;
	struct error error = { 0 };
	bool end = false;
	uint64_t last = 0;
	memory_file_put(&file, bytes, size);
	bool done = sheet_open(&sheet, file.fd, 0, &error);
	while (done && !end) {
		done = sheet_next(&sheet, &line, &end, &error);
		if (!done || end)
			break;
		must(line.line > last && line.year >= 1 && line.year <= 9999 && line.record >= 1);
		must(strlen(line.edition) == SHA256_HEX - 1 && line.raw_size >= 1);
		must(line.raw_size <= RECORD_MAX);
		last = line.line;
	}
	if (!done)
		must_be_told(&error);
	sheet_close(&sheet);
}

/* A record of any bytes, and what the server said of it. */
static void try_reject(struct input *input)
{
	static const char edition[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct input said = take_piece(input, take_byte(input) % 64);
	struct buf out = { .limit = SHEET_LINE_MAX };
	struct buf text = { .limit = SHEET_LINE_MAX };
	struct sheet sheet;
	struct sheet_line line;
	struct error error;
	struct kept kept = { .year = 2023, .record = 7, .column = "latitude" };
	bool end = false;
	char *reason = strndup((const char *)said.at, said.left);
	char *raw = exact_copy(input->at, input->left);
	must(reason != NULL);
	memcpy(kept.edition, edition, sizeof(edition));
	kept.reason = reason;
	kept.raw = raw;
	kept.raw_size = (uint32_t)reference_trim(raw, input->left);
	must(sheet_add_header(&out, &error) && sheet_add(&out, &text, &kept, &error));
	must(reference_utf8(out.bytes, out.size) == out.size);
	memory_file_put(&file, out.bytes, out.size);
	must(sheet_open(&sheet, file.fd, 0, &error));
	bool done = sheet_next(&sheet, &line, &end, &error);
	/* What a line end is left of is no record, and none is kept that is empty. */
	size_t size = reference_trim(raw, kept.raw_size);
	must(done == (size > 0));
	if (done) {
		must(!end && line.year == 2023 && line.record == 7);
		must(strcmp(line.edition, edition) == 0);
		must(line.raw_size == size && memcmp(line.raw, raw, size) == 0);
		must(sheet_next(&sheet, &line, &end, &error) && end);
	}
	sheet_close(&sheet);
	free(reason);
	free(raw);
	buf_free(&out);
	buf_free(&text);
}

static unsigned hex(const char **at)
{
	unsigned code = 0;
	for (unsigned i = 0; i < 4; i++, (*at)++) {
		const char *digits = "0123456789abcdef";
		const char *digit = strchr(digits, **at);
		must(**at != '\0' && digit != NULL);
		code = code * 16 + (unsigned)(digit - digits);
	}
	return code;
}

/* The next character of a JSON text in `to`; its size. */
static size_t json_next(const char **at, char to[static 4])
{
	static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
	char c = *(*at)++;
	must((unsigned char)c >= 0x20 && c != '"');
	to[0] = c;
	if (c != '\\')
		return 1;
	c = *(*at)++;
	if (c == 'u') {
		unsigned code = hex(at);
		must(code < 0x80 || code == 0xfffd);
		to[0] = (char)code;
		if (code < 0x80)
			return 1;
		memcpy(to, "\xef\xbf\xbd", 3);
		return 3;
	}
	for (unsigned i = 0; escapes[i] != '\0'; i += 2)
		if (escapes[i] == c) {
			to[0] = escapes[i + 1];
			return 1;
		}
	must(c == 'u'); /* no other escape is there */
	return 0;
}

/* Byte by byte: as it is where it is UTF-8, U+FFFD where not. */
static void must_say(const char *at, const char *end, const char *text)
{
	char found[4];
	must(*at++ == '"');
	while (*text != '\0') {
		size_t fine = reference_utf8(text, strlen(text));
		must(utf8_size(text) == fine);
		for (size_t i = 0; i < fine; i++) {
			must(json_next(&at, found) == 1 && found[0] == text[i]);
		}
		text += fine;
		if (*text == '\0')
			break;
		must(json_next(&at, found) == 3 && memcmp(found, "\xef\xbf\xbd", 3) == 0);
		text++;
	}
	must(*at++ == '"' && at == end);
}

static void try_json(const struct input *input)
{
	struct buf json = { 0 };
	struct error error;
	char *text = strndup((const char *)input->at, input->left);
	must(text != NULL);
	must(json_add_text(&json, text, &error));
	must(reference_utf8(json.bytes, json.size) == json.size);
	must_say(json.bytes, json.bytes + json.size, text);
	free(text);
	buf_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = { bytes, size };
	switch (take_byte(&input) % 3) {
	case 0:
		try_sheet(input.at, input.left);
		break;
	case 1:
		try_reject(&input);
		break;
	default:
		try_json(&input);
		break;
	}
	return 0;
}

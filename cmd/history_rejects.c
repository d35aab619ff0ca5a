/*
 * history --rejects: what the destination keeps of records that are not in the table as their file
 * has them. Written as it is read, so that a million of them need no memory.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "stages/sheet.h"
#include "stages/value.h"
#include "state/json.h"

#define COLUMN_WIDTH 28                  /* code_nature_culture_speciale */
#define REASON_AT    (50 + COLUMN_WIDTH) /* where the reason begins */
#define RAW_SHOWN    72                  /* bytes of a record that people look at */
#define JSON_LIMIT                                                                                 \
	((size_t)40 << 20) /* a record, and what it was mended to, every byte escaped              \
			    */

struct listing {
	const struct options *options;
	struct buf out;
	struct buf text; /* a record, encoded */
	uint64_t count;
};

/* Characters that would move a terminal's cursor or turn its direction. */
static bool is_unsafe(const unsigned char *c, size_t size)
{
	if (size == 2)
		return c[0] == 0xc2 && c[1] < 0xa0;
	return size == 3 && c[0] == 0xe2 &&
	       ((c[1] == 0x80 && (c[2] >= 0xa8 && c[2] <= 0xae)) ||
		       (c[1] == 0x81 && (c[2] >= 0xa6 && c[2] <= 0xa9)));
}

/* How many bytes of text[0, size) are one character that can be shown; 0: none. */
static size_t shown_size(const char *text, size_t size)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t bad = 0;
	size_t length = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
	if (length == 1)
		return c[0] >= 0x20 && c[0] != 0x7f ? 1 : 0;
	if (length > size || !value_text_fine(text, length, &bad) || is_unsafe(c, length))
		return 0;
	return length;
}

static bool add_shown(struct buf *out, const char *text, size_t size, struct error *error)
{
	bool cut = size > RAW_SHOWN;
	bool done = true;
	for (size_t at = 0; done && at < (cut ? RAW_SHOWN : size);) {
		size_t shown = shown_size(text + at, size - at);
		done = shown > 0 ? buf_add(out, text + at, shown, error)
				 : buf_print(out, error, "\\x%02x",
					   (unsigned)(unsigned char)text[at]);
		at += shown > 0 ? shown : 1;
	}
	return done && (!cut || buf_add_text(out, "...", error));
}

static bool add_people(struct listing *listing, const struct kept *kept, struct error *error)
{
	struct buf *out = &listing->out;
	bool done = buf_print(out, error, "%4d %9llu %12llu  %-9s  %-6s  %-*s  ", kept->year,
			    (unsigned long long)kept->record, (unsigned long long)kept->plain_first,
			    sink_stage_word(kept->stage), kept->mended != NULL ? "mended" : "",
			    COLUMN_WIDTH, kept->column != NULL ? kept->column : "-") &&
		    add_shown(out, kept->reason, strlen(kept->reason), error) &&
		    buf_add_text(out, "  |  ", error) &&
		    add_shown(out, kept->raw, kept->raw_size, error) &&
		    buf_add_text(out, "\n", error);
	if (done && kept->mended != NULL)
		done = buf_print(out, error, "%*smended to  |  ", REASON_AT, "") &&
		       add_shown(out, kept->mended, kept->mended_size, error) &&
		       buf_add_text(out, "\n", error);
	return done;
}

/* `"raw":"...","raw_encoding":"text"` and the like. */
static bool json_add_raw(struct listing *listing, const char *name, const char *raw, uint32_t size,
	struct error *error)
{
	struct buf *out = &listing->out;
	bool escaped = false;
	return sheet_encode(&listing->text, raw, size, &escaped, error) &&
	       json_add_name(out, name, error) && json_add_text(out, listing->text.bytes, error) &&
	       buf_print(out, error, ",\"%s_encoding\":\"%s\"", name, sheet_encoding(escaped));
}

static bool add_json(struct listing *listing, const struct kept *kept, struct error *error)
{
	struct buf *out = &listing->out;
	bool done = buf_print(out, error,
		"%s\n{\"edition\":\"%s\",\"year\":%d,\"stage\":\"%s\",\"record\":%llu,"
		"\"plain_first\":%llu,\"plain_end\":%llu,\"column\":",
		listing->count > 0 ? "," : "", kept->edition, kept->year,
		sink_stage_word(kept->stage), (unsigned long long)kept->record,
		(unsigned long long)kept->plain_first, (unsigned long long)kept->plain_end);
	if (done && kept->column != NULL)
		done = json_add_text(out, kept->column, error);
	else if (done)
		done = buf_add_text(out, "null", error);
	done = done && json_add_name(out, "reason", error) &&
	       json_add_text(out, kept->reason, error) &&
	       json_add_raw(listing, "raw", kept->raw, kept->raw_size, error);
	if (done && kept->mended != NULL)
		done = json_add_raw(listing, "mended", kept->mended, kept->mended_size, error);
	else if (done)
		done = buf_add_text(out, ",\"mended\":null", error);
	return done && buf_add_text(out, "}", error);
}

/* Mended ones are rejects no more: mend would refuse them. */
static bool add_one(struct listing *listing, const struct kept *kept, struct error *error)
{
	bool done;
	if (listing->options->csv && kept->mended != NULL)
		return true;
	if (listing->options->json)
		done = add_json(listing, kept, error);
	else if (listing->options->csv)
		done = sheet_add(&listing->out, &listing->text, kept, error);
	else
		done = add_people(listing, kept, error);
	listing->count++;
	return done;
}

static bool write_out(struct listing *listing, struct error *error)
{
	size_t size = listing->out.size;
	bool done = fwrite(listing->out.bytes, 1, size, stdout) == size ||
		    error_system(error, "cannot write to stdout");
	buf_clear(&listing->out);
	return done;
}

static bool begin(struct listing *listing, struct error *error)
{
	bool done = true;
	if (listing->options->csv)
		done = sheet_add_header(&listing->out, error);
	else if (listing->options->json)
		done = buf_add_text(&listing->out, "{\"schema\":1,\"rejects\":[", error);
	return done && (listing->out.size == 0 || write_out(listing, error));
}

static bool list(struct listing *listing, struct kept_reader *reader, struct error *error)
{
	int64_t limit = listing->options->filter.limit;
	struct kept kept;
	bool end = false;
	while (limit == 0 || listing->count < (uint64_t)limit) {
		if (!reader->ops->next(reader, &kept, &end, error))
			return false;
		if (end)
			break;
		if (listing->count == 0 && !listing->options->csv && !listing->options->json)
			printf("%4s %9s %12s  %-9s  %-6s  %-*s  %s\n", "year", "record",
				"plain offset", "edition", "", COLUMN_WIDTH, "column",
				"reason  |  record");
		if (!add_one(listing, &kept, error) || !write_out(listing, error))
			return false;
	}
	return true;
}

static bool finish(const struct listing *listing, struct error *error)
{
	if (listing->options->json)
		puts(listing->count > 0 ? "\n]}" : "]}");
	else if (!listing->options->csv && listing->count == 0)
		puts("no record was rejected");
	return ferror(stdout) == 0 || error_system(error, "cannot write to stdout");
}

static bool look(struct sink *sink, struct error *error)
{
	bool there = false;
	if (!sink->ops->look(sink, &there, error))
		return false;
	return there || error_set(error, ERROR_REFUSED,
				"%s holds nothing of dvf-import: nothing was imported there yet",
				sink->destination.name);
}

int history_rejects(const struct options *options)
{
	struct listing listing = { .options = options };
	struct kept_reader *reader = NULL;
	struct sink *sink = NULL;
	struct error error;
	error_clear(&error);
	listing.out.limit = options->json ? JSON_LIMIT : 2 * SHEET_LINE_MAX;
	listing.text.limit = SHEET_LINE_MAX;
	bool done = sink_open(&sink, &options->to, &error) && look(sink, &error) &&
		    sink->ops->kept_open(sink, options->filter.year, &reader, &error) &&
		    begin(&listing, &error) && list(&listing, reader, &error) &&
		    finish(&listing, &error);
	if (reader != NULL)
		reader->ops->close(reader);
	sink_close(sink);
	buf_free(&listing.out);
	buf_free(&listing.text);
	return done ? EXIT_ALL : command_failed(options, &error);
}

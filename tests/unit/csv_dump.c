/*
 * csv_dump: shows how csv.h cuts and splits what comes on stdin, for a comparison with another
 * parser.
 *
 *     csv_dump [PIECE] < FILE
 *
 * One line a record: its fields in hexadecimal, each followed by a space; or "fault N" for one that
 * cannot be split. Blank lines are left out. The input is scanned in pieces of PIECE bytes
 * (default: all at once).
 */
#include <stdio.h>
#include <stdlib.h>

#include "stages/csv.h"
#include "state/base/buf.h"

static bool read_all(struct buf *input, struct error *error)
{
	size_t got = 1;
	while (got > 0) {
		if (!buf_reserve(input, 65536, error))
			return false;
		got = fread(input->bytes + input->size, 1, 65536, stdin);
		input->size += got;
	}
	return ferror(stdin) == 0 || error_system(error, "cannot read stdin");
}

/* As row.h undoes them: of two quotes the second goes. */
static void print_field(const char *record, const struct csv_field *field)
{
	for (uint32_t at = 0; at < field->size; at++) {
		const char *byte = record + field->first + at;
		printf("%02x", (unsigned)(unsigned char)*byte);
		if (field->doubled && *byte == '"')
			at++;
	}
	putchar(' ');
}

static void print_record(const char *record, size_t size)
{
	static struct csv_field fields[FIELDS_MAX];
	unsigned count = 0;
	if (csv_is_blank(record, size))
		return;
	enum csv_fault fault =
		csv_split(record, csv_trim(record, size), fields, FIELDS_MAX, &count);
	if (fault != CSV_FINE)
		printf("fault %d", (int)fault);
	else
		for (unsigned i = 0; i < count; i++)
			print_field(record, &fields[i]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct buf input = { .limit = (size_t)1 << 30 };
	struct error error = { 0 };
	if (!read_all(&input, &error)) {
		fprintf(stderr, "csv_dump: %s\n", error.text);
		return 1;
	}
	size_t piece = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	if (piece == 0)
		piece = input.size;
	struct csv_scan scan = { 0 };
	size_t first = 0;
	for (size_t at = 0; at < input.size;) {
		size_t left = input.size - at;
		size_t used = 0;
		bool found = csv_scan(&scan, input.bytes + at, left < piece ? left : piece, &used);
		at += used;
		if (!found)
			continue;
		print_record(input.bytes + first, at - first);
		first = at;
	}
	if (first < input.size)
		print_record(input.bytes + first, input.size - first);
	buf_free(&input);
	return 0;
}

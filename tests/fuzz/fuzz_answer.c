/*
 * fuzz_answer.c: a server's headers, line by line, and the verdict on them: nothing is believed
 * that the rules of fetch_answer.h do not allow, whatever was said before or behind.
 *
 * Input: what was asked (bits, an offset, a size), then header lines up to their line feeds.
 */
#include "stages/fetch_answer.h"
#include "tests/fuzz/fuzz.h"

enum { ASKED_HAVE = 1, ASKED_PART = 2, PART_SIZED = 4, WEAK = 8, NO_ETAG = 16, LOCAL = 32 };

static bool is_text(const char *text, size_t room)
{
	for (size_t i = 0; i < room; i++) {
		if (text[i] == '\0')
			return true;
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	return false;
}

static void make_validators(struct validators *validators, unsigned bits, uint64_t size)
{
	*validators =
		(struct validators){ .packed_size = size, .has_size = (bits & PART_SIZED) != 0 };
	if ((bits & NO_ETAG) == 0)
		strcpy(validators->etag, (bits & WEAK) != 0 ? "W/\"a1\"" : "\"a1\"");
	strcpy(validators->last_modified, "Sun, 06 Nov 1994 08:49:37 GMT");
}

/* Each line as curl hands it over: with its line feed, without a NUL behind it. */
static void hear(struct answer *answer, struct input lines)
{
	while (lines.left > 0) {
		const uint8_t *feed = memchr(lines.at, '\n', lines.left);
		struct input line = take_piece(
			&lines, feed != NULL ? (size_t)(feed - lines.at) + 1 : lines.left);
		char *copy = exact_copy(line.at, line.left);
		answer_header(answer, copy, line.left);
		free(copy);
	}
}

static void look_at(const struct answer *answer)
{
	must(answer->status >= 0 && answer->status <= 999);
	must(is_text(answer->reason, sizeof(answer->reason)));
	must(is_text(answer->etag, sizeof(answer->etag)));
	must(is_text(answer->last_modified, sizeof(answer->last_modified)));
	must(is_text(answer->retry_after, sizeof(answer->retry_after)));
	must(is_text(answer->date, sizeof(answer->date)));
	must(answer->etag[0] == '\0' || answer->etag[0] == '"' ||
		strncmp(answer->etag, "W/\"", 3) == 0);
	must(!answer->has_range || answer->range_first <= answer->range_last);
	must(!answer->has_range || !answer->has_total || answer->range_last < answer->range_total);
	must(answer_retry_ms(answer) <= RETRY_AFTER_MAX_MS);
}

static void look_at_verdict(const struct answer *answer, const struct question *question,
	enum verdict verdict, const struct error *error)
{
	const struct validators *part = question->part;
	struct validators now;
	answer_validators(answer, &now);
	if (verdict >= VERDICT_WITHOUT_RANGE)
		must_be_told(error);
	switch (verdict) {
	case VERDICT_TAKE:
		must(answer->local || (answer->status == 200 && !answer->encoded &&
					      (answer->has_length || answer->chunked)));
		break;
	case VERDICT_CONTINUE:
		must(answer->status == 206 && part != NULL && !answer->encoded);
		must(answer->has_range && answer->range_first == question->offset);
		must(answer->has_total && answer->range_total > question->offset);
		must(!part->has_size || part->packed_size == answer->range_total);
		must(part->etag[0] != '"' || strcmp(part->etag, answer->etag) == 0);
		must(part->etag[0] == '"' ||
			strcmp(part->last_modified, answer->last_modified) == 0);
		must(now.has_size && now.packed_size == answer->range_total);
		break;
	case VERDICT_UNCHANGED:
		must(question->have != NULL && (answer->status == 304 || answer->status == 200));
		break;
	case VERDICT_WITHOUT_RANGE:
		must(part != NULL);
		break;
	case VERDICT_WITHOUT_HAVE:
		must(question->have != NULL);
		break;
	case VERDICT_RETRY:
	case VERDICT_RETRY_ONCE:
	case VERDICT_FAIL:
		must(answer->status != 200 || verdict == VERDICT_FAIL);
		break;
	}
}

/* Another response before it (a redirect), or trailers behind it, change nothing. */
static void try_neighbours(const struct answer *answer, struct input lines)
{
	static const char before[] = "HTTP/1.1 302 Found\r\nETag: \"b2\"\r\nContent-Length: 7\r\n"
				     "Retry-After: 9\r\nContent-Encoding: br\r\n\r\n";
	static const char behind[] = "\r\nETag: \"c3\"\r\nContent-Length: 8\r\nRetry-After: 99\r\n"
				     "Content-Range: bytes 1-2/3\r\n";
	struct answer other = { .local = answer->local };
	hear(&other, (struct input){ (const uint8_t *)before, sizeof(before) - 1 });
	hear(&other, lines);
	if (lines.left > 5 && memcmp(lines.at, "HTTP/", 5) == 0)
		must(memcmp(&other, answer, sizeof(other)) == 0);
	other = (struct answer){ .local = answer->local };
	hear(&other, lines);
	if (lines.left == 0 || lines.at[lines.left - 1] != '\n')
		return;
	hear(&other, (struct input){ (const uint8_t *)behind, sizeof(behind) - 1 });
	other.complete = answer->complete;
	must(memcmp(&other, answer, sizeof(other)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = { bytes, size };
	struct validators have;
	struct validators part;
	struct error error = { 0 };
	unsigned bits = take_byte(&input);
	uint64_t offset = take_number(&input, 2);
	uint64_t whole = take_number(&input, 3);
	struct question question = { .offset = offset };
	struct answer answer;
	/* Zeros between the fields too, so that whole answers can be compared. */
	memset(&answer, 0, sizeof(answer));
	answer.local = (bits & LOCAL) != 0;
	make_validators(&have, bits, whole);
	make_validators(&part, bits, whole);
	question.have = (bits & ASKED_HAVE) != 0 ? &have : NULL;
	question.part = (bits & ASKED_PART) != 0 ? &part : NULL;
	hear(&answer, input);
	look_at(&answer);
	look_at_verdict(&answer, &question, answer_judge(&answer, &question, &error), &error);
	try_neighbours(&answer, input);
	return 0;
}

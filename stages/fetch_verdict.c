/* What an answer is worth: whether its body is taken, goes on where ours ended, is not wanted, or
 * the question is asked again. */
#include <inttypes.h>
#include <string.h>

#include "stages/fetch_answer.h"

static bool etag_strong(const char *etag)
{
	return etag[0] == '"';
}

bool validators_strong(const struct validators *validators)
{
	return etag_strong(validators->etag) ||
	       (validators->last_modified[0] != '\0' && validators->has_size);
}

static bool etags_agree(const char *one, const char *other)
{
	one += strncmp(one, "W/", 2) == 0 ? 2 : 0;
	other += strncmp(other, "W/", 2) == 0 ? 2 : 0;
	return strcmp(one, other) == 0;
}

static const char *body_wrong(const struct answer *answer)
{
	if (answer->encoded)
		return "it encoded the file once more (Content-Encoding) although that was not "
		       "asked for: the server or a proxy before it must leave the file as it is";
	if (answer->length_bad)
		return "its Content-Length is not a number or is given twice: the server must send "
		       "the length of the file";
	return NULL;
}

static enum verdict judge_whole(
	const struct answer *answer, const struct question *question, struct error *error)
{
	const char *wrong = body_wrong(answer);
	if (wrong == NULL && !answer->has_length && !answer->chunked)
		wrong = "it says neither how long the file is nor where it ends, so nobody could "
			"tell a whole download from a cut one: the server must send Content-Length";
	if (wrong != NULL) {
		error_set(error, ERROR_NETWORK, "the server's answer cannot be used: %s", wrong);
		return VERDICT_FAIL;
	}
	struct validators now;
	answer_validators(answer, &now);
	const struct validators *have = question->have;
	if (have != NULL && etag_strong(have->etag) && strcmp(have->etag, now.etag) == 0 &&
		have->has_size == now.has_size && have->packed_size == now.packed_size)
		return VERDICT_UNCHANGED;
	return VERDICT_TAKE;
}

/* What keeps a 206 from being the rest of our part; NULL: nothing does. */
static const char *rest_wrong(const struct answer *answer, const struct question *question)
{
	const struct validators *part = question->part;
	uint64_t length = answer->range_last - answer->range_first + 1;
	if (!answer->has_range)
		return "has no Content-Range that can be read";
	if (answer->range_first != question->offset)
		return "starts at another offset than asked";
	/* Without the total nobody could tell whether the last byte of the range is the file's. */
	if (!answer->has_total)
		return "does not state the size of the whole file";
	if (part->has_size && answer->range_total != part->packed_size)
		return "belongs to a file of another size";
	if (answer->has_length && !answer->chunked && answer->length != length)
		return "has a Content-Length that does not fit its Content-Range";
	if (etag_strong(part->etag) && strcmp(part->etag, answer->etag) != 0)
		return "has another ETag";
	if (!etag_strong(part->etag) && strcmp(part->last_modified, answer->last_modified) != 0)
		return "has another Last-Modified";
	return NULL;
}

static enum verdict judge_rest(
	const struct answer *answer, const struct question *question, struct error *error)
{
	if (question->part == NULL) {
		error_set(error, ERROR_NETWORK,
			"the server sent a part of the file (206) although the whole was asked for");
		return VERDICT_RETRY;
	}
	const char *wrong = body_wrong(answer);
	if (wrong != NULL) {
		error_set(error, ERROR_NETWORK, "the server's answer cannot be used: %s", wrong);
		return VERDICT_FAIL;
	}
	wrong = rest_wrong(answer, question);
	if (wrong == NULL)
		return VERDICT_CONTINUE;
	error_set(error, ERROR_NETWORK,
		"what the server sent to continue at byte %" PRIu64
		" %s, so the download starts over",
		question->offset, wrong);
	return VERDICT_WITHOUT_RANGE;
}

/* A 304 is about the file we named in If-None-Match, never about a part. */
static enum verdict judge_unchanged(
	const struct answer *answer, const struct question *question, struct error *error)
{
	const struct validators *have = question->have;
	error_set(error, ERROR_NETWORK,
		"the server answered 304 about a file that was not asked about: a cache before it "
		"must be mixing up answers; run again, or go around it");
	if (have == NULL)
		return question->part != NULL ? VERDICT_WITHOUT_RANGE : VERDICT_FAIL;
	bool other = have->etag[0] != '\0'
			     ? answer->etag[0] != '\0' && !etags_agree(have->etag, answer->etag)
			     : answer->last_modified[0] != '\0' &&
				       strcmp(have->last_modified, answer->last_modified) != 0;
	return other ? VERDICT_WITHOUT_HAVE : VERDICT_UNCHANGED;
}

static enum verdict judge_refusal(const struct answer *answer, struct error *error)
{
	int status = answer->status;
	const char *remedy = "";
	enum verdict verdict = VERDICT_FAIL;
	if (status == 408 || status == 425 || status == 429 || status >= 500) {
		verdict = VERDICT_RETRY;
	} else if (status == 403) {
		verdict = VERDICT_RETRY_ONCE;
		remedy = ": it does not let us read this file; check the URL, or try later";
	} else if (status == 401 || status == 407) {
		remedy = ": put the right user and password into the source URL (or the proxy's)";
	} else if (status >= 300 && status < 400) {
		remedy = ": a redirect that leads nowhere; check the URL";
	} else {
		remedy = ": this is not how a file is sent; check the URL";
	}
	error_set(error, ERROR_NETWORK, "the server answered %d%s%s%s", status,
		answer->reason[0] != '\0' ? " " : "", answer->reason, remedy);
	return verdict;
}

enum verdict answer_judge(
	const struct answer *answer, const struct question *question, struct error *error)
{
	if (answer->local)
		return VERDICT_TAKE;
	switch (answer->status) {
	case 200:
		return judge_whole(answer, question, error);
	case 206:
		return judge_rest(answer, question, error);
	case 304:
		return judge_unchanged(answer, question, error);
	case 404:
	case 410:
		error_set(error, ERROR_GONE,
			"the server answered %d: this year is not published there; check the years "
			"and the source URL",
			answer->status);
		return VERDICT_FAIL;
	default:
		break;
	}
	if (answer->status != 416 || question->part == NULL)
		return judge_refusal(answer, error);
	error_set(error, ERROR_NETWORK,
		"the server has nothing at byte %" PRIu64 " (416), so the download starts over",
		question->offset);
	return VERDICT_WITHOUT_RANGE;
}

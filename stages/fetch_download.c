#include "stages/fetch_download.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/source.h"
#include "state/base/stop.h"

#define PROGRESS_MS 100

static void over(struct download *download, enum verdict verdict)
{
	download->verdict = verdict;
	download->phase = PHASE_OVER;
}

static void tell_durable(struct download *download, uint64_t durable)
{
	download->part.durable = durable;
	download->synced_ms = clock_ms();
	if (download->request->durable != NULL)
		download->request->durable(download->request->context, &download->part);
}

/* What is left in the part cannot be vouched for. */
static void give_up_part(struct download *download)
{
	memset(&download->part.validators, 0, sizeof(download->part.validators));
	tell_durable(download, 0);
}

static bool make_durable(struct download *download)
{
	if (download->file.fd == -1 || download->file.size <= download->part.durable)
		return true;
	if (!part_sync(&download->file, &download->error)) {
		give_up_part(download);
		return false;
	}
	tell_durable(download, download->file.size);
	return true;
}

static uint64_t rest_of(const struct download *download)
{
	const struct validators *validators = &download->part.validators;
	if (!validators->has_size || validators->packed_size < download->file.size)
		return 0;
	return validators->packed_size - download->file.size;
}

/* The ledger hears of the new part before the old one's bytes go. */
static bool begin_whole(struct download *download)
{
	struct error *error = &download->error;
	answer_validators(&download->ask.answer, &download->part.validators);
	tell_durable(download, 0);
	if (download->file.fd != -1 && !part_restart(&download->file, error))
		return false;
	if (download->file.fd == -1 && !part_open(&download->file, download->settings->spool_folder,
					       download->part.file, 0, 0, error))
		return false;
	download->limit = download->part.validators.has_size ? download->part.validators.packed_size
							     : UINT64_MAX;
	return part_room(&download->file, rest_of(download), error);
}

static bool begin_rest(struct download *download)
{
	struct validators now;
	answer_validators(&download->ask.answer, &now);
	if (!download->part.validators.has_size) {
		download->part.validators.has_size = now.has_size;
		download->part.validators.packed_size = now.packed_size;
	}
	download->limit = download->ask.answer.range_last + 1;
	return part_room(&download->file, rest_of(download), &download->error);
}

static void judge(struct download *download)
{
	bool ready = true;
	download->verdict =
		answer_judge(&download->ask.answer, &download->ask.question, &download->error);
	switch (download->verdict) {
	case VERDICT_TAKE:
		download->phase = PHASE_BODY;
		ready = begin_whole(download);
		break;
	case VERDICT_CONTINUE:
		download->phase = PHASE_BODY;
		ready = begin_rest(download);
		break;
	case VERDICT_UNCHANGED:
	case VERDICT_WITHOUT_RANGE:
	case VERDICT_WITHOUT_HAVE:
		download->phase = PHASE_OVER;
		break;
	case VERDICT_RETRY:
	case VERDICT_RETRY_ONCE:
	case VERDICT_FAIL:
		download->phase = PHASE_PIECE;
		break;
	}
	if (!ready)
		over(download, VERDICT_FAIL);
}

static bool take_piece(struct download *download, const void *bytes, size_t size)
{
	size_t room = sizeof(download->piece) - download->piece_size;
	size_t more = size < room ? size : room;
	memcpy(download->piece + download->piece_size, bytes, more);
	download->piece_size += more;
	return download->piece_size < sizeof(download->piece);
}

static bool take_body(struct download *download, const void *bytes, size_t size)
{
	struct part_file *file = &download->file;
	if (size > download->limit - file->size) {
		error_set(&download->error, ERROR_NETWORK,
			"the server sent more than it announced, beyond byte %" PRIu64,
			download->limit);
		give_up_part(download);
		over(download, VERDICT_RETRY);
		return false;
	}
	if (!part_append(file, bytes, size, &download->error)) {
		over(download, VERDICT_FAIL);
		return false;
	}
	if (!look_begins(file->first, file->first_size, download->request->packing)) {
		download->strange = true;
		download->verdict = VERDICT_FAIL;
		download->phase = PHASE_PIECE;
		give_up_part(download);
		return take_piece(download, bytes, size);
	}
	/* Of a body without a length nobody could say before whether it fits. */
	bool due = file->size - download->part.durable >= PART_SYNC ||
		   clock_ms() - download->synced_ms >= SYNC_MS;
	if (due && (!make_durable(download) ||
			   !part_room(file, rest_of(download), &download->error))) {
		over(download, VERDICT_FAIL);
		return false;
	}
	return true;
}

static bool download_take(void *context, const void *bytes, size_t size)
{
	struct download *download = context;
	if (download->phase == PHASE_HEAD)
		judge(download);
	if (download->phase == PHASE_BODY)
		return take_body(download, bytes, size);
	return download->phase == PHASE_PIECE && take_piece(download, bytes, size);
}

static void download_tick(void *context)
{
	struct download *download = context;
	const struct fetch_request *request = download->request;
	uint64_t now = clock_ms();
	if (request->progress == NULL || download->phase != PHASE_BODY ||
		now - download->told_ms < PROGRESS_MS)
		return;
	download->told_ms = now;
	request->progress(
		request->context, download->file.size, download->part.validators.packed_size);
}

static void explain_piece(struct download *download)
{
	char text[400];
	const char *wanted =
		download->request->packing == PACKING_GZIP ? "a gzip file" : "a CSV file";
	size_t used = strlen(download->error.text);
	if (download->strange) {
		look_describe(download->piece, download->piece_size, text, sizeof(text));
		error_set(&download->error, ERROR_INPUT,
			"what came is not %s but %s: check the source URL in a browser", wanted,
			text);
	} else if (look_store_error(download->piece, download->piece_size, text, sizeof(text))) {
		snprintf(download->error.text + used, sizeof(download->error.text) - used, " (%s)",
			text);
	}
}

/* All announced bytes being there counts for more than how the connection ended. */
static enum verdict body_ended(struct download *download, enum ask_end end)
{
	const struct validators *validators = &download->part.validators;
	uint64_t size = download->file.size;
	bool whole = validators->has_size ? size == validators->packed_size : end == ASK_WHOLE;
	if (whole && download->file.first_size < 2) {
		download->strange = true;
		take_piece(download, download->file.first, download->file.first_size);
		explain_piece(download);
		give_up_part(download);
		return VERDICT_FAIL;
	}
	if (whole)
		return VERDICT_TAKE;
	if (end == ASK_WHOLE)
		error_set(&download->error, ERROR_NETWORK,
			"the server ended after %" PRIu64 " of %" PRIu64 " bytes", size,
			validators->packed_size);
	if (!make_durable(download))
		return VERDICT_FAIL;
	return end == ASK_WHOLE ? VERDICT_RETRY : ask_verdict(end);
}

static void question_make(struct download *download)
{
	struct question *question = &download->ask.question;
	const struct validators *have = download->request->have;
	bool asked = have != NULL && !download->have_useless &&
		     (have->etag[0] != '\0' || have->last_modified[0] != '\0');
	bool range = download->file.fd != -1 && download->file.size > 0 &&
		     download->part.durable > 0 && !download->range_useless &&
		     validators_strong(&download->part.validators);
	question->have = asked ? have : NULL;
	question->part = range ? &download->part.validators : NULL;
	question->offset = range ? download->file.size : 0;
}

enum verdict download_try(struct download *download)
{
	question_make(download);
	download->phase = PHASE_HEAD;
	download->strange = false;
	download->piece_size = 0;
	enum ask_end end = ask_send(&download->ask, &download->error);
	bool refused = end == ASK_CUT && download->ask.answer.complete &&
		       download->ask.answer.status >= 400;
	if (download->phase == PHASE_HEAD && (end == ASK_WHOLE || refused))
		judge(download);
	switch (download->phase) {
	case PHASE_HEAD:
		return ask_verdict(end);
	case PHASE_BODY:
		return body_ended(download, end);
	case PHASE_PIECE:
		explain_piece(download);
		break;
	case PHASE_OVER:
		break;
	}
	return download->verdict;
}

static bool part_usable(const struct part *part, const struct part *fresh)
{
	return part != NULL && part->year == fresh->year && strcmp(part->url, fresh->url) == 0 &&
	       strcmp(part->file, fresh->file) == 0 && part->durable > 0 &&
	       validators_strong(&part->validators) &&
	       (!part->validators.has_size || part->durable <= part->validators.packed_size);
}

/* A part that is all there gives its last byte back: asking for it makes the server say, by the
 * same rules as ever, that this is still its file. */
bool download_open(struct download *download, struct error *error)
{
	const struct part *given = download->request->part;
	struct part *part = &download->part;
	part->year = download->request->year;
	source_url_shown(download->request->url, part->url);
	part_name(part->year, part->url, part->file);
	if (!part_usable(given, part))
		return true;
	*part = *given;
	bool all = part->validators.has_size && part->durable == part->validators.packed_size;
	uint64_t keep = all ? part->durable - 1 : part->durable;
	if (!part_open(&download->file, download->settings->spool_folder, part->file, part->durable,
		    keep, error))
		return false;
	/* Rotten on our disk: no fault of the source's. */
	if (!look_begins(
		    download->file.first, download->file.first_size, download->request->packing) &&
		!part_restart(&download->file, error))
		return false;
	part->durable = download->file.size;
	download->size_most = part->durable;
	return true;
}

bool download_finish(struct download *download, struct spool *spool, struct error *error)
{
	memset(spool, 0, sizeof(*spool));
	spool->year = download->part.year;
	memcpy(spool->url, download->part.url, sizeof(spool->url));
	spool->validators = download->part.validators;
	if (part_finish(&download->file, download->settings->spool_folder,
		    download->request->packing, spool, error))
		return true;
	give_up_part(download);
	return false;
}

struct download *download_new(
	const struct fetch_settings *settings, const struct fetch_request *request)
{
	struct download *download = calloc(1, sizeof(*download));
	if (download == NULL)
		return NULL;
	download->settings = settings;
	download->request = request;
	download->file.fd = -1;
	download->synced_ms = clock_ms();
	download->ask = (struct ask){
		.settings = settings,
		.url = request->url,
		.context = download,
		.take = download_take,
		.tick = download_tick,
	};
	return download;
}

void download_close(struct download *download)
{
	if (download->file.fd != -1 && download->part.durable == 0)
		part_remove(&download->file);
	part_close(&download->file);
	free(download);
}

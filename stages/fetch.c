#include "stages/fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "stages/fetch_download.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define BACKOFF_DOUBLE 6 /* so the longest wait is 64 times the first */

bool fetch_start(struct error *error)
{
	return ask_start(error);
}

void fetch_end(void)
{
	ask_finish();
}

static uint64_t backoff_ms(const struct fetch_settings *settings, unsigned failed)
{
	uint16_t dice = 0;
	uint64_t whole = (uint64_t)settings->backoff_ms
			 << (failed < BACKOFF_DOUBLE ? failed : BACKOFF_DOUBLE);
	/* Without randomness everybody who was cut off comes back at the same moment. */
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) == -1)
		dice = 0;
	return whole / 2 + whole / 2 * dice / UINT16_MAX;
}

/* True: waited, ask again. False: *error is final. */
static bool wait_again(const struct fetch_settings *settings, unsigned allowed, int year,
	unsigned failed, enum verdict verdict, const struct answer *answer, struct error *error)
{
	if (verdict == VERDICT_RETRY_ONCE && allowed > 1)
		allowed = 1;
	if (failed >= allowed) {
		size_t used = strlen(error->text);
		snprintf(error->text + used, sizeof(error->text) - used,
			" (tried %u times; run again to go on)", failed + 1);
		return false;
	}
	uint64_t told_ms = verdict == VERDICT_RETRY ? answer_retry_ms(answer) : 0;
	uint64_t wait_ms = told_ms > 0 ? told_ms : backoff_ms(settings, failed);
	log_note(LOG_WARNING, year, "%s; try %u of %u in %.1f s", error->text, failed + 2,
		allowed + 1, (double)wait_ms / 1000);
	return stop_sleep(wait_ms) ||
	       error_set(error, ERROR_STOPPED, "stopped while waiting to ask the server again");
}

static unsigned tries_allowed(const struct download *download)
{
	return download->request->once && !download->heard ? 0 : download->settings->retries;
}

static void note_progress(struct download *download)
{
	download->heard |= download->ask.answer.status != 0;
	if (download->file.size > download->size_most) {
		download->size_most = download->file.size;
		download->failed = 0;
	}
}

/* Asks until the part is whole or the source unchanged. */
static bool download_run(struct download *download, bool *unchanged, struct error *error)
{
	const struct fetch_request *request = download->request;
	for (;;) {
		enum verdict verdict = download_try(download);
		*error = download->error;
		*unchanged = verdict == VERDICT_UNCHANGED;
		note_progress(download);
		switch (verdict) {
		case VERDICT_TAKE:
		case VERDICT_CONTINUE:
		case VERDICT_UNCHANGED:
			return true;
		case VERDICT_FAIL:
			return false;
		case VERDICT_WITHOUT_RANGE:
			download->range_useless = true;
			log_note(LOG_WARNING, request->year, "%s", error->text);
			break;
		case VERDICT_WITHOUT_HAVE:
			download->have_useless = true;
			log_note(LOG_WARNING, request->year, "%s", error->text);
			break;
		case VERDICT_RETRY:
		case VERDICT_RETRY_ONCE:
			if (!wait_again(download->settings, tries_allowed(download), request->year,
				    download->failed++, verdict, &download->ask.answer, error))
				return false;
			break;
		}
	}
}

static void say_where(const struct download *download, struct error *error)
{
	char url[200];
	const char *led_to = download->ask.led_to;
	ask_url_short(download->request->url, url, sizeof(url));
	error_where(error, "%s%s%s", url, led_to[0] != '\0' ? ", redirected to " : "", led_to);
}

bool fetch_file(const struct fetch_settings *settings, const struct fetch_request *request,
	enum fetch_outcome *outcome, struct spool *spool, struct error *error)
{
	bool unchanged = false;
	struct download *download = download_new(settings, request);
	if (download == NULL)
		return error_memory(error, "a download");
	bool done = download_open(download, error) && download_run(download, &unchanged, error) &&
		    (unchanged || download_finish(download, spool, error));
	*outcome = unchanged ? FETCH_UNCHANGED : FETCH_WHOLE;
	if (!done && error->kind == ERROR_NETWORK && download->ask.answer.status == 0)
		*outcome = FETCH_UNREACHED;
	if (!done)
		say_where(download, error);
	download_close(download);
	return done;
}

static bool probe_take(void *context, const void *bytes, size_t size)
{
	(void)context;
	(void)bytes;
	(void)size;
	return false;
}

static bool probe_local(const char *path, bool *there, struct error *error)
{
	struct stat status;
	*there = stat(path, &status) == 0 && S_ISREG(status.st_mode);
	if (*there || errno == ENOENT || errno == ENOTDIR || S_ISDIR(status.st_mode))
		return true;
	return error_system(error, "cannot look for %s", path);
}

static enum verdict probe_judge(
	const struct ask *ask, enum ask_end end, bool *there, struct error *error)
{
	int status = ask->answer.status;
	if (end != ASK_WHOLE)
		return ask_verdict(end);
	*there = status == 200;
	if (status == 200 || status == 403 || status == 404 || status == 410)
		return VERDICT_TAKE;
	return answer_judge(&ask->answer, &ask->question, error);
}

bool fetch_probe(const struct fetch_settings *settings, const char *url, bool *there,
	struct validators *validators, struct error *error)
{
	char path[PATH_MAX];
	char shown[200];
	struct ask ask = {
		.settings = settings, .url = url, .head_only = true, .take = probe_take
	};
	enum verdict verdict = VERDICT_RETRY;
	memset(validators, 0, sizeof(*validators));
	*there = false;
	if (ask_local_path(url, path, sizeof(path)))
		return probe_local(path, there, error);
	for (unsigned failed = 0; verdict == VERDICT_RETRY || verdict == VERDICT_RETRY_ONCE;
		failed++) {
		verdict = probe_judge(&ask, ask_send(&ask, error), there, error);
		if ((verdict == VERDICT_RETRY || verdict == VERDICT_RETRY_ONCE) &&
			!wait_again(settings, settings->retries, 0, failed, verdict, &ask.answer,
				error))
			break;
	}
	if (*there)
		answer_validators(&ask.answer, validators);
	if (verdict == VERDICT_TAKE)
		return true;
	ask_url_short(url, shown, sizeof(shown));
	return error_where(error, "%s", shown);
}

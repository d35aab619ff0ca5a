/* What a transfer that failed means: in words, and whether another try is of use. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "stages/fetch_transfer.h"
#include "state/base/stop.h"

static enum ask_end end_fell(struct error *error)
{
	error_set(error, ERROR_NETWORK,
		"a redirect leads away from https: refused, because anybody on the way could change "
		"the file; correct the source URL");
	return ASK_IMPOSSIBLE;
}

static enum ask_end end_aborted(const struct transfer *transfer, struct error *error)
{
	if (transfer->fell)
		return end_fell(error);
	if (transfer->stalled && !stop_requested()) {
		const struct answer *answer = &transfer->ask->answer;
		bool begun = answer->status != 0 && !transfer_headers_there(answer);
		error_set(error, ERROR_NETWORK,
			begun ? "the headers of the answer were not all there after %" PRIu32 " s"
			      : "nothing came for %" PRIu32 " s",
			transfer->ask->settings->stall_s);
		return ASK_CUT;
	}
	error_set(error, ERROR_STOPPED, "stopped; what came is kept, run again to go on");
	return ASK_IMPOSSIBLE;
}

static enum ask_end end_flooded(struct error *error)
{
	error_set(error, ERROR_NETWORK,
		"the headers of the answer are longer than %zu KiB, as those of no file are: check "
		"the URL",
		HEADERS_MAX >> 10);
	return ASK_IMPOSSIBLE;
}

/* libcurl says the same of a header line that is too long for it. */
static enum ask_end end_memory(const struct transfer *transfer, struct error *error)
{
	if (!transfer->connected || transfer_headers_there(&transfer->ask->answer))
		error_memory(error, "the download");
	else
		error_set(error, ERROR_NETWORK,
			"a header of the answer is longer than libcurl takes (or memory ran out): "
			"check the URL");
	return ASK_IMPOSSIBLE;
}

static enum ask_end end_no_socket(const struct transfer *transfer, struct error *error)
{
	char room[128];
	error_set(error, ERROR_NETWORK, "the system gives no socket: %s",
		strerror_r(transfer->no_socket, room, sizeof(room)));
	return ASK_CUT;
}

static enum ask_end end_local(const struct transfer *transfer, struct error *error)
{
	char path[PATH_MAX];
	bool known = ask_local_path(transfer->ask->url, path, sizeof(path));
	if (known && access(path, R_OK) == -1 && errno != ENOENT && errno != ENOTDIR)
		error_system(error, "cannot read %s", path);
	else
		error_set(error, ERROR_GONE, "there is no such file");
	return ASK_IMPOSSIBLE;
}

static enum ask_end end_untrusted(const char *said, struct error *error)
{
	error_set(error, ERROR_NETWORK,
		"the server's certificate is not accepted (%s): install ca-certificates, set "
		"the clock, or name the authority's file if a proxy signs here",
		said);
	return ASK_IMPOSSIBLE;
}

enum ask_end transfer_end_failed(
	const struct transfer *transfer, CURLcode code, struct error *error)
{
	const char *said = transfer->said[0] != '\0' ? transfer->said : curl_easy_strerror(code);
	/* libcurl says the same of an answer that is no HTTP. */
	int status = transfer->ask->answer.status;
	if (code == CURLE_UNSUPPORTED_PROTOCOL && transfer->secure && status >= 300 && status < 400)
		return end_fell(error);
	if (transfer->flooded)
		return end_flooded(error);
	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return end_aborted(transfer, error);
	case CURLE_FILE_COULDNT_READ_FILE:
		return end_local(transfer, error);
	case CURLE_OUT_OF_MEMORY:
		return end_memory(transfer, error);
	case CURLE_COULDNT_CONNECT:
		if (transfer->no_socket != 0)
			return end_no_socket(transfer, error);
		break;
	case CURLE_TOO_MANY_REDIRECTS:
		error_set(error, ERROR_NETWORK,
			"more than %ld redirects: they seem to go round in a circle; check the URL",
			REDIRECTS_MAX);
		return ASK_IMPOSSIBLE;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_WRITE_ERROR:
		error_set(
			error, ERROR_NETWORK, "the answer cannot be used: %s; check the URL", said);
		return ASK_IMPOSSIBLE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_ENGINE_INITFAILED:
		return end_untrusted(said, error);
	case CURLE_SSL_CONNECT_ERROR:
		error_set(error, ERROR_NETWORK, "no secure connection: %s; is it https at all?",
			said);
		return ASK_CUT_FIRM;
	default:
		break;
	}
	error_set(error, ERROR_NETWORK, "%s: %s",
		transfer->ask->answer.local ? "cannot copy the file" : "the network failed", said);
	return transfer->ask->answer.local ? ASK_IMPOSSIBLE : ASK_CUT;
}

enum ask_end transfer_end_in_headers(struct error *error)
{
	error_set(error, ERROR_NETWORK,
		"the network failed: the connection ended in the headers of the answer");
	return ASK_CUT;
}

enum verdict ask_verdict(enum ask_end end)
{
	switch (end) {
	case ASK_CUT:
		return VERDICT_RETRY;
	case ASK_CUT_FIRM:
		return VERDICT_RETRY_ONCE;
	case ASK_WHOLE:
	case ASK_UNWANTED:
	case ASK_IMPOSSIBLE:
		break;
	}
	return VERDICT_FAIL;
}

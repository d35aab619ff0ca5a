#include "stages/fetch_post.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct sending {
	const struct post *post;
	CURL *curl;
	struct curl_slist *headers;
	char said[CURL_ERROR_SIZE];
};

static size_t ignore_body(char *bytes, size_t one, size_t size, void *context)
{
	(void)bytes;
	(void)context;
	return one * size;
}

static int on_progress(
	void *context, curl_off_t size, curl_off_t now, curl_off_t up_size, curl_off_t up)
{
	(void)size;
	(void)now;
	(void)up_size;
	(void)up;
	const struct post *post = context;
	return post->give_up != NULL && atomic_load(post->give_up) ? 1 : 0;
}

static bool header_add(struct sending *sending, const char *line)
{
	struct curl_slist *longer = curl_slist_append(sending->headers, line);
	if (longer != NULL)
		sending->headers = longer;
	return longer != NULL;
}

static bool token_add(struct sending *sending)
{
	char *line = NULL;
	if (sending->post->token == NULL)
		return true;
	if (asprintf(&line, "Authorization: Bearer %s", sending->post->token) == -1)
		return false;
	bool done = header_add(sending, line);
	free(line);
	return done;
}

static bool options_set(struct sending *sending)
{
	CURL *curl = sending->curl;
	const struct post *post = sending->post;
	CURLcode codes[] = {
		curl_easy_setopt(curl, CURLOPT_URL, post->url),
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https"),
		curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L),
		curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1),
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, sending->headers),
		curl_easy_setopt(curl, CURLOPT_USERAGENT, "dvf-import"),
		curl_easy_setopt(curl, CURLOPT_POST, 1L),
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->body),
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->size),
		curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, post->connect_ms),
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, post->total_ms),
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L),
		/* Nobody waits for a name server that does not answer. */
		curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L),
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, sending->said),
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore_body),
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L),
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress),
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)post),
		post->ca_file == NULL ? CURLE_OK
				      : curl_easy_setopt(curl, CURLOPT_CAINFO, post->ca_file),
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] != CURLE_OK)
			return false;
	return true;
}

static enum post_end end_answered(long status, struct error *error)
{
	if (status >= 200 && status < 300)
		return POST_TAKEN;
	if (status >= 300 && status < 400)
		error_set(error, ERROR_NETWORK,
			"it answered %ld, which leads elsewhere and is not followed: give the "
			"address where it ends",
			status);
	else if (status == 401 || status == 403)
		error_set(error, ERROR_NETWORK, "it answered %ld: set OPENLINEAGE_API_KEY", status);
	else
		error_set(error, ERROR_NETWORK, "it answered %ld", status);
	return status == 408 || status == 425 || status == 429 || status >= 500 ? POST_AGAIN
										: POST_REFUSED;
}

static enum post_end end_failed(const struct sending *sending, CURLcode code, struct error *error)
{
	const char *said = sending->said[0] != '\0' ? sending->said : curl_easy_strerror(code);
	error_set(error, ERROR_NETWORK, "%s", said);
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return POST_AGAIN;
	default:
		return POST_REFUSED;
	}
}

enum post_end post_send(const struct post *post, struct error *error)
{
	enum post_end end = POST_REFUSED;
	long status = 0;
	struct sending sending = { .post = post, .curl = curl_easy_init() };
	/* Without "Expect:" a longer body would wait for a leave that many servers never give. */
	if (sending.curl == NULL || !header_add(&sending, "Content-Type: application/json") ||
		!header_add(&sending, "Expect:") || !token_add(&sending) ||
		!options_set(&sending)) {
		error_memory(error, "a request");
		goto out;
	}
	CURLcode code = curl_easy_perform(sending.curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(sending.curl, CURLINFO_RESPONSE_CODE, &status);
	end = code == CURLE_OK ? end_answered(status, error) : end_failed(&sending, code, error);
out:
	curl_slist_free_all(sending.headers);
	curl_easy_cleanup(sending.curl);
	return end;
}

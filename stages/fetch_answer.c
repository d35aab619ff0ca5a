#include "stages/fetch_answer.h"

#include <string.h>
#include <strings.h>
#include <time.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Up to INT64_MAX, so that sums of file sizes and offsets cannot overflow. */
static bool number_read(const char **text, uint64_t *value)
{
	const char *at = *text;
	uint64_t sum = 0;
	for (; is_digit(*at); at++) {
		uint64_t digit = (uint64_t)(*at - '0');
		if (sum > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	bool some = at != *text;
	*text = at;
	*value = sum;
	return some;
}

/* False when it did not fit; then `to` holds its beginning. */
static bool text_copy(char *to, size_t room, const char *from, size_t size)
{
	size_t fits = size < room ? size : room - 1;
	memcpy(to, from, fits);
	to[fits] = '\0';
	return fits == size;
}

static bool printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static void status_read(struct answer *answer, const char *line, size_t size)
{
	char text[128];
	bool local = answer->local;
	memset(answer, 0, sizeof(*answer));
	answer->local = local;
	text_copy(text, sizeof(text), line, size);
	text[strcspn(text, "\r\n")] = '\0';
	const char *at = text + strcspn(text, " ");
	at += strspn(at, " ");
	uint64_t status = 0;
	if (!number_read(&at, &status) || status > 999)
		return;
	answer->status = (int)status;
	at += strspn(at, " ");
	if (printable(at))
		text_copy(answer->reason, sizeof(answer->reason), at, strlen(at));
}

static void length_read(struct answer *answer, const char *value)
{
	uint64_t length = 0;
	bool good = number_read(&value, &length) && *value == '\0';
	if (!good || (answer->has_length && answer->length != length))
		answer->length_bad = true;
	answer->has_length = good;
	answer->length = length;
}

/* "bytes 100-199/1000"; the total may be "*". Anything else leaves has_range false. */
static void range_read(struct answer *answer, const char *value)
{
	answer->has_range = false;
	answer->has_total = false;
	if (strncasecmp(value, "bytes ", 6) != 0)
		return;
	value += 6;
	if (!number_read(&value, &answer->range_first) || *value++ != '-')
		return;
	if (!number_read(&value, &answer->range_last) || *value++ != '/')
		return;
	if (strcmp(value, "*") != 0) {
		answer->has_total = number_read(&value, &answer->range_total) && *value == '\0';
		if (!answer->has_total || answer->range_last >= answer->range_total)
			return;
	}
	answer->has_range = answer->range_first <= answer->range_last;
}

/* An ETag without its quotes, or with one inside, could not be sent back as it was. */
static bool etag_formed(const char *etag)
{
	if (strncmp(etag, "W/", 2) == 0)
		etag += 2;
	size_t size = strlen(etag);
	return size >= 2 && etag[0] == '"' && strchr(etag + 1, '"') == etag + size - 1;
}

/* Only as the last coding does "chunked" say where the body ends. */
static bool ends_chunked(const char *value)
{
	const char *last = strrchr(value, ',');
	last = last != NULL ? last + 1 : value;
	last += strspn(last, " \t");
	return strcasecmp(last, "chunked") == 0;
}

static void field_read(struct answer *answer, const char *name, const char *value, bool whole)
{
	size_t size = whole && printable(value) ? strlen(value) : SIZE_MAX;
	if (strcasecmp(name, "ETag") == 0) {
		answer->etag[0] = '\0';
		if (size < sizeof(answer->etag) && etag_formed(value))
			text_copy(answer->etag, sizeof(answer->etag), value, size);
	} else if (strcasecmp(name, "Last-Modified") == 0) {
		answer->last_modified[0] = '\0';
		if (size < sizeof(answer->last_modified))
			text_copy(
				answer->last_modified, sizeof(answer->last_modified), value, size);
	} else if (strcasecmp(name, "Content-Length") == 0) {
		length_read(answer, value);
	} else if (strcasecmp(name, "Content-Range") == 0) {
		range_read(answer, value);
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		answer->chunked = ends_chunked(value);
	} else if (strcasecmp(name, "Content-Encoding") == 0) {
		answer->encoded = *value != '\0' && strcasecmp(value, "identity") != 0;
	} else if (strcasecmp(name, "Retry-After") == 0 && size < sizeof(answer->retry_after)) {
		text_copy(answer->retry_after, sizeof(answer->retry_after), value, size);
	} else if (strcasecmp(name, "Date") == 0 && size < sizeof(answer->date)) {
		text_copy(answer->date, sizeof(answer->date), value, size);
	}
}

void answer_header(struct answer *answer, const char *line, size_t size)
{
	if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		status_read(answer, line, size);
		return;
	}
	while (size > 0 && strchr("\r\n \t", line[size - 1]) != NULL)
		size--;
	const char *colon = size > 0 ? memchr(line, ':', size) : NULL;
	if (size == 0)
		answer->complete = true;
	if (answer->complete || colon == NULL)
		return;
	char name[32];
	char value[512];
	if (!text_copy(name, sizeof(name), line, (size_t)(colon - line)))
		return;
	const char *from = colon + 1;
	while (from < line + size && (*from == ' ' || *from == '\t'))
		from++;
	bool whole = text_copy(value, sizeof(value), from, (size_t)(line + size - from));
	field_read(answer, name, value, whole);
}

void answer_validators(const struct answer *answer, struct validators *validators)
{
	memset(validators, 0, sizeof(*validators));
	if (!answer->local) {
		memcpy(validators->etag, answer->etag, sizeof(validators->etag));
		memcpy(validators->last_modified, answer->last_modified,
			sizeof(validators->last_modified));
	}
	if (answer->status == 206) {
		validators->has_size = answer->has_range && answer->has_total;
		validators->packed_size = validators->has_size ? answer->range_total : 0;
	} else {
		validators->has_size = answer->has_length && !answer->chunked;
		validators->packed_size = validators->has_size ? answer->length : 0;
	}
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", the one form servers may send; strptime would ask the locale. */
static bool date_read(const char *text, time_t *time)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = { 0 };
	uint64_t day = 0;
	uint64_t year = 0;
	uint64_t clock[3] = { 0, 0, 0 };
	const char *at = strchr(text, ',');
	if (at == NULL || at[1] != ' ')
		return false;
	at += 2;
	if (!number_read(&at, &day) || day > 31 || *at++ != ' ')
		return false;
	for (tm.tm_mon = 0; tm.tm_mon < 12; tm.tm_mon++)
		if (strncmp(months + (size_t)tm.tm_mon * 3, at, 3) == 0)
			break;
	if (tm.tm_mon == 12 || at[3] != ' ')
		return false;
	at += 4;
	if (!number_read(&at, &year) || year < 1970 || year > 9999)
		return false;
	for (unsigned i = 0; i < 3; i++)
		if (*at++ != (i == 0 ? ' ' : ':') || !number_read(&at, &clock[i]) || clock[i] > 60)
			return false;
	if (strcmp(at, " GMT") != 0)
		return false;
	tm.tm_year = (int)year - 1900;
	tm.tm_mday = (int)day;
	tm.tm_hour = (int)clock[0];
	tm.tm_min = (int)clock[1];
	tm.tm_sec = (int)clock[2];
	*time = timegm(&tm);
	return true;
}

uint64_t answer_retry_ms(const struct answer *answer)
{
	const char *at = answer->retry_after;
	uint64_t seconds = 0;
	time_t until = 0;
	time_t now = 0;
	if (is_digit(*at)) {
		if (!number_read(&at, &seconds))
			return RETRY_AFTER_MAX_MS;
		if (*at != '\0')
			return 0;
	} else if (date_read(at, &until)) {
		/* The server's own clock, where it tells it: ours may be wrong. */
		if (!date_read(answer->date, &now))
			now = time(NULL);
		seconds = until > now ? (uint64_t)(until - now) : 0;
	}
	return seconds > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : seconds * 1000;
}

#include "stages/source.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define YEAR_MARK "{year}"
#define YEAR_LAST 9999

/* What stands between "://" and the path; empty for file:///. */
static void authority_of(const char *url, const char **first, const char **end)
{
	const char *scheme_end = strstr(url, "://");
	*first = scheme_end != NULL ? scheme_end + 3 : url;
	*end = *first + strcspn(*first, "/?#");
}

/* Behind the user and password: the last @ of the authority is the one that counts. */
static const char *host_of(const char *first, const char *end)
{
	const char *at = memrchr(first, '@', (size_t)(end - first));
	return at != NULL ? at + 1 : first;
}

static bool scheme_check(const char *url, bool *local, struct error *error)
{
	const char *end = strstr(url, "://");
	size_t size =
		strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
	if (end == NULL || size == 0 || url + size != end)
		return error_set(error, ERROR_USAGE,
			"the source is not a URL: it must begin with https://, http:// or file://");
	*local = size == 4 && strncasecmp(url, "file", 4) == 0;
	if (*local || (size == 4 && strncasecmp(url, "http", 4) == 0) ||
		(size == 5 && strncasecmp(url, "https", 5) == 0))
		return true;
	return error_set(error, ERROR_USAGE,
		"a source URL cannot begin with \"%.*s://\": use https, http or file",
		size > 20 ? 20 : (int)size, url);
}

/* A port that is no number is most often a password with a / in it, which would be shown as a path;
 * one that is a number can be the beginning of such a password, whose @ then stands further on. */
static bool port_check(const char *host, const char *end, struct error *error)
{
	const char *bracket = *host == '[' ? memchr(host, ']', (size_t)(end - host)) : NULL;
	const char *from = bracket != NULL ? bracket : host;
	const char *colon = memchr(from, ':', (size_t)(end - from));
	size_t digits = colon != NULL ? strspn(colon + 1, "0123456789") : 0;
	if (colon != NULL && (digits > 5 || colon + 1 + digits != end))
		return error_set(error, ERROR_USAGE,
			"the port in the source URL is not a number: a / ? # or @ in a user or "
			"password must be written %%2F %%3F %%23 %%40");
	if (strchr(end, '@') != NULL)
		return error_set(error, ERROR_USAGE,
			"the source URL has an @ behind its host: a / ? # or @ in a user or "
			"password must be written %%2F %%3F %%23 %%40, and so must an @ in a path");
	return true;
}

static bool host_check(const char *url, bool local, struct error *error)
{
	const char *first = NULL;
	const char *end = NULL;
	authority_of(url, &first, &end);
	const char *host = host_of(first, end);
	if (!local) {
		if (host == end || *host == ':')
			return error_set(error, ERROR_USAGE, "the source URL has no host");
		return port_check(host, end, error);
	}
	bool here = first == end ||
		    ((size_t)(end - first) == 9 && strncasecmp(first, "localhost", 9) == 0);
	if (!here || *end != '/' || end[1] == '\0')
		return error_set(error, ERROR_USAGE,
			"a file:// source must have three slashes and a whole path, as in file:///srv/dvf/"
			"{year}.csv.gz");
	return true;
}

static bool url_check(const char *url, struct error *error)
{
	bool local = false;
	if (url[0] == '\0')
		return error_set(error, ERROR_USAGE, "the source URL is empty");
	if (strlen(url) >= URL_MAX)
		return error_set(
			error, ERROR_USAGE, "the source URL is longer than %d bytes", URL_MAX - 1);
	for (const char *at = url; *at != '\0'; at++)
		if ((unsigned char)*at <= 0x20 || *at == 0x7f || *at == '\\')
			return error_set(error, ERROR_USAGE,
				"byte %zu of the source URL is a space, a control character or a "
				"backslash: write it as %%%02X",
				(size_t)(at - url) + 1, (unsigned char)*at);
	return scheme_check(url, &local, error) && host_check(url, local, error);
}

bool source_set_pattern(struct sources *sources, const char *pattern, struct error *error)
{
	if (!url_check(pattern, error))
		return false;
	if (strstr(pattern, YEAR_MARK) == NULL)
		return error_set(error, ERROR_USAGE,
			"the source URL has no " YEAR_MARK
			" in it: put it where the year stands, or name one year's file as YEAR=URL");
	snprintf(sources->pattern, sizeof(sources->pattern), "%s", pattern);
	return true;
}

bool source_set_year(struct sources *sources, int year, const char *url, struct error *error)
{
	unsigned i = 0;
	if (year < YEAR_FIRST || year > YEAR_LAST)
		return error_set(
			error, ERROR_USAGE, "a source for %d: DVF begins in %d", year, YEAR_FIRST);
	if (!url_check(url, error))
		return error_where(error, "the source of %d", year);
	while (i < sources->owns && sources->own[i].year != year)
		i++;
	if (i == YEARS_MAX)
		return error_set(error, ERROR_USAGE,
			"more than %d years have a source of their own", YEARS_MAX);
	sources->own[i].year = year;
	snprintf(sources->own[i].url, sizeof(sources->own[i].url), "%s", url);
	if (i == sources->owns)
		sources->owns++;
	return true;
}

static void year_put(const char *pattern, int year, char url[static URL_MAX])
{
	size_t used = 0;
	url[0] = '\0';
	while (*pattern != '\0' && used + 1 < URL_MAX) {
		if (strncmp(pattern, YEAR_MARK, strlen(YEAR_MARK)) == 0) {
			int more = snprintf(url + used, URL_MAX - used, "%d", year);
			used += more > 0 ? (size_t)more : 0;
			pattern += strlen(YEAR_MARK);
		} else {
			url[used++] = *pattern++;
		}
	}
	url[used < URL_MAX ? used : URL_MAX - 1] = '\0';
}

void source_url(const struct sources *sources, int year, char url[static URL_MAX])
{
	const char *pattern = sources->pattern[0] != '\0' ? sources->pattern : SOURCE_DEFAULT;
	for (unsigned i = 0; i < sources->owns; i++)
		if (sources->own[i].year == year)
			pattern = sources->own[i].url;
	year_put(pattern, year, url);
}

void source_url_shown(const char *url, char shown[static URL_MAX])
{
	const char *first = NULL;
	const char *end = NULL;
	authority_of(url, &first, &end);
	const char *host = host_of(first, end);
	const char *query = host + strcspn(host, "?#");
	int used = snprintf(
		shown, URL_MAX, "%.*s%.*s", (int)(first - url), url, (int)(query - host), host);
	if (*query != '\0' && used > 0 && used < URL_MAX)
		snprintf(shown + used, URL_MAX - (size_t)used, "?~%08x",
			inflate_crc32(query, strlen(query)));
}

enum packing source_packing(const char *url)
{
	const char *first = NULL;
	const char *path = NULL;
	authority_of(url, &first, &path);
	size_t size = strcspn(path, "?#");
	bool plain = size >= 4 && strncasecmp(path + size - 4, ".csv", 4) == 0;
	return plain ? PACKING_NONE : PACKING_GZIP;
}

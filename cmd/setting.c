#include "cmd/setting.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "state/base/file.h"

/* An error text must stay one short line, whatever was typed. */
#define QUOTED_MOST 60

const char *setting_variable(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *variable_of_file(const char *name, char *file_name, size_t size)
{
	snprintf(file_name, size, "%s_FILE", name);
	return setting_variable(file_name);
}

bool setting_secret_once(const char *name, struct error *error)
{
	char file_name[64];
	if (setting_variable(name) == NULL ||
		variable_of_file(name, file_name, sizeof(file_name)) == NULL)
		return true;
	return error_set(
		error, ERROR_USAGE, "%s and %s are both set: keep one of them", name, file_name);
}

bool setting_secret(const char *name, char **value, struct error *error)
{
	char file_name[64];
	*value = NULL;
	if (!setting_secret_once(name, error))
		return false;
	const char *plain = setting_variable(name);
	if (plain != NULL) {
		*value = strdup(plain);
		return *value != NULL || error_memory(error, "a setting");
	}
	const char *path = variable_of_file(name, file_name, sizeof(file_name));
	if (path == NULL)
		return true;
	if (!file_read_secret(path, value, error)) {
		error->kind = ERROR_USAGE;
		return error_where(error, "%s", file_name);
	}
	if ((*value)[0] != '\0')
		return true;
	free(*value);
	*value = NULL;
	return error_set(error, ERROR_USAGE, "%s: the file %s is empty", file_name, path);
}

static bool digits_read(const char *text, size_t size, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (*number > (UINT64_MAX - digit) / 10)
			return false;
		*number = *number * 10 + digit;
	}
	return size > 0;
}

bool setting_number(
	const char *text, uint64_t least, uint64_t most, uint64_t *number, struct error *error)
{
	if (digits_read(text, strlen(text), number) && *number >= least && *number <= most)
		return true;
	return error_set(error, ERROR_USAGE, "'%.*s' is not a whole number from %llu to %llu",
		QUOTED_MOST, text, (unsigned long long)least, (unsigned long long)most);
}

bool setting_outside(const char *text, uint64_t least, uint64_t most, uint64_t *bound)
{
	size_t size = strlen(text);
	uint64_t number;
	if (size == 0 || strspn(text, "0123456789") != size)
		return false;
	bool fits = digits_read(text, size, &number);
	*bound = fits && number < least ? least : most;
	return !fits || number < least || number > most;
}

bool setting_size(const char *text, uint64_t *bytes, struct error *error)
{
	static const struct {
		const char *suffix;
		unsigned shift;
	} units[] = {
		{ "", 0 },
		{ "K", 10 },
		{ "KiB", 10 },
		{ "M", 20 },
		{ "MiB", 20 },
		{ "G", 30 },
		{ "GiB", 30 },
	};
	size_t size = strspn(text, "0123456789");
	uint64_t number;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(text + size, units[i].suffix) != 0)
			continue;
		if (!digits_read(text, size, &number) || number == 0 ||
			number > UINT64_MAX >> units[i].shift)
			break;
		*bytes = number << units[i].shift;
		return true;
	}
	return error_set(error, ERROR_USAGE,
		"'%.*s' is not a size: write bytes, or a number with K, M or G, like 64M",
		QUOTED_MOST, text);
}

bool setting_share(const char *text, double *share, struct error *error)
{
	size_t size = strspn(text, "0123456789.");
	bool percent = strcmp(text + size, "%") == 0;
	char *end;
	*share = strtod(text, &end);
	if (percent)
		*share /= 100;
	/* strspn keeps out what strtod would also take: signs, exponents, nan, hexadecimal. */
	if (size > 0 && end == text + size && (percent || text[size] == '\0') && *share <= 1)
		return true;
	return error_set(error, ERROR_USAGE,
		"'%.*s' is not a share: write a percentage like 0.1%% or a number from 0 to 1",
		QUOTED_MOST, text);
}

static bool year_add(int years[static YEARS_MAX], unsigned *count, int year, struct error *error)
{
	for (unsigned i = 0; i < *count; i++)
		if (years[i] == year)
			return true;
	if (*count == YEARS_MAX)
		return error_set(error, ERROR_USAGE, "more than %d years", YEARS_MAX);
	years[(*count)++] = year;
	return true;
}

static bool year_read(const char *text, size_t size, int *year)
{
	uint64_t number;
	if (size != 4 || !digits_read(text, size, &number))
		return false;
	*year = (int)number;
	return true;
}

/* One item of the list: "2021" or "2023-2025". */
static bool years_take(const char *item, size_t size, int years[static YEARS_MAX], unsigned *count,
	struct error *error)
{
	int first, last;
	int shown = size < QUOTED_MOST ? (int)size : QUOTED_MOST;
	const char *dash = memchr(item, '-', size);
	size_t first_size = dash != NULL ? (size_t)(dash - item) : size;
	if (size == 0)
		return error_set(error, ERROR_USAGE, "a year is missing beside a comma");
	if (!year_read(item, first_size, &first))
		return error_set(error, ERROR_USAGE,
			"'%.*s' is not a year: write 2021, or 2023-2025 for several", shown, item);
	last = first;
	if (dash != NULL && !year_read(dash + 1, size - first_size - 1, &last))
		return error_set(error, ERROR_USAGE,
			"'%.*s' is not a range of years: write it like 2023-2025", shown, item);
	if (first < YEAR_FIRST || last > YEAR_LAST)
		return error_set(error, ERROR_USAGE, "'%.*s' is not within %d to %d", shown, item,
			YEAR_FIRST, YEAR_LAST);
	if (last < first)
		return error_set(error, ERROR_USAGE, "'%.*s' goes down: write %d-%d", shown, item,
			last, first);
	for (int year = first; year <= last; year++)
		if (!year_add(years, count, year, error))
			return false;
	return true;
}

bool setting_years(
	const char *text, int years[static YEARS_MAX], unsigned *count, struct error *error)
{
	static const char blanks[] = " \t\r\n";
	*count = 0;
	for (const char *item = text;;) {
		item += strspn(item, blanks);
		size_t size = strcspn(item, ", \t\r\n");
		if (!years_take(item, size, years, count, error))
			return false;
		item += size;
		item += strspn(item, blanks);
		if (*item == '\0')
			return true;
		if (*item == ',')
			item++;
	}
}

static void cross_out(char *text, size_t size)
{
	memset(text, 'x', size);
}

/* Where "://" stands behind a scheme, perhaps with YEAR= before it; NULL: it is no URL, whatever
 * else it may be ("password=... sslrootcert=file://..."). */
static char *scheme_end(char *url)
{
	char *scheme = strspn(url, "0123456789") == 4 && url[4] == '=' ? url + 5 : url;
	char *end = strstr(url, "://");
	bool plain = end != NULL && end > scheme;
	for (const char *c = scheme; plain && c < end; c++)
		plain = isalnum((unsigned char)*c) || strchr("+-.", *c) != NULL;
	return plain ? end : NULL;
}

void setting_scrub(char *url)
{
	char *rest = scheme_end(url);
	if (rest == NULL) {
		if (strncmp(url, "sqlite:", 7) != 0)
			cross_out(url, strlen(url));
		return;
	}
	rest += 3;
	/* The last @, even in the path: a password may hold a / that somebody forgot to encode. */
	char *at = strrchr(rest, '@');
	if (at != NULL)
		cross_out(rest, (size_t)(at - rest));
	char *query = strchr(rest, '?');
	if (query != NULL)
		cross_out(query + 1, strlen(query + 1));
}

bool setting_listen(const char *text, struct listen_at *at, struct error *error)
{
	const char *colon = strrchr(text, ':');
	const char *first = text;
	const char *port_text = colon != NULL ? colon + 1 : text;
	size_t size = colon != NULL ? (size_t)(colon - text) : 0;
	uint64_t port;
	struct error ignored;
	if (size > 1 && text[0] == '[' && text[size - 1] == ']') {
		first++;
		size -= 2;
	} else if (memchr(text, ':', size) != NULL) {
		size = sizeof(at->host); /* an IPv6 address without its brackets */
	}
	if (size >= sizeof(at->host) || !setting_number(port_text, 0, UINT16_MAX, &port, &ignored))
		return error_set(error, ERROR_USAGE,
			"'%.60s' is not an address to listen at, like 127.0.0.1:8080 or [::1]:8080",
			text);
	if (colon != NULL)
		snprintf(at->host, sizeof(at->host), "%.*s", (int)size, first);
	at->port = (uint16_t)port;
	return true;
}

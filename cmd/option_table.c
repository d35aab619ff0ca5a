#include "cmd/option_table.h"

#include <string.h>

#include "cmd/destination.h"
#include "cmd/help.h"
#include "cmd/setting.h"

static bool take_log_format(struct options *options, const char *value, struct error *error)
{
	if (strcmp(value, "text") == 0)
		options->log_format = LOG_FORMAT_TEXT;
	else if (strcmp(value, "json") == 0)
		options->log_format = LOG_FORMAT_JSON;
	else if (strcmp(value, "logfmt") == 0)
		options->log_format = LOG_FORMAT_LOGFMT;
	else
		return error_set(error, ERROR_USAGE, "'%.60s' is not text, json or logfmt", value);
	return true;
}

static bool take_to(struct options *options, const char *value, struct error *error)
{
	return destination_take(&options->to, value, error);
}

static bool take_source(struct options *options, const char *value, struct error *error)
{
	return source_set_pattern(&options->run.sources, value, error);
}

static bool take_state(struct options *options, const char *value, struct error *error)
{
	options->state_folder = strdup(value);
	return options->state_folder != NULL || error_memory(error, "a path");
}

static bool take_years(struct options *options, const char *value, struct error *error)
{
	return setting_years(value, options->run.years, &options->run.year_count, error);
}

static bool take_memory_limit(struct options *options, const char *value, struct error *error)
{
	return setting_size(value, &options->memory_limit, error);
}

static bool take_max_rejects(struct options *options, const char *value, struct error *error)
{
	return setting_share(value, &options->run.max_rejects_share, error);
}

static bool take_ca_file(struct options *options, const char *value, struct error *error)
{
	(void)error;
	options->run.fetch.ca_file = value;
	return true;
}

static bool take_dropped(struct options *options, const char *value, struct error *error)
{
	return setting_years(value, options->run.dropped, &options->run.dropped_count, error);
}

static bool take_openlineage(struct options *options, const char *value, struct error *error)
{
	return lineage_target_take(&options->lineage.target, value, error);
}

static bool take_year(struct options *options, const char *value, struct error *error)
{
	uint64_t year;
	if (!setting_number(value, YEAR_FIRST, YEAR_LAST, &year, error))
		return false;
	options->filter.year = (int)year;
	return true;
}

static bool take_run(struct options *options, const char *value, struct error *error)
{
	uint64_t run;
	if (!setting_number(value, 1, INT64_MAX, &run, error))
		return false;
	options->filter.run = (int64_t)run;
	return true;
}

static bool take_limit(struct options *options, const char *value, struct error *error)
{
	uint64_t limit;
	if (!setting_number(value, 1, INT64_MAX, &limit, error))
		return false;
	options->filter.limit = (int64_t)limit;
	return true;
}

static bool take_listen(struct options *options, const char *value, struct error *error)
{
	return setting_listen(value, &options->listen, error);
}

static bool take_host(struct options *options, const char *value, struct error *error)
{
	return hosts_add(&options->hosts, value, error);
}

static bool take_html(struct options *options, const char *value, struct error *error)
{
	(void)error;
	options->html = value;
	return true;
}

static bool take_lang(struct options *options, const char *value, struct error *error)
{
	options->french = strcmp(value, "fr") == 0;
	return options->french || strcmp(value, "en") == 0 ||
	       error_set(error, ERROR_USAGE, "'%.60s' is not en or fr", value);
}

#define LOADS           (COMMAND_RUN | COMMAND_CHECK)
#define SWAPS           (COMMAND_PROMOTE | COMMAND_REVERT)
#define CONNECTS        (LOADS | COMMAND_VERIFY | COMMAND_MEND | COMMAND_HISTORY | SWAPS)
#define FLAG(p)         false, OPTION_FLAG, offsetof(struct options, p), 0, 0, NULL
#define NUMBER(p, l, m) false, OPTION_NUMBER, offsetof(struct options, p), (l), (m), NULL
#define CUT(p, l, m)    false, OPTION_NUMBER_OLD, offsetof(struct options, p), (l), (m), NULL
#define LIST(t)         false, OPTION_LIST, 0, 0, 0, (t)
#define OTHER(t)        false, OPTION_OTHER, 0, 0, 0, (t)
#define SECRET(t)       true, OPTION_OTHER, 0, 0, 0, (t)

/* clang-format off */
const struct option_known option_table[OPTIONS_KNOWN] = {
	{ "log-format", COMMAND_EVERY, "LOG_FORMAT", OTHER(take_log_format) },
	{ "to", COMMAND_EVERY, NULL, SECRET(take_to) },
	{ "source", LOADS | COMMAND_CLEAN | COMMAND_VERIFY | COMMAND_PROMOTE, "DVF_SOURCE_URL", SECRET(take_source) },
	{ "state", COMMAND_EVERY, "DVF_STATE_DIR", OTHER(take_state) },
	{ "years", LOADS | COMMAND_VERIFY, "YEARS_TO_IMPORT", OTHER(take_years) },
	{ "chunk-rows", COMMAND_RUN, "CSV_CHUNK_SIZE", CUT(run.chunk_rows, 1, 100000) },
	{ "download-chunk", LOADS | COMMAND_VERIFY, "DOWNLOAD_CHUNK_SIZE", CUT(run.fetch.chunk, 1024, 524288) },
	{ "memory-limit", LOADS | COMMAND_VERIFY, "MEMORY_LIMIT", OTHER(take_memory_limit) },
	{ "loaders", COMMAND_RUN, "LOADERS", NUMBER(run.loaders, 1, 16) },
	{ "max-rejects", COMMAND_RUN, NULL, OTHER(take_max_rejects) },
	{ "allow-shrink", COMMAND_RUN, NULL, FLAG(run.allow_shrink) },
	{ "ca-file", LOADS | COMMAND_VERIFY | COMMAND_PROMOTE, NULL, OTHER(take_ca_file) },
	{ "stall", LOADS | COMMAND_VERIFY, NULL, NUMBER(run.fetch.stall_s, 1, 3600) },
	{ "retries", LOADS | COMMAND_VERIFY, NULL, NUMBER(run.fetch.retries, 0, 1000) },
	{ "wait", CONNECTS, NULL, NUMBER(to.wait_s, 0, 86400) },
	{ "snapshot-wait", COMMAND_RUN, NULL, NUMBER(to.snapshot_wait_s, 0, 86400) },
	{ "year", COMMAND_HISTORY, NULL, OTHER(take_year) },
	{ "run", COMMAND_HISTORY, NULL, OTHER(take_run) },
	{ "limit", COMMAND_HISTORY, NULL, OTHER(take_limit) },
	{ "verify", COMMAND_HISTORY, NULL, FLAG(verify) },
	{ "json", COMMAND_STATUS | COMMAND_HISTORY, NULL, FLAG(json) },
	{ "watch", COMMAND_STATUS, NULL, FLAG(watch) },
	{ "dry-run", COMMAND_CLEAN | SWAPS, NULL, FLAG(dry_run) },
	{ "staging", LOADS | COMMAND_STATUS | COMMAND_VERIFY | COMMAND_HISTORY | COMMAND_MEND, NULL, FLAG(staging) },
	{ "promote", COMMAND_RUN, NULL, FLAG(run.then_promote) },
	{ "drop-year", COMMAND_RUN | COMMAND_PROMOTE, NULL, OTHER(take_dropped) },
	{ "release", COMMAND_RUN, NULL, FLAG(run.release) },
	{ "drain", COMMAND_RUN | SWAPS, NULL, NUMBER(promote.drain_s, 0, 3600) },
	{ "carry", COMMAND_RUN | SWAPS, NULL, FLAG(promote.carry) },
	{ "drop-foreign", COMMAND_RUN | SWAPS, NULL, FLAG(promote.drop_foreign) },
	{ "fast", COMMAND_VERIFY, NULL, FLAG(fast) },
	{ "rejects", COMMAND_HISTORY, NULL, FLAG(rejects) },
	{ "csv", COMMAND_HISTORY, NULL, FLAG(csv) },
	{ "within", COMMAND_HEALTH, NULL, NUMBER(within_s, 0, 3600) },
	{ "listen", COMMAND_SERVE, NULL, OTHER(take_listen) },
	{ "host", COMMAND_SERVE, "DVF_HOSTS", LIST(take_host) },
	{ "html", COMMAND_REPORT, NULL, OTHER(take_html) },
	{ "lang", COMMAND_REPORT, NULL, OTHER(take_lang) },
	{ "openlineage", COMMAND_RUN, "OPENLINEAGE_URL", SECRET(take_openlineage) },
};
/* clang-format on */

bool option_take(const struct option_known *option, struct options *options, const char *value,
	struct error *error)
{
	char *place = (char *)options + option->place;
	uint64_t number;
	switch (option->kind) {
	case OPTION_FLAG:
		memcpy(place, &(bool){ true }, sizeof(bool));
		return true;
	case OPTION_NUMBER:
	case OPTION_NUMBER_OLD:
		if (!setting_number(value, option->least, option->most, &number, error))
			return false;
		memcpy(place, &(uint32_t){ (uint32_t)number }, sizeof(uint32_t));
		return true;
	case OPTION_LIST:
	case OPTION_OTHER:
		break;
	}
	return option->take(options, value, error);
}

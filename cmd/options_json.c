#include <stdio.h>
#include <string.h>

#include "cmd/options.h"
#include "cmd/run_lineage.h"
#include "state/json.h"

static bool add_text(struct buf *json, const char *name, const char *text, struct error *error)
{
	return json_add_name(json, name, error) && json_add_text(json, text, error);
}

static bool add_number(struct buf *json, const char *name, uint64_t number, struct error *error)
{
	return json_add_name(json, name, error) &&
	       buf_print(json, error, "%llu", (unsigned long long)number);
}

static bool add_flag(struct buf *json, const char *name, bool on, struct error *error)
{
	return json_add_name(json, name, error) && buf_add_text(json, on ? "true" : "false", error);
}

static bool add_years(
	struct buf *json, const char *name, const int *years, unsigned count, struct error *error)
{
	if (count == 0)
		return true;
	if (!json_add_name(json, name, error) || !buf_add(json, "[", 1, error))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!buf_print(json, error, "%s%d", i > 0 ? "," : "", years[i]))
			return false;
	return buf_add(json, "]", 1, error);
}

/* URLs go in as they are shown elsewhere: without user, password and query. */
static bool add_sources(struct buf *json, const struct sources *sources, struct error *error)
{
	char shown[URL_MAX];
	source_url_shown(sources->pattern, shown);
	if (!add_text(json, "source", shown, error))
		return false;
	if (sources->owns == 0)
		return true;
	if (!json_add_name(json, "sources", error) || !buf_add(json, "{", 1, error))
		return false;
	for (unsigned i = 0; i < sources->owns; i++) {
		char year[16];
		snprintf(year, sizeof(year), "%d", sources->own[i].year);
		source_url_shown(sources->own[i].url, shown);
		if (!add_text(json, year, shown, error))
			return false;
	}
	return buf_add(json, "}", 1, error);
}

static bool add_fetch(struct buf *json, const struct fetch_settings *fetch, struct error *error)
{
	return add_number(json, "download_chunk", fetch->chunk, error) &&
	       add_number(json, "stall_s", fetch->stall_s, error) &&
	       add_number(json, "retries", fetch->retries, error) &&
	       (fetch->ca_file == NULL || add_text(json, "ca_file", fetch->ca_file, error));
}

/* Only what differs from the default: a run without staging has none of it. */
static bool add_staging(struct buf *json, const struct options *options, struct error *error)
{
	const struct pipeline_settings *run = &options->run;
	const struct promote_settings *promote = &options->promote;
	bool swaps = run->then_promote || strcmp(options->command, "promote") == 0 ||
		     strcmp(options->command, "revert") == 0;
	return (!options->staging || add_flag(json, "staging", true, error)) &&
	       add_years(json, "drop_year", run->dropped, run->dropped_count, error) &&
	       (!run->release || add_flag(json, "release", true, error)) &&
	       (!run->then_promote || add_flag(json, "promote", true, error)) &&
	       (!swaps || (add_number(json, "drain_s", promote->drain_s, error) &&
				  add_flag(json, "carry", promote->carry, error) &&
				  add_flag(json, "drop_foreign", promote->drop_foreign, error)));
}

bool options_json(const struct options *options, struct buf *json, struct error *error)
{
	const struct pipeline_settings *run = &options->run;
	return buf_add(json, "{", 1, error) && add_text(json, "to", options->to.name, error) &&
	       add_years(json, "years", run->years, run->year_count, error) &&
	       add_sources(json, &run->sources, error) &&
	       add_number(json, "chunk_rows", run->chunk_rows, error) &&
	       add_number(json, "loaders", run->loaders, error) &&
	       add_number(json, "memory_limit", options->memory_limit, error) &&
	       json_add_name(json, "max_rejects", error) &&
	       buf_print(json, error, "%.10g", run->max_rejects_share) &&
	       add_flag(json, "allow_shrink", run->allow_shrink, error) &&
	       add_fetch(json, &run->fetch, error) &&
	       add_number(json, "wait_s", options->to.wait_s, error) &&
	       add_number(json, "snapshot_wait_s", options->to.snapshot_wait_s, error) &&
	       add_staging(json, options, error) && run_lineage_json(options, json, error) &&
	       buf_add(json, "}", 1, error);
}

#include "cmd/metrics.h"

#include <stdio.h>
#include <string.h>

#ifndef DVF_IMPORT_VERSION
#error "DVF_IMPORT_VERSION comes from the build"
#endif

/* As html.h: after the first failure nothing more is written. */
struct metrics {
	struct buf *text;
	struct error *error;
	const struct look *look;
	bool failed;
};

static void raw(struct metrics *metrics, const char *text)
{
	metrics->failed = metrics->failed || !buf_add_text(metrics->text, text, metrics->error);
}

static void head(struct metrics *metrics, const char *name, const char *type, const char *help)
{
	metrics->failed =
		metrics->failed || !buf_print(metrics->text, metrics->error,
					   "# HELP dvf_import_%s %s\n# TYPE dvf_import_%s %s\n",
					   name, help, name, type);
}

/* name{label="value"} with \ " and newline escaped. */
static void label(struct metrics *metrics, const char *before, const char *name, const char *value)
{
	raw(metrics, before);
	raw(metrics, name);
	raw(metrics, "=\"");
	for (; *value != '\0' && !metrics->failed; value++) {
		if (*value == '\\' || *value == '"')
			raw(metrics, "\\");
		metrics->failed =
			metrics->failed ||
			!buf_add(metrics->text, *value == '\n' ? " " : value, 1, metrics->error);
	}
	raw(metrics, "\"");
}

static void value(struct metrics *metrics, double number)
{
	metrics->failed =
		metrics->failed || !buf_print(metrics->text, metrics->error, " %.16g\n", number);
}

static void single(struct metrics *metrics, const char *name, const char *type, const char *help,
	double number)
{
	head(metrics, name, type, help);
	raw(metrics, "dvf_import_");
	raw(metrics, name);
	value(metrics, number);
}

typedef double of_year(const struct year_state *state);

static double year_rows(const struct year_state *state)
{
	return (double)state->rows;
}

static double year_rejects(const struct year_state *state)
{
	return (double)state->rejects;
}

static double year_fetched(const struct year_state *state)
{
	return (double)state->packed_done;
}

static double year_packed(const struct year_state *state)
{
	return (double)state->packed_size;
}

static double year_loaded(const struct year_state *state)
{
	return (double)state->plain_done;
}

static double year_plain(const struct year_state *state)
{
	return (double)state->plain_size;
}

static double year_seconds(const struct year_state *state)
{
	return (double)state->elapsed_ms / 1e3;
}

static double year_published(const struct year_state *state)
{
	return strcmp(state->stage, "published") == 0 ? 1 : 0;
}

/* Two destinations may have one name, as before and after a promote: the UUID tells them apart. */
static void year_labels(struct metrics *metrics, const char *name,
	const struct destination_seen *to, const struct year_state *state)
{
	char year[16];
	snprintf(year, sizeof(year), "%d", state->year);
	raw(metrics, "dvf_import_");
	raw(metrics, name);
	label(metrics, "{", "destination", to->name);
	label(metrics, ",", "uuid", to->uuid);
	label(metrics, ",", "year", year);
}

static void per_year(struct metrics *metrics, const char *name, const char *help, of_year *of)
{
	head(metrics, name, "gauge", help);
	for (unsigned i = 0; i < metrics->look->destination_count; i++) {
		const struct destination_seen *to = &metrics->look->destinations[i];
		for (unsigned k = 0; k < to->year_count; k++) {
			year_labels(metrics, name, to, &to->years[k].state);
			raw(metrics, "}");
			value(metrics, of(&to->years[k].state));
		}
	}
}

static void stages(struct metrics *metrics)
{
	head(metrics, "year_stage_info", "gauge", "Which stage a year is at.");
	for (unsigned i = 0; i < metrics->look->destination_count; i++) {
		const struct destination_seen *to = &metrics->look->destinations[i];
		for (unsigned k = 0; k < to->year_count; k++) {
			year_labels(metrics, "year_stage_info", to, &to->years[k].state);
			label(metrics, ",", "stage", to->years[k].state.stage);
			raw(metrics, "}");
			value(metrics, 1);
		}
	}
}

static void years(struct metrics *metrics)
{
	per_year(metrics, "year_rows", "Rows of the edition in work or in.", year_rows);
	per_year(metrics, "year_rejects", "Records of it that could not be loaded.", year_rejects);
	per_year(metrics, "year_fetched_bytes", "Packed bytes that are here.", year_fetched);
	per_year(metrics, "year_packed_size_bytes", "Packed bytes in all, 0: not known.",
		year_packed);
	per_year(metrics, "year_loaded_bytes", "Plain bytes that are loaded.", year_loaded);
	per_year(metrics, "year_plain_size_bytes", "Plain bytes in all, 0: not known yet.",
		year_plain);
	per_year(metrics, "year_duration_seconds", "Time the last run spent on it.", year_seconds);
	per_year(metrics, "year_published", "1: in, and nothing newer of it is on its way.",
		year_published);
	stages(metrics);
}

static void runs(struct metrics *metrics)
{
	const struct look *look = metrics->look;
	int64_t good_s = 0, end_s = 0;
	head(metrics, "runs_total", "counter", "Runs, promotes and reverts that ended so.");
	for (unsigned i = 0; i < look->outcome_count; i++) {
		const struct outcome_seen *outcome = &look->outcomes[i];
		label(metrics, "dvf_import_runs_total{", "outcome", outcome->outcome);
		raw(metrics, "}");
		value(metrics, (double)outcome->runs);
		good_s = outcome->last_good_s > good_s ? outcome->last_good_s : good_s;
		end_s = outcome->last_end_s > end_s ? outcome->last_end_s : end_s;
	}
	single(metrics, "events_total", "counter", "Events of the history.", (double)look->head);
	single(metrics, "run_active", "gauge", "1: a run, promote or revert is at work.",
		standing_at_work(look));
	single(metrics, "last_run_end_timestamp_seconds", "gauge",
		"When the last import ended, 0: none has.", (double)end_s);
	single(metrics, "last_success_timestamp_seconds", "gauge",
		"When an import last ended with exit code 0, 0: none has.", (double)good_s);
}

static void newest_run(struct metrics *metrics)
{
	const struct look *look = metrics->look;
	const struct run_seen *run = &look->runs[0];
	if (look->run_count > 0 && run->ended_at[0] != '\0') {
		single(metrics, "last_run_exit_code", "gauge", "Exit code of the newest run.",
			run->exit_code);
		single(metrics, "last_run_peak_memory_bytes", "gauge",
			"Highest resident set of the newest run.", (double)run->peak_memory);
	}
	/* Those of a run that is over would be taken for this moment's. */
	if (look->sample_count == 0 || !standing_at_work(look) || look->sampled_run != run->id)
		return;
	const struct run_sample *last = &look->samples[look->sample_count - 1];
	single(metrics, "run_rows", "gauge", "Rows the run at work has loaded so far.",
		(double)last->rows);
	single(metrics, "run_memory_bytes", "gauge", "Its resident set, when last told.",
		(double)last->memory);
	single(metrics, "run_memory_limit_bytes", "gauge", "The limit it keeps below.",
		(double)last->memory_limit);
}

bool metrics_write(struct buf *text, const struct look *look, const struct standing *standing,
	const struct chain_seen *chain, struct error *error)
{
	struct metrics metrics = { .text = text, .error = error, .look = look };
	head(&metrics, "build_info", "gauge", "The version of dvf-import that serves this.");
	label(&metrics, "dvf_import_build_info{", "version", DVF_IMPORT_VERSION);
	raw(&metrics, "}");
	value(&metrics, 1);
	single(&metrics, "ledger_readable", "gauge", "1: there is a ledger and it could be read.",
		look != NULL);
	single(&metrics, "healthy", "gauge", "1: work is done or goes on, as health says.",
		standing->healthy);
	if (look == NULL)
		return !metrics.failed;
	if (chain->known)
		single(&metrics, "history_whole", "gauge",
			"1: the chain of the history holds, as it stands.", chain->whole);
	runs(&metrics);
	newest_run(&metrics);
	if (look->destination_count > 0)
		years(&metrics);
	return !metrics.failed;
}

#include "cmd/options.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/destination.h"
#include "cmd/help.h"
#include "cmd/option_table.h"
#include "cmd/option_words.h"
#include "cmd/run_lineage.h"
#include "cmd/setting.h"

static void note(struct options *options, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void note(struct options *options, enum log_level level, const char *format, ...)
{
	if (options->note_count == OPTIONS_NOTES)
		return;
	struct options_note *noted = &options->notes[options->note_count++];
	va_list values;
	va_start(values, format);
	noted->level = level;
	vsnprintf(noted->text, sizeof(noted->text), format, values);
	va_end(values);
}

/* An old .env may hold what the importer before took: that is no reason to stop. */
static bool variable_take(const struct option_known *option, struct options *options,
	const char *value, struct error *error)
{
	uint64_t bound;
	char text[24];
	if (option->kind != OPTION_NUMBER_OLD ||
		!setting_outside(value, option->least, option->most, &bound))
		return option_take(option, options, value, error);
	note(options, LOG_WARNING, "%s: %.20s is not from %u to %u, %llu is taken",
		option->variable, value, option->least, option->most, (unsigned long long)bound);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)bound);
	return option_take(option, options, text, error);
}

/* The flag's value, or else the variable's; neither: the default stays. */
static bool setting_apply(
	struct options *options, const struct words *words, unsigned i, struct error *error)
{
	const struct option_known *option = &option_table[i];
	char *secret = NULL;
	if (words->given[i] != NULL && (option->secret || option->kind == OPTION_LIST))
		return true;
	if (words->given[i] != NULL)
		return option_take(option, options, words->given[i], error) ||
		       error_where(error, "--%s", option->name);
	if (option->variable == NULL || (option->commands & words->command_bit) == 0)
		return true;
	if (option->secret && !setting_secret(option->variable, &secret, error))
		return false;
	const char *value = option->secret ? secret : setting_variable(option->variable);
	bool done = value == NULL || variable_take(option, options, value, error) ||
		    error_where(error, "%s", option->variable);
	free(secret);
	return done;
}

static bool rejects_fit(const struct options *options, struct error *error)
{
	if (options->csv && !options->rejects)
		return error_set(error, ERROR_USAGE, "--csv goes with --rejects" SEE_HELP);
	if (options->csv && options->json)
		return error_set(
			error, ERROR_USAGE, "--csv and --json exclude each other" SEE_HELP);
	if (options->rejects && (options->verify || options->filter.run != 0))
		return error_set(error, ERROR_USAGE, "--%s does not go with --rejects" SEE_HELP,
			options->verify ? "verify" : "run");
	return true;
}

/* The year would go now, and come back with the next run. */
static bool dropped_fit(
	const struct options *options, const struct words *words, struct error *error)
{
	const struct pipeline_settings *run = &options->run;
	for (unsigned i = 0; i < run->year_count; i++)
		for (unsigned k = 0; k < run->dropped_count; k++)
			if (run->years[i] == run->dropped[k])
				return error_set(error, ERROR_USAGE,
					"%d is in --drop-year and in %s: leave it out of one of "
					"them" SEE_HELP,
					run->years[i],
					words_seen(words, "years") ? "--years" : "YEARS_TO_IMPORT");
	return true;
}

/* What a run would not look at: whoever said it expects it to count. */
static bool run_fits(const struct options *options, const struct words *words, struct error *error)
{
	static const char *const of_promote[] = { "drain", "carry", "drop-foreign" };
	if (words->command_bit != COMMAND_RUN)
		return true;
	if (options->run.then_promote && !options->staging)
		return error_set(error, ERROR_USAGE, "--promote goes with --staging" SEE_HELP);
	if (words_seen(words, "drop-year") && !options->staging)
		return error_set(error, ERROR_USAGE, "--drop-year goes with --staging" SEE_HELP);
	for (size_t i = 0; i < sizeof(of_promote) / sizeof(of_promote[0]); i++)
		if (words_seen(words, of_promote[i]) && !options->run.then_promote)
			return error_set(error, ERROR_USAGE,
				"in a run --%s goes with --staging --promote" SEE_HELP,
				of_promote[i]);
	return dropped_fit(options, words, error);
}

/* Whoever has a .env here, as docker compose reads it, expects it to count. */
static bool default_destination(struct options *options, struct error *error)
{
	if (!destination_from_environment(&options->to, error))
		return false;
	if (setting_variable("DATABASE_URL") == NULL &&
		setting_variable("DATABASE_URL_FILE") == NULL &&
		setting_variable("POSTGRES_HOST") == NULL && destination_in_file(".env"))
		note(options, LOG_INFO,
			"%s, as no destination is set; .env here is not read: "
			"set -a; . ./.env; set +a",
			options->to.name);
	return true;
}

static bool settings_apply(struct options *options, const struct words *words, struct error *error)
{
	static const char *const secrets[] = { "DATABASE_URL", "POSTGRES_PASSWORD",
		"DVF_SOURCE_URL" };
	bool connects = words_connect(words);
	for (unsigned i = 0; connects && i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (!setting_secret_once(secrets[i], error))
			return false;
	for (unsigned i = 0; i < OPTIONS_KNOWN; i++)
		if (!setting_apply(options, words, i, error))
			return false;
	if (options->staging)
		options->to.slot = SLOT_STAGING;
	options->file = words->file;
	if (options->lineage.target != NULL && !run_lineage_settings(options, error))
		return false;
	if (!run_fits(options, words, error))
		return false;
	if (options->promote.carry && options->promote.drop_foreign)
		return error_set(error, ERROR_USAGE,
			"--carry and --drop-foreign exclude each other" SEE_HELP);
	if (!rejects_fit(options, error))
		return false;
	return !connects || options->to.url != NULL || default_destination(options, error);
}

static bool folders_set(struct options *options, struct error *error)
{
	/* The XDG rules: a relative XDG_STATE_HOME is as if it were not set. */
	const char *xdg = setting_variable("XDG_STATE_HOME");
	const char *home = setting_variable("HOME");
	int size = 0;
	if (options->state_folder == NULL && xdg != NULL && xdg[0] == '/')
		size = asprintf(&options->state_folder, "%s/dvf-import", xdg);
	else if (options->state_folder == NULL && home != NULL)
		size = asprintf(&options->state_folder, "%s/.local/state/dvf-import", home);
	else if (options->state_folder == NULL)
		size = asprintf(&options->state_folder, "./.dvf-import");
	if (size == -1)
		options->state_folder = NULL;
	if (size == -1 ||
		asprintf(&options->spool_folder, "%s/spool", options->state_folder) == -1) {
		options->spool_folder = NULL;
		return error_memory(error, "a path");
	}
	options->run.fetch.spool_folder = options->spool_folder;
	options->lineage.state_folder = options->state_folder;
	return true;
}

static void run_name_set(struct destination *to)
{
	char host[64] = "", at[32] = "";
	time_t now = time(NULL);
	struct tm utc;
	if (gethostname(host, sizeof(host) - 1) == -1)
		snprintf(host, sizeof(host), "unknown");
	if (gmtime_r(&now, &utc) != NULL)
		strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &utc);
	snprintf(to->run_name, sizeof(to->run_name), "%s pid %ld since %s", host, (long)getpid(),
		at);
}

/* Cores this process may use: a container's cpuset counts. */
static unsigned cores(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) == -1)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static bool defaults_set(struct options *options, struct error *error)
{
	unsigned usable = cores();
	memset(options, 0, sizeof(*options));
	options->to.wait_s = 60;
	options->to.snapshot_wait_s = 60;
	options->promote.drain_s = 10;
	options->within_s = 10;
	options->listen = (struct listen_at){ .host = "127.0.0.1", .port = 8080 };
	options->run.chunk_rows = 3000;
	options->run.loaders = usable < 4 ? usable : 4;
	options->run.max_rejects_share = 0.001;
	options->run.fetch = (struct fetch_settings){
		.chunk = 8192,
		.connect_s = 30,
		.stall_s = 60,
		.retries = 8,
		.backoff_ms = 1000,
	};
	run_name_set(&options->to);
	return source_set_pattern(&options->run.sources, SOURCE_DEFAULT, error);
}

/* The error itself is to be told in the format that was asked for, if that much was understood. */
static void format_despite_error(struct options *options, struct words *words)
{
	struct error ignored;
	words->command_bit = COMMAND_EVERY;
	for (unsigned i = 0; i < OPTIONS_KNOWN; i++)
		if (strcmp(option_table[i].name, "log-format") == 0)
			(void)!setting_apply(options, words, i, &ignored);
}

bool options_read(struct options *options, int argc, char **argv, bool *done, struct error *error)
{
	struct words words = { 0 };
	*done = false;
	bool read = defaults_set(options, error) && words_read(&words, options, argc, argv, error);
	if (read)
		*done = words_answer(&words);
	options->command = words.command;
	if (read && !*done)
		read = words_fit(&words, error) && settings_apply(options, &words, error) &&
		       folders_set(options, error);
	if (!read)
		format_despite_error(options, &words);
	return read;
}

void options_tell(const struct options *options)
{
	for (unsigned i = 0; i < options->note_count; i++)
		log_note(options->notes[i].level, 0, "%s", options->notes[i].text);
}

void options_free(struct options *options)
{
	free(options->to.url);
	free(options->state_folder);
	free(options->spool_folder);
	free(options->lineage.target);
	free(options->lineage.token);
	options->to.url = NULL;
	options->state_folder = NULL;
	options->spool_folder = NULL;
	options->lineage = (struct lineage_settings){ 0 };
}

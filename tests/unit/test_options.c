#include "tests/unit/options_call.h"

static void test_defaults(void **state)
{
	struct call *call = *state;
	expect_fine(call, "run");
	const struct options *options = &call->options;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	assert_false(call->done);
	assert_string_equal(options->command, "run");
	assert_false(options->to.postgres);
	assert_string_equal(options->to.url, "dvf.sqlite");
	assert_string_equal(options->to.name, "sqlite:dvf.sqlite");
	assert_int_equal(options->to.wait_s, 60);
	assert_int_equal(options->to.snapshot_wait_s, 60);
	assert_string_equal(options->state_folder, "/home/tester/.local/state/dvf-import");
	assert_string_equal(options->spool_folder, "/home/tester/.local/state/dvf-import/spool");
	assert_ptr_equal(options->run.fetch.spool_folder, options->spool_folder);
	assert_int_equal(options->run.year_count, 0);
	assert_string_equal(options->run.sources.pattern, SOURCE_DEFAULT);
	assert_int_equal(options->run.chunk_rows, 3000);
	assert_int_equal(options->run.fetch.chunk, 8192);
	assert_int_equal(options->run.fetch.connect_s, 30);
	assert_int_equal(options->run.fetch.stall_s, 60);
	assert_int_equal(options->run.fetch.retries, 8);
	assert_int_equal(options->run.fetch.backoff_ms, 1000);
	assert_null(options->run.fetch.ca_file);
	assert_in_range(options->run.loaders, 1, cores < 4 ? (unsigned long)cores : 4);
	assert_true(options->run.max_rejects_share == 0.001);
	assert_false(options->run.allow_shrink);
	assert_int_equal(options->memory_limit, 0);
	assert_int_equal(options->log_format, LOG_FORMAT_AUTO);
	assert_non_null(strstr(options->to.run_name, " pid "));
	assert_non_null(strstr(options->to.run_name, " since 20"));
}

static void test_every_flag_is_taken(void **state)
{
	struct call *call = *state;
	expect_fine(call, "--years|2021,2023-2025|--chunk-rows=10|run|--download-chunk|1024|"
			  "--memory-limit|1G|--loaders|16|--max-rejects|2%|--allow-shrink|"
			  "--ca-file|ca.pem|--stall|7|--retries|0|--wait|0|--snapshot-wait|3|"
			  "--state|here|--log-format|json|--to|sqlite:f.db");
	const struct options *options = &call->options;
	assert_string_equal(options->command, "run");
	assert_int_equal(options->run.year_count, 4);
	assert_int_equal(options->run.chunk_rows, 10);
	assert_int_equal(options->run.fetch.chunk, 1024);
	assert_true(options->memory_limit == (uint64_t)1 << 30);
	assert_int_equal(options->run.loaders, 16);
	assert_true(options->run.max_rejects_share > 0.0199999);
	assert_true(options->run.max_rejects_share < 0.0200001);
	assert_true(options->run.allow_shrink);
	assert_string_equal(options->run.fetch.ca_file, "ca.pem");
	assert_int_equal(options->run.fetch.stall_s, 7);
	assert_int_equal(options->run.fetch.retries, 0);
	assert_int_equal(options->to.wait_s, 0);
	assert_int_equal(options->to.snapshot_wait_s, 3);
	assert_string_equal(options->state_folder, "here");
	assert_string_equal(options->spool_folder, "here/spool");
	assert_int_equal(options->log_format, LOG_FORMAT_JSON);
	assert_string_equal(options->to.url, "f.db");
}

static void test_flags_of_other_commands(void **state)
{
	struct call *call = *state;
	expect_fine(call, "history|--year|2023|--run|7|--limit|20|--json|--verify");
	assert_int_equal(call->options.filter.year, 2023);
	assert_int_equal(call->options.filter.run, 7);
	assert_int_equal(call->options.filter.limit, 20);
	assert_true(call->options.json && call->options.verify);
	expect_fine(call, "status|--watch|--json");
	assert_true(call->options.json && call->options.watch);
	assert_null(call->options.to.url);
	expect_fine(call, "clean|--dry-run");
	assert_true(call->options.dry_run);
	expect_wrong(call, "status|--loaders|2", "--loaders does not go with status", NULL);
	expect_wrong(call, "status|--source|2021=http://h/x", "--source does not go", NULL);
	expect_wrong(call, "run|--year|2023", "--year does not go with run", NULL);
	expect_wrong(call, "run|--promote", "--promote goes with --staging", NULL);
	expect_wrong(call, "run|--drop-year|2020", "--drop-year goes with --staging", NULL);
	expect_wrong(call, "run|--staging|--carry", "--carry goes with --staging --promote", NULL);
	expect_wrong(call, "run|--drain|0", "--drain goes with --staging --promote", NULL);
	expect_wrong(call, "run|--staging|--years|2020-2022|--drop-year|2021",
		"2021 is in --drop-year and in --years", NULL);
	expect_fine(call, "run|--staging|--promote|--drop-foreign|--drain|0|--drop-year|2020");
	expect_fine(call, "promote|--drop-year|2020|--carry|--drain|0");
	expect_wrong(call, "history|--year|1999", "--year", "1999");
	expect_wrong(call, "history|--limit|0", "--limit", "0");
}

static void test_what_is_unknown_is_named(void **state)
{
	struct call *call = *state;
	expect_wrong(call, "improt", "improt", "dvf-import --help");
	expect_wrong(call, "run|--lodaers|3", "--lodaers", "dvf-import --help");
	expect_wrong(call, "run|--password=secret", "--password", "dvf-import --help");
	assert_null(strstr(call->error.text, "secret"));
	expect_wrong(call, "run|-x", "-x", "dvf-import --help");
	expect_wrong(call, "run|2021", "2021", "run");
	expect_wrong(call, "run|--|2021", "2021", "run");
	expect_wrong(call, "run|postgresql://me:geheim@h/d", "postgresql", "run");
	assert_null(strstr(call->error.text, "geheim"));
	expect_wrong(call, "run|--years", "--years needs a value", NULL);
	expect_wrong(call, "run|--years=", "--years needs a value", NULL);
	expect_wrong(call, "run|--allow-shrink=yes", "--allow-shrink takes no value", NULL);
	expect_wrong(call, "--state|x", "command is missing", "dvf-import --help");
}

static void test_flag_over_environment_over_default(void **state)
{
	struct call *call = *state;
	setenv("CSV_CHUNK_SIZE", "500", 1);
	setenv("DOWNLOAD_CHUNK_SIZE", "2048", 1);
	setenv("MEMORY_LIMIT", "512m", 1);
	setenv("LOADERS", "3", 1);
	setenv("YEARS_TO_IMPORT", "2020, 2021 2022", 1);
	setenv("DVF_STATE_DIR", "/var/dvf", 1);
	setenv("LOG_FORMAT", "logfmt", 1);
	expect_fine(call, "run");
	assert_int_equal(call->options.run.chunk_rows, 500);
	assert_int_equal(call->options.run.fetch.chunk, 2048);
	assert_true(call->options.memory_limit == (uint64_t)512 << 20);
	assert_int_equal(call->options.run.loaders, 3);
	assert_int_equal(call->options.run.year_count, 3);
	assert_string_equal(call->options.state_folder, "/var/dvf");
	assert_int_equal(call->options.log_format, LOG_FORMAT_LOGFMT);
	expect_fine(call, "run|--chunk-rows|7|--download-chunk|4096|--memory-limit|64M|--loaders|2|"
			  "--years|2024|--state|s|--log-format|text");
	assert_int_equal(call->options.run.chunk_rows, 7);
	assert_int_equal(call->options.run.fetch.chunk, 4096);
	assert_true(call->options.memory_limit == (uint64_t)64 << 20);
	assert_int_equal(call->options.run.loaders, 2);
	assert_int_equal(call->options.run.year_count, 1);
	assert_string_equal(call->options.state_folder, "s");
	assert_int_equal(call->options.log_format, LOG_FORMAT_TEXT);
	expect_fine(call, "run|--chunk-rows|7|--chunk-rows|8");
	assert_int_equal(call->options.run.chunk_rows, 8);
}

static void test_empty_variables_are_not_set(void **state)
{
	struct call *call = *state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		setenv(variables[i], "", 1);
	expect_fine(call, "run");
	assert_int_equal(call->options.run.chunk_rows, 3000);
	assert_string_equal(call->options.to.url, "dvf.sqlite");
	assert_string_equal(call->options.state_folder, "./.dvf-import");
}

static void test_only_what_a_command_uses_is_read(void **state)
{
	struct call *call = *state;
	setenv("CSV_CHUNK_SIZE", "many", 1);
	setenv("DATABASE_URL", "mysql://u:p@h/d", 1);
	expect_fine(call, "status");
	expect_wrong(call, "run|--to|sqlite:f", "CSV_CHUNK_SIZE", "many");
	setenv("CSV_CHUNK_SIZE", "1", 1);
	expect_wrong(call, "run", "DATABASE_URL", "mysql");
	assert_null(strstr(call->error.text, "u:p"));
	expect_fine(call, "run|--to|sqlite:f");
}

/* Only the two variables an older importer had, and only numbers. */
static void test_old_variables_are_cut_to_their_bounds(void **state)
{
	static const struct {
		const char *variable, *value;
		uint32_t taken;
	} cuts[] = {
		{ "CSV_CHUNK_SIZE", "200000", 100000 },
		{ "CSV_CHUNK_SIZE", "0", 1 },
		{ "CSV_CHUNK_SIZE", "99999999999999999999999", 100000 },
		{ "DOWNLOAD_CHUNK_SIZE", "1048576", 524288 },
		{ "DOWNLOAD_CHUNK_SIZE", "100", 1024 },
	};
	struct call *call = *state;
	const struct options *options = &call->options;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		bool rows = cuts[i].variable[0] == 'C';
		setenv(cuts[i].variable, cuts[i].value, 1);
		expect_fine(call, "run");
		assert_int_equal(
			rows ? options->run.chunk_rows : options->run.fetch.chunk, cuts[i].taken);
		assert_int_equal(options->note_count, 1);
		assert_int_equal(options->notes[0].level, LOG_WARNING);
		assert_non_null(strstr(options->notes[0].text, cuts[i].variable));
		expect_fine(call, rows ? "run|--chunk-rows|5" : "run|--download-chunk|2048");
		assert_int_equal(options->note_count, 0);
		unsetenv(cuts[i].variable);
	}
	setenv("CSV_CHUNK_SIZE", "200000 rows", 1);
	expect_wrong(call, "run", "CSV_CHUNK_SIZE", "200000 rows");
	setenv("CSV_CHUNK_SIZE", "-5", 1);
	expect_wrong(call, "run", "CSV_CHUNK_SIZE", "-5");
	unsetenv("CSV_CHUNK_SIZE");
	setenv("LOADERS", "17", 1);
	expect_wrong(call, "run", "LOADERS", "17");
}

static void test_numbers_are_strict(void **state)
{
	static const char *const bad[] = { "0", "100001", "-1", "+1", " 1", "1 ", "1e3", "0x10",
		"1.0", "3000rows", "18446744073709551617", "99999999999999999999999" };
	struct call *call = *state;
	char words[128];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(words, sizeof(words), "run|--chunk-rows|%s", bad[i]);
		expect_wrong(call, words, "--chunk-rows", bad[i]);
	}
	expect_fine(call, "run|--chunk-rows|1");
	expect_fine(call, "run|--chunk-rows|100000");
	assert_int_equal(call->options.run.chunk_rows, 100000);
	expect_wrong(call, "run|--download-chunk|1023", "--download-chunk", "1023");
	expect_wrong(call, "run|--download-chunk|524289", "--download-chunk", "524289");
	expect_fine(call, "run|--download-chunk|524288");
	expect_wrong(call, "run|--loaders|0", "--loaders", "0");
	expect_wrong(call, "run|--loaders|17", "--loaders", "17");
	expect_wrong(call, "run|--wait|1m", "--wait", "1m");
	expect_wrong(call, "run|--stall|0", "--stall", "0");
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "1", 1 },
		{ "67108864", 67108864 },
		{ "64K", 65536 },
		{ "64k", 65536 },
		{ "64KiB", 65536 },
		{ "512m", (uint64_t)512 << 20 },
		{ "512MiB", (uint64_t)512 << 20 },
		{ "2G", (uint64_t)2 << 30 },
		{ "2gib", (uint64_t)2 << 30 },
		{ "17179869183G", UINT64_C(17179869183) << 30 },
	};
	static const char *const bad[] = { "0", "0M", "M", "1T", "1MM", "1.5G", "-1M", "1 M",
		"64MB", "17179869184G", "99999999999999999999" };
	struct call *call = *state;
	char words[128];
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(words, sizeof(words), "run|--memory-limit|%s", good[i].text);
		expect_fine(call, words);
		assert_true(call->options.memory_limit == good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(words, sizeof(words), "run|--memory-limit|%s", bad[i]);
		expect_wrong(call, words, "--memory-limit", bad[i]);
	}
}

static void test_shares(void **state)
{
	static const struct {
		const char *text;
		double share;
	} good[] = { { "0.1%", 0.001 }, { "0.001", 0.001 }, { "0", 0 }, { "100%", 1 }, { "1", 1 },
		{ ".5", 0.5 } };
	static const char *const bad[] = { "5", "101%", "-1%", "1e-3", "nan", "%", ".", "0.1%%",
		"0.1 %", "0..1", "0,1%" };
	struct call *call = *state;
	char words[128];
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(words, sizeof(words), "run|--max-rejects|%s", good[i].text);
		expect_fine(call, words);
		double off = call->options.run.max_rejects_share - good[i].share;
		assert_true(off > -1e-12 && off < 1e-12);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(words, sizeof(words), "run|--max-rejects|%s", bad[i]);
		expect_wrong(call, words, "--max-rejects", bad[i]);
	}
}

static void expect_years(struct call *call, const char *list, const char *wanted)
{
	char words[256], got[512] = "";
	snprintf(words, sizeof(words), "run|--years|%s", list);
	expect_fine(call, words);
	for (unsigned i = 0; i < call->options.run.year_count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%d", i > 0 ? " " : "",
			call->options.run.years[i]);
	assert_string_equal(got, wanted);
}

static void test_years(void **state)
{
	struct call *call = *state;
	expect_years(call, "2021", "2021");
	expect_years(call, "2021,2023-2025", "2021 2023 2024 2025");
	expect_years(call, "2025,2021", "2025 2021");
	expect_years(call, "2021 , 2022\t2023", "2021 2022 2023");
	expect_years(call, " 2021 ", "2021");
	expect_years(call, "2023,2021-2024,2023", "2023 2021 2022 2024");
	expect_years(call, "2020-2020", "2020");
	expect_years(call, "2014,2100", "2014 2100");
	expect_wrong(call, "run|--years|2021,20x3", "--years", "20x3");
	expect_wrong(call, "run|--years|21", "'21'", NULL);
	expect_wrong(call, "run|--years|02021", "02021", NULL);
	expect_wrong(call, "run|--years|2013", "2013", "2014");
	expect_wrong(call, "run|--years|2101", "2101", "2100");
	expect_wrong(call, "run|--years|2025-2023", "2025-2023", "2023-2025");
	expect_wrong(call, "run|--years|2023-", "2023-", NULL);
	expect_wrong(call, "run|--years|-2023", "-2023", NULL);
	expect_wrong(call, "run|--years|2021-2022-2023", "2021-2022-2023", NULL);
	expect_wrong(call, "run|--years|2021,,2022", "missing", NULL);
	expect_wrong(call, "run|--years|2021,", "missing", NULL);
	expect_wrong(call, "run|--years| ", "missing", NULL);
}

static void test_at_most_64_years(void **state)
{
	struct call *call = *state;
	expect_fine(call, "run|--years|2014-2077");
	assert_int_equal(call->options.run.year_count, 64);
	expect_fine(call, "run|--years|2014-2077,2020");
	assert_int_equal(call->options.run.year_count, 64);
	expect_wrong(call, "run|--years|2014-2078", "64 years", NULL);
	setenv("YEARS_TO_IMPORT", "20x3", 1);
	expect_wrong(call, "run", "YEARS_TO_IMPORT", "20x3");
}

static void test_state_folder_by_xdg(void **state)
{
	struct call *call = *state;
	setenv("XDG_STATE_HOME", "/xdg", 1);
	expect_fine(call, "status");
	assert_string_equal(call->options.state_folder, "/xdg/dvf-import");
	setenv("XDG_STATE_HOME", "relative", 1);
	expect_fine(call, "status");
	assert_string_equal(call->options.state_folder, "/home/tester/.local/state/dvf-import");
	unsetenv("HOME");
	expect_fine(call, "status");
	assert_string_equal(call->options.state_folder, "./.dvf-import");
	setenv("DVF_STATE_DIR", "/var/dvf", 1);
	expect_fine(call, "clean");
	assert_string_equal(call->options.state_folder, "/var/dvf");
}

static void test_log_format(void **state)
{
	struct call *call = *state;
	expect_wrong(call, "run|--log-format|xml", "--log-format", "xml");
	setenv("LOG_FORMAT", "yaml", 1);
	expect_wrong(call, "status", "LOG_FORMAT", "yaml");
	setenv("LOG_FORMAT", "json", 1);
	expect_wrong(call, "run|--nonsense", "--nonsense", NULL);
	assert_int_equal(call->options.log_format, LOG_FORMAT_JSON);
	expect_wrong(call, "run|--log-format|text|--nonsense", "--nonsense", NULL);
	assert_int_equal(call->options.log_format, LOG_FORMAT_TEXT);
}

/* Text that the call writes to stdout; the caller frees. */
static char *printed(struct call *call, const char *words)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	fflush(stdout);
	int before = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	bool read = call_read(call, words);
	fflush(stdout);
	dup2(before, STDOUT_FILENO);
	close(before);
	assert_true(read);
	assert_true(call->done);
	long size = ftell(file);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	char *text = calloc(1, (size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
	fclose(file);
	return text;
}

static void test_help_is_complete_and_narrow(void **state)
{
	static const char *const wanted[] = { "--to", "--state", "--source", "--years", "--ca-file",
		"--stall", "--retries", "--download-chunk", "--memory-limit", "--chunk-rows",
		"--loaders", "--wait", "--snapshot-wait", "--max-rejects", "--allow-shrink",
		"--year ", "--run", "--limit", "--verify", "--watch", "--json", "--dry-run",
		"--log-format", "--help", "--version", "DATABASE_URL", "POSTGRES_HOST",
		"POSTGRES_PORT", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB",
		"YEARS_TO_IMPORT", "CSV_CHUNK_SIZE", "DOWNLOAD_CHUNK_SIZE", "MEMORY_LIMIT",
		"DVF_SOURCE_URL", "DVF_STATE_DIR", "LOADERS", "LOG_FORMAT",
		"POSTGRES_PASSWORD_FILE", "DVF_SOURCE_URL_FILE", "DATABASE_URL_FILE" };
	char *text = printed(*state, "--help");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr(text, wanted[i]) == NULL)
			fail_msg("--help does not tell of %s", wanted[i]);
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
		assert_in_range(strcspn(line, "\n"), 0, 80);
	free(text);
}

static void test_help_of_a_command(void **state)
{
	struct call *call = *state;
	char *text = printed(call, "history|--help");
	assert_non_null(strstr(text, "Usage: dvf-import history"));
	assert_non_null(strstr(text, "--verify"));
	assert_null(strstr(text, "--loaders"));
	free(text);
	text = printed(call, "--version");
	assert_string_equal(text, "dvf-import " DVF_IMPORT_VERSION "\n");
	free(text);
	text = printed(call, "help");
	assert_non_null(strstr(text, "Usage: dvf-import COMMAND"));
	free(text);
	text = printed(call, "help|mend");
	assert_non_null(strstr(text, "Usage: dvf-import mend"));
	free(text);
	expect_wrong(call, "run|help", "unexpected word 'help' after run", NULL);
	expect_wrong(call, "help|help", "unknown command 'help'", NULL);
	setenv("CSV_CHUNK_SIZE", "broken", 1);
	text = printed(call, "run|-h");
	assert_non_null(strstr(text, "--loaders"));
	free(text);
}

static void test_lineage(void **state)
{
	struct call *call = *state;
	const struct lineage_settings *lineage = &call->options.lineage;
	expect_fine(call, "run");
	assert_null(lineage->target);
	setenv("OPENLINEAGE_URL", "http://host:5000", 1);
	setenv("OPENLINEAGE_API_KEY", "key", 1);
	setenv("OPENLINEAGE_NAMESPACE", "my space", 1);
	expect_fine(call, "run|--ca-file|ca.pem|--state|here");
	assert_string_equal(lineage->target, "http://host:5000/api/v1/lineage");
	assert_string_equal(lineage->token, "key");
	assert_string_equal(lineage->job_namespace, "my space");
	assert_string_equal(lineage->ca_file, "ca.pem");
	assert_string_equal(lineage->state_folder, "here");
	expect_fine(call, "run|--openlineage|a/file");
	assert_string_equal(lineage->target, "a/file");
	assert_null(lineage->token);
	setenv("OPENLINEAGE_API_KEY", "k\xc3\xa9y", 1);
	expect_wrong(call, "run", "OPENLINEAGE_API_KEY", "header");
	setenv("OPENLINEAGE_DISABLED", "True", 1);
	expect_fine(call, "run|--openlineage|a/file");
	assert_null(lineage->target);
}

static void test_hosts(void **state)
{
	struct call *call = *state;
	const struct hosts *hosts = &call->options.hosts;
	expect_fine(call, "serve");
	assert_int_equal(hosts->count, 0);
	setenv("DVF_HOSTS", "a.example, b.example", 1);
	expect_fine(call, "serve");
	assert_int_equal(hosts->count, 2);
	assert_string_equal(hosts->names[1], "b.example");
	expect_fine(call, "--host|c|serve|--host=d");
	assert_int_equal(hosts->count, 2);
	assert_string_equal(hosts->names[0], "c");
	assert_string_equal(hosts->names[1], "d");
	expect_wrong(call, "serve|--host|d:80", "--host: 'd:80' is not", NULL);
	expect_wrong(call, "run|--host|d", "--host does not go with run", NULL);
	setenv("DVF_HOSTS", "*", 1);
	expect_fine(call, "report|--html|x");
	expect_wrong(call, "serve", "DVF_HOSTS: '*' is not", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_every_flag_is_taken),
		TEST(test_flags_of_other_commands),
		TEST(test_what_is_unknown_is_named),
		TEST(test_flag_over_environment_over_default),
		TEST(test_empty_variables_are_not_set),
		TEST(test_only_what_a_command_uses_is_read),
		TEST(test_old_variables_are_cut_to_their_bounds),
		TEST(test_numbers_are_strict),
		TEST(test_sizes),
		TEST(test_shares),
		TEST(test_years),
		TEST(test_at_most_64_years),
		TEST(test_state_folder_by_xdg),
		TEST(test_log_format),
		TEST(test_help_is_complete_and_narrow),
		TEST(test_help_of_a_command),
		TEST(test_hosts),
		TEST(test_lineage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

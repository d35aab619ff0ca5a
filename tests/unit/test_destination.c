#include "tests/unit/options_call.h"

static void write_file(char path[static 32], const char *text)
{
	snprintf(path, 32, "/tmp/test_options_XXXXXX");
	int fd = mkstemp(path);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void test_order_of_destinations(void **state)
{
	struct call *call = *state;
	setenv("POSTGRES_HOST", "pg", 1);
	expect_fine(call, "run");
	assert_true(call->options.to.postgres);
	assert_string_equal(call->options.to.url, "host='pg'");
	assert_string_equal(call->options.to.name, "postgresql://pg");
	setenv("DATABASE_URL", "sqlite:other.db", 1);
	expect_fine(call, "run");
	assert_string_equal(call->options.to.name, "sqlite:other.db");
	expect_fine(call, "run|--to|sqlite:first|--to|postgres://h/d");
	assert_true(call->options.to.postgres);
	assert_string_equal(call->options.to.url, "postgres://h/d");
	assert_string_equal(call->options.to.name, "postgresql://h/d");
	unsetenv("POSTGRES_HOST");
	unsetenv("DATABASE_URL");
	setenv("POSTGRES_USER", "u", 1);
	setenv("PGHOST", "never", 1);
	expect_fine(call, "run");
	unsetenv("PGHOST");
	assert_string_equal(call->options.to.url, "dvf.sqlite");
}

static void test_postgres_parts_are_quoted(void **state)
{
	struct call *call = *state;
	setenv("POSTGRES_HOST", "pg", 1);
	setenv("POSTGRES_PORT", "5433", 1);
	setenv("POSTGRES_USER", "o'neil", 1);
	setenv("POSTGRES_PASSWORD", "a b\\c'd", 1);
	setenv("POSTGRES_DB", "dvf", 1);
	expect_fine(call, "run");
	assert_string_equal(call->options.to.url, "host='pg' port='5433' user='o\\'neil' "
						  "password='a b\\\\c\\'d' dbname='dvf'");
	assert_string_equal(call->options.to.name, "postgresql://pg:5433/dvf");
	setenv("POSTGRES_PORT", "54x", 1);
	expect_wrong(call, "run", "POSTGRES_PORT", "54x");
	setenv("POSTGRES_PORT", "65536", 1);
	expect_wrong(call, "run", "POSTGRES_PORT", "65536");
}

static void test_names_hold_no_secret(void **state)
{
	static const struct {
		const char *url, *name;
	} urls[] = {
		{ "postgresql://me:geheim@h:5432/d?password=geheim", "postgresql://h:5432/d" },
		{ "postgresql://me:ge@heim@h/d", "postgresql://h/d" },
		{ "postgresql://me@[::1]:5432/d", "postgresql://[::1]:5432/d" },
		{ "postgresql://h1:1,h2:2/d", "postgresql://h1:1,h2:2/d" },
		{ "postgresql:///d?host=/run/x&password=geheim", "postgresql:///d" },
		{ "postgresql://h?password=geheim", "postgresql://h" },
		{ "postgresql://me:ge?heim@h/d", "postgresql://h/d" },
	};
	struct call *call = *state;
	char words[256];
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		snprintf(words, sizeof(words), "run|--to|%s", urls[i].url);
		expect_fine(call, words);
		assert_string_equal(call->options.to.url, urls[i].url);
		assert_string_equal(call->options.to.name, urls[i].name);
	}
	expect_wrong(call, "run|--to|postgresql://me:ge/heim@h/d", "percent-encoded", NULL);
	assert_null(strstr(call->error.text, "heim"));
	expect_wrong(call, "run|--to|postgresql://me:12/heim@h/d", "percent-encoded", NULL);
	assert_null(strstr(call->error.text, "heim"));
	expect_wrong(call, "run|--to|postgresql://me:12/heim?x@h/d", "percent-encoded", NULL);
	assert_null(strstr(call->error.text, "heim"));
}

static void test_sqlite_files(void **state)
{
	struct call *call = *state;
	expect_fine(call, "run|--to|sqlite:dir/f.db");
	assert_string_equal(call->options.to.url, "dir/f.db");
	expect_fine(call, "run|--to|sqlite:/data/f.db");
	assert_string_equal(call->options.to.url, "/data/f.db");
	expect_fine(call, "run|--to|sqlite:///f.db");
	assert_string_equal(call->options.to.url, "f.db");
	expect_fine(call, "run|--to|sqlite:////data/f.db");
	assert_string_equal(call->options.to.url, "/data/f.db");
	assert_string_equal(call->options.to.name, "sqlite:/data/f.db");
	expect_wrong(call, "run|--to|sqlite:", "--to", "sqlite:FILE");
	expect_wrong(call, "run|--to|sqlite:///", "--to", "sqlite:FILE");
	expect_wrong(call, "run|--to|sqlite://host/f", "--to", "no host");
	expect_wrong(call, "run|--to|sqlite::memory:", "--to", "memory");
}

static void test_other_destinations(void **state)
{
	struct call *call = *state;
	expect_wrong(call, "run|--to|mysql://u:geheim@h/d", "--to", "mysql");
	assert_null(strstr(call->error.text, "geheim"));
	expect_wrong(call, "run|--to|postgresql+psycopg2://me:geheim@h/d",
		"--to: postgresql+psycopg2:// names a driver", "leave out +psycopg2");
	assert_null(strstr(call->error.text, "geheim"));
	expect_wrong(call, "run|--to|postgres+x://h/d", "leave out +x", NULL);
	expect_wrong(call, "run|--to|mysql+pymysql://h/d", "is no destination", NULL);
	expect_wrong(call, "run|--to|'postgresql://me:geheim@h/d'", "begins with '",
		"leave out the quotes");
	assert_null(strstr(call->error.text, "geheim"));
	setenv("DATABASE_URL", "\"postgresql://me:geheim@h/d\"", 1);
	expect_wrong(call, "run", "DATABASE_URL: it begins with \"", "leave out the quotes");
	assert_null(strstr(call->error.text, "geheim"));
	unsetenv("DATABASE_URL");
	expect_wrong(call, "run|--to|host=h password=geheim", "--to", "scheme");
	assert_null(strstr(call->error.text, "geheim"));
	expect_wrong(call, "run|--to|host=h password=gehe:im", "--to", "scheme");
	assert_null(strstr(call->error.text, "geh"));
	expect_wrong(call, "run|--to|geheim:x-token@h/d", "--to", "scheme");
	assert_null(strstr(call->error.text, "geheim"));
	expect_wrong(call, "run|--to|dvf.sqlite", "--to", "sqlite:FILE");
	expect_wrong(call, "run|--to|postgresql:h/d", "--to", "postgresql");
}

static void test_secret_files(void **state)
{
	struct call *call = *state;
	char path[32];
	write_file(path, "postgresql://me:geheim@h/d\n");
	setenv("DATABASE_URL_FILE", path, 1);
	expect_fine(call, "run");
	assert_string_equal(call->options.to.url, "postgresql://me:geheim@h/d");
	setenv("DATABASE_URL", "sqlite:f", 1);
	expect_wrong(call, "run", "DATABASE_URL", "DATABASE_URL_FILE");
	expect_wrong(call, "run|--to|sqlite:f", "DATABASE_URL", "DATABASE_URL_FILE");
	unlink(path);
	unsetenv("DATABASE_URL");
	expect_wrong(call, "run", "DATABASE_URL_FILE", path);
	unsetenv("DATABASE_URL_FILE");

	write_file(path, "ge'heim\n");
	setenv("POSTGRES_HOST", "pg", 1);
	setenv("POSTGRES_PASSWORD_FILE", path, 1);
	expect_fine(call, "run");
	assert_string_equal(call->options.to.url, "host='pg' password='ge\\'heim'");
	setenv("POSTGRES_PASSWORD", "x", 1);
	expect_wrong(call, "run", "POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE");
	unlink(path);
}

static void test_secret_file_of_the_source(void **state)
{
	struct call *call = *state;
	char path[32];
	write_file(path, "https://me:geheim@h/{year}.csv.gz\n");
	setenv("DVF_SOURCE_URL_FILE", path, 1);
	expect_fine(call, "run");
	assert_string_equal(call->options.run.sources.pattern, "https://me:geheim@h/{year}.csv.gz");
	setenv("DVF_SOURCE_URL", "https://h/{year}", 1);
	expect_wrong(call, "run", "DVF_SOURCE_URL", "DVF_SOURCE_URL_FILE");
	unlink(path);
	write_file(path, "\n");
	unsetenv("DVF_SOURCE_URL");
	setenv("DVF_SOURCE_URL_FILE", path, 1);
	expect_wrong(call, "run", "DVF_SOURCE_URL_FILE", "empty");
	unlink(path);
}

static void test_sources(void **state)
{
	struct call *call = *state;
	char url[URL_MAX];
	setenv("DVF_SOURCE_URL", "https://env/{year}.csv.gz", 1);
	expect_fine(call, "run|--source|2021=https://a/x.csv.gz|--source|2022=file:///b.csv");
	source_url(&call->options.run.sources, 2021, url);
	assert_string_equal(url, "https://a/x.csv.gz");
	source_url(&call->options.run.sources, 2022, url);
	assert_string_equal(url, "file:///b.csv");
	source_url(&call->options.run.sources, 2023, url);
	assert_string_equal(url, "https://env/2023.csv.gz");
	expect_fine(call, "run|--source|2021=https://a/x.csv.gz|--source|https://t/{year}");
	source_url(&call->options.run.sources, 2021, url);
	assert_string_equal(url, "https://a/x.csv.gz");
	source_url(&call->options.run.sources, 2023, url);
	assert_string_equal(url, "https://t/2023");
	expect_wrong(call, "run|--source|https://t/x.csv.gz", "--source", "{year}");
	expect_wrong(call, "run|--source|2021=ftp://t/x.csv.gz", "--source", "ftp");
	setenv("DVF_SOURCE_URL", "gopher://me:geheim@h/{year}", 1);
	expect_wrong(call, "run", "DVF_SOURCE_URL", "gopher");
	assert_null(strstr(call->error.text, "geheim"));
}

static void test_argv_keeps_no_password(void **state)
{
	struct call *call = *state;
	expect_fine(call, "run|--to|postgresql://me:geheim@h/d?sslmode=require&password=geheim|"
			  "--source=https://me:geheim@h/{year}?token=geheim|"
			  "--source|2021=https://me:geheim@h/2021.csv.gz");
	for (int i = 0; i < call->argc; i++)
		assert_null(strstr(call->argv[i], "geheim"));
	assert_string_equal(
		call->argv[3], "postgresql://xxxxxxxxx@h/d?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	assert_string_equal(call->argv[6], "2021=https://xxxxxxxxx@h/2021.csv.gz");
	assert_string_equal(
		call->options.to.url, "postgresql://me:geheim@h/d?sslmode=require&password=geheim");
	assert_string_equal(
		call->options.run.sources.pattern, "https://me:geheim@h/{year}?token=geheim");
	assert_string_equal(
		call->options.run.sources.own[0].url, "https://me:geheim@h/2021.csv.gz");
	expect_wrong(call, "run|--to|host=h password=geheim", "--to", NULL);
	assert_null(strstr(call->argv[3], "geheim"));
	expect_wrong(call, "run|--to|postgresql://me:ge/heim@h/d", "--to", NULL);
	assert_null(strstr(call->argv[3], "heim"));
	expect_wrong(call, "run|--to|password=geheim sslrootcert=file://x", "--to", NULL);
	assert_null(strstr(call->argv[3], "geheim"));
	expect_fine(call, "run|--to|sqlite:f.db");
	assert_string_equal(call->argv[3], "sqlite:f.db");
}

static void test_json_without_secrets(void **state)
{
	struct call *call = *state;
	struct buf json = { 0 };
	expect_fine(call, "run|--to|postgresql://me:geheim@h:1/d?password=geheim|--years|2021,2023|"
			  "--source|https://me:geheim@h/{year}|--source|2021=https://u:geheim@i/x|"
			  "--memory-limit|48M|--loaders|2|--max-rejects|0.5%|--allow-shrink|"
			  "--ca-file|a\"b");
	assert_true(options_json(&call->options, &json, &call->error));
	assert_null(strstr(json.bytes, "geheim"));
	assert_string_equal(json.bytes,
		"{\"to\":\"postgresql://h:1/d\",\"years\":[2021,2023],"
		"\"source\":\"https://h/{year}\",\"sources\":{\"2021\":\"https://i/x\"},"
		"\"chunk_rows\":3000,\"loaders\":2,\"memory_limit\":50331648,"
		"\"max_rejects\":0.005,\"allow_shrink\":true,\"download_chunk\":8192,"
		"\"stall_s\":60,\"retries\":8,\"ca_file\":\"a\\\"b\",\"wait_s\":60,"
		"\"snapshot_wait_s\":60}");
	buf_free(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order_of_destinations),
		TEST(test_postgres_parts_are_quoted),
		TEST(test_names_hold_no_secret),
		TEST(test_sqlite_files),
		TEST(test_other_destinations),
		TEST(test_secret_files),
		TEST(test_secret_file_of_the_source),
		TEST(test_sources),
		TEST(test_argv_keeps_no_password),
		TEST(test_json_without_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * fuzz_settings.c: a command line and an environment: read without a fault, told on one line when
 * wrong, bounds kept; and a secret in a URL or a variable never shows, however it is written.
 *
 * Input: bits that say which variables are set, how many words there are, where the secret is; then
 * texts, each up to a NUL: the secret's neighbours, the words, the variables.
 */
#include <libpq-fe.h>

#include "cmd/options.h"
#include "cmd/setting.h"
#include "tests/fuzz/fuzz.h"

#define SECRET    "S3cr1t"
#define TEXT_MOST 300
#define WORDS     12

static const char *const variables[] = { "YEARS_TO_IMPORT", "CSV_CHUNK_SIZE", "DOWNLOAD_CHUNK_SIZE",
	"MEMORY_LIMIT", "LOADERS", "LOG_FORMAT", "DVF_STATE_DIR", "POSTGRES_HOST", "POSTGRES_PORT",
	"POSTGRES_USER", "POSTGRES_DB", "OPENLINEAGE_NAMESPACE", "XDG_STATE_HOME", "HOME" };
static const char *const secrets[] = { "DATABASE_URL", "DVF_SOURCE_URL", "OPENLINEAGE_URL",
	"POSTGRES_PASSWORD", "OPENLINEAGE_API_KEY" };
static const char *const flags[] = { "--to", "--source", "--openlineage" };
static const char *const schemes[] = { "postgresql://", "postgres://", "https://", "http://",
	"2021=https://", "" };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

struct call {
	struct options options;
	struct error error;
	int argc;
	char *argv[WORDS + 4];
};

/* The next text, in memory of the caller. */
static void take_text(struct input *input, char text[static TEXT_MOST])
{
	size_t size = 0;
	for (char c; input->left > 0 && (c = (char)take_byte(input)) != '\0';)
		if (size < TEXT_MOST - 1)
			text[size++] = c;
	text[size] = '\0';
}

static void add_word(struct call *call, const char *word)
{
	call->argv[call->argc] = strdup(word);
	must(call->argv[call->argc++] != NULL);
}

static void must_not_show(const char *text)
{
	must(text == NULL || strstr(text, SECRET) == NULL);
}

/* scheme://before S3cr1t behind@host */
static void make_secret_url(char url[static 3 * TEXT_MOST], unsigned scheme, struct input *input)
{
	char before[TEXT_MOST];
	char behind[TEXT_MOST];
	char host[TEXT_MOST];
	take_text(input, before);
	take_text(input, behind);
	take_text(input, host);
	snprintf(url, (size_t)3 * TEXT_MOST, "%s%s%s%s@%s", schemes[scheme % COUNT(schemes)],
		before, SECRET, behind, host);
}

/* The name of a file, as lineage events and sources may have; a password follows a colon. */
static bool is_file(const char *text)
{
	const char *colon = strchr(text, ':');
	return text[0] == '/' || text[0] == '.' || strncasecmp(text, "file://", 7) == 0 ||
	       colon == NULL || strchr(colon, '@') == NULL;
}

/* Whether it is no secret: it is the scheme, or what libpq, which connects, takes for a host or a
 * database. */
static bool is_name(const char *url)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
	const char *end = url + strspn(url, plain);
	bool found = strncmp(end, "://", 3) == 0 && end > strstr(url, SECRET);
	PQconninfoOption *parts = PQconninfoParse(url, NULL);
	for (PQconninfoOption *part = parts; part != NULL && part->keyword != NULL; part++)
		if (part->val != NULL && strstr(part->val, SECRET) != NULL)
			found = found || strcmp(part->keyword, "password") != 0;
	PQconninfoFree(parts);
	return found;
}

static void look_at_numbers(const struct options *options)
{
	const struct pipeline_settings *run = &options->run;
	must(run->chunk_rows >= 1 && run->chunk_rows <= 100000);
	must(run->loaders >= 1 && run->loaders <= 16);
	must(run->fetch.chunk >= 1024 && run->fetch.chunk <= 524288);
	must(run->max_rejects_share >= 0 && run->max_rejects_share <= 1);
	must(run->year_count <= YEARS_MAX && run->dropped_count <= YEARS_MAX);
	for (unsigned i = 0; i < run->year_count; i++) {
		must(run->years[i] >= YEAR_FIRST && run->years[i] <= YEAR_LAST);
		for (unsigned k = 0; k < i; k++)
			must(run->years[i] != run->years[k]);
	}
	must(memchr(options->to.name, '\0', sizeof(options->to.name)) != NULL);
	must(options->spool_folder != NULL && options->state_folder != NULL);
}

static void look_at_shown(const struct call *call, bool done, bool secret)
{
	struct buf json = { 0 };
	struct error error;
	char shown[URL_MAX];
	must(done || call->error.kind == ERROR_USAGE);
	if (!done)
		must_be_told(&call->error);
	if (done) {
		look_at_numbers(&call->options);
		must(options_json(&call->options, &json, &error));
	}
	if (secret) {
		must_not_show(done ? json.bytes : call->error.text);
		must_not_show(call->options.to.name);
		source_url_shown(call->options.run.sources.pattern, shown);
		must_not_show(shown);
		for (int i = 0; i < call->argc; i++)
			must_not_show(call->argv[i]);
	}
	buf_free(&json);
}

static void set_variables(struct input *input, unsigned which)
{
	char text[TEXT_MOST];
	for (unsigned i = 0; i < COUNT(variables); i++) {
		unsetenv(variables[i]);
		if ((which >> i & 1) == 0)
			continue;
		take_text(input, text);
		must(setenv(variables[i], text, 1) == 0);
	}
	for (unsigned i = 0; i < COUNT(secrets); i++)
		unsetenv(secrets[i]);
}

/* One word is the secret URL behind its flag, or a variable has it; what other words say shows. */
static bool put_secret(struct call *call, unsigned where, struct input *input)
{
	char url[3 * TEXT_MOST];
	char word[3 * TEXT_MOST + 20];
	make_secret_url(url, where >> 4, input);
	if (strncmp(url, "sqlite:", 7) == 0 || is_file(url) || is_name(url))
		return false;
	unsigned place = where % 16;
	if (place < COUNT(secrets)) {
		must(setenv(secrets[place], url, 1) == 0);
	} else if (place < 11) {
		snprintf(word, sizeof(word), "%s=%s", flags[place % COUNT(flags)], url);
		add_word(call, word);
	} else {
		add_word(call, flags[place % COUNT(flags)]);
		add_word(call, url);
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const commands[] = { "run", "status", "history", "check", "clean",
		"verify", "promote", "revert", "mend", "" };
	struct input input = { bytes, size };
	struct call call = { .argc = 0 };
	char text[TEXT_MOST];
	bool done = false;
	bool secret = false;
	if (memmem(bytes, size, SECRET, strlen(SECRET)) != NULL)
		return 0; /* libFuzzer has learned the word, and says it where it is none */
	unsigned which = (unsigned)take_number(&input, 2);
	unsigned command = take_byte(&input) % COUNT(commands);
	unsigned words = take_byte(&input) % WORDS;
	unsigned where = take_byte(&input);
	set_variables(&input, which);
	add_word(&call, "dvf-import");
	if (commands[command][0] != '\0')
		add_word(&call, commands[command]);
	if (words > WORDS / 2)
		secret = put_secret(&call, where, &input);
	for (unsigned i = 0; i < words % (WORDS / 2); i++) {
		take_text(&input, text);
		/* Help goes to stdout and ends there, before anything is set. */
		if (strcmp(text, "help") != 0 && strncmp(text, "--h", 3) != 0 &&
			strncmp(text, "--ve", 4) != 0 && strncmp(text, "-h", 2) != 0)
			add_word(&call, text);
	}
	bool read = options_read(&call.options, call.argc, call.argv, &done, &call.error);
	look_at_shown(&call, read, secret);
	options_free(&call.options);
	for (int i = 0; i < call.argc; i++)
		free(call.argv[i]);
	return 0;
}

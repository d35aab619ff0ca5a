/*
 * options_call.h: one call of the program's options, for the tests of options and destinations.
 */
#ifndef TESTS_UNIT_OPTIONS_CALL_H
#define TESTS_UNIT_OPTIONS_CALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/options.h"

#define WORDS_MAX 80

static const char *const variables[] = { "YEARS_TO_IMPORT", "DATABASE_URL", "DATABASE_URL_FILE",
	"POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_USER", "POSTGRES_PASSWORD",
	"POSTGRES_PASSWORD_FILE", "POSTGRES_DB", "CSV_CHUNK_SIZE", "DOWNLOAD_CHUNK_SIZE",
	"MEMORY_LIMIT", "DVF_SOURCE_URL", "DVF_SOURCE_URL_FILE", "DVF_STATE_DIR", "LOADERS",
	"LOG_FORMAT", "DVF_HOSTS", "OPENLINEAGE_URL", "OPENLINEAGE_API_KEY",
	"OPENLINEAGE_API_KEY_FILE", "OPENLINEAGE_NAMESPACE", "OPENLINEAGE_DISABLED",
	"XDG_STATE_HOME", "HOME" };

/* One call of the program: its argv can be written to, as the real one. */
struct call {
	struct options options;
	struct error error;
	bool done;
	int argc;
	char *argv[WORDS_MAX];
};

static int setup(void **state)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	setenv("HOME", "/home/tester", 1);
	*state = calloc(1, sizeof(struct call));
	return *state != NULL ? 0 : -1;
}

static void call_clear(struct call *call)
{
	options_free(&call->options);
	for (int i = 0; i < call->argc; i++)
		free(call->argv[i]);
	memset(call, 0, sizeof(*call));
}

static int teardown(void **state)
{
	call_clear(*state);
	free(*state);
	return 0;
}

static void call_word(struct call *call, const char *word)
{
	assert_true(call->argc < WORDS_MAX - 1);
	call->argv[call->argc] = strdup(word);
	assert_non_null(call->argv[call->argc++]);
}

/* Splits at '|', so that words may hold blanks. */
static bool call_read(struct call *call, const char *words)
{
	char *copy = strdup(words);
	assert_non_null(copy);
	call_clear(call);
	call_word(call, "dvf-import");
	for (char *rest = copy, *word; (word = strsep(&rest, "|")) != NULL;)
		call_word(call, word);
	free(copy);
	error_clear(&call->error);
	return options_read(&call->options, call->argc, call->argv, &call->done, &call->error);
}

static void expect_fine(struct call *call, const char *words)
{
	if (!call_read(call, words))
		fail_msg("%s: %s", words, call->error.text);
}

/* It fails as usage, and the text holds every one of the pieces (up to NULL). */
static void expect_wrong(struct call *call, const char *words, const char *piece, const char *other)
{
	if (call_read(call, words))
		fail_msg("%s was taken", words);
	assert_int_equal(call->error.kind, ERROR_USAGE);
	if (strstr(call->error.text, piece) == NULL)
		fail_msg("%s: '%s' does not say '%s'", words, call->error.text, piece);
	if (other != NULL && strstr(call->error.text, other) == NULL)
		fail_msg("%s: '%s' does not say '%s'", words, call->error.text, other);
	assert_null(strchr(call->error.text, '\n'));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

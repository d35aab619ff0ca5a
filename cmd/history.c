#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "state/ledger.h"

#define JSON_LIMIT   ((size_t)256 << 20)
#define DIGEST_SHOWN 12 /* characters of a SHA-256 that people look at */

/* The end of the JSON value that starts at `value`: behind its closing quote, brace or last
 * character. The ledger wrote it, so it is well formed. */
static const char *value_end(const char *value)
{
	int depth = 0;
	bool in_text = false;
	for (const char *c = value; *c != '\0'; c++) {
		if (in_text && *c == '\\' && c[1] != '\0')
			c++;
		else if (*c == '"')
			in_text = !in_text;
		else if (!in_text && (*c == '{' || *c == '['))
			depth++;
		else if (!in_text && depth == 0 && (*c == ',' || *c == '}' || *c == ']'))
			return c;
		else if (!in_text && (*c == '}' || *c == ']'))
			depth--;
	}
	return value + strlen(value);
}

static bool is_digest(const char *value, size_t size)
{
	return size == 66 && value[0] == '"' && strspn(value + 1, "0123456789abcdef") == 64;
}

/* Quotes stay only where a blank would make the facts run together. */
static void print_value(const char *value, size_t size)
{
	if (value[0] == '{' || value[0] == '[')
		printf("%c..%c", value[0], value[0] == '{' ? '}' : ']');
	else if (is_digest(value, size))
		printf("%.*s", DIGEST_SHOWN, value + 1);
	else if (value[0] == '"' && size > 2 && memchr(value, ' ', size) == NULL &&
		 memchr(value, '\\', size) == NULL)
		printf("%.*s", (int)size - 2, value + 1);
	else
		printf("%.*s", (int)size, value);
}

/* {"rows":12,"sha256":"ab.."} as rows=12 sha256=ab; facts that are null or empty are left out. */
static void print_facts(const char *body)
{
	const char *name = body;
	while (*name != '\0' && (name = strchr(name + 1, '"')) != NULL) {
		const char *colon = strchr(name + 1, ':');
		if (colon == NULL)
			return;
		const char *value = colon + 1 + strspn(colon + 1, " ");
		const char *end = value_end(value);
		if (strncmp(value, "null", 4) != 0 && strncmp(value, "\"\"", 2) != 0) {
			printf("  %.*s=", (int)strcspn(name + 1, "\""), name + 1);
			print_value(value, (size_t)(end - value));
		}
		name = end;
	}
}

static bool print_event(void *context, const struct event *event, struct error *error)
{
	(void)context;
	(void)error;
	printf("%s  run %lld  %s", event->at, (long long)event->run, event->kind);
	if (event->year != 0)
		printf("  %d", event->year);
	print_facts(event->body);
	putchar('\n');
	return true;
}

static bool show_json(const struct options *options, struct ledger *ledger, struct error *error)
{
	struct buf json = { .limit = JSON_LIMIT };
	bool done = ledger_history_json(ledger, &options->filter, &json, error);
	if (done)
		puts(json.bytes);
	else if (error->kind == ERROR_MEMORY)
		error_where(error, "the history is too long for one answer, use --limit or --year");
	buf_free(&json);
	return done;
}

static bool verify(struct ledger *ledger, bool as_json, struct error *error)
{
	int64_t count = 0;
	if (!ledger_history_verify(ledger, &count, error))
		return false;
	if (as_json)
		printf("{\"schema\":1,\"whole\":true,\"events\":%lld}\n", (long long)count);
	else
		printf("the history is whole: %lld events, each follows from the one before\n",
			(long long)count);
	return true;
}

int command_history(const struct options *options)
{
	struct ledger *ledger = NULL;
	struct error error;
	error_clear(&error);
	if (options->rejects)
		return history_rejects(options);
	bool done = ledger_open_reader(&ledger, options->state_folder, &error);
	if (done && options->verify)
		done = verify(ledger, options->json, &error);
	else if (done && options->json)
		done = show_json(options, ledger, &error);
	else if (done)
		done = ledger_events(ledger, &options->filter, print_event, NULL, &error);
	ledger_close(ledger);
	return done ? EXIT_ALL : command_failed(options, &error);
}

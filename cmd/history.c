#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/history_verify.h"
#include "state/ledger.h"

#define JSON_LIMIT   ((size_t)256 << 20)
#define DIGEST_SHOWN 12 /* characters of a SHA-256 that people look at */
#define LIST_SHOWN   8  /* items of a list */
#define DEPTH_SHOWN  3

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
static void print_word(const char *value, size_t size)
{
	if (is_digest(value, size))
		printf("%.*s", DIGEST_SHOWN, value + 1);
	else if (value[0] == '"' && size > 2 && memchr(value, ' ', size) == NULL &&
		 memchr(value, '\\', size) == NULL)
		printf("%.*s", (int)size - 2, value + 1);
	else
		printf("%.*s", (int)size, value);
}

static bool is_empty(const char *value)
{
	return strncmp(value, "null", 4) == 0 || strncmp(value, "\"\"", 2) == 0;
}

/* Behind the next member of an object, NULL when there are no more; *name and *value are where it
 * has them. */
static const char *next_member(const char *at, const char **name, const char **value)
{
	*name = strchr(at, '"');
	const char *colon = *name != NULL ? strchr(*name + 1, ':') : NULL;
	if (colon == NULL || memchr(at, '}', (size_t)(*name - at)) != NULL)
		return NULL;
	++*name;
	*value = colon + 1 + strspn(colon + 1, " ");
	return value_end(*value);
}

/* {"a":1,"b":[2,3]} as {a=1 b=[2, 3]}: deep enough for what the history holds, and no deeper. */
static void print_value(const char *value, size_t size, unsigned depth);

static void print_object(const char *value, unsigned depth)
{
	const char *name = NULL, *member = NULL, *before = "";
	putchar('{');
	for (const char *at = value + 1; (at = next_member(at, &name, &member)) != NULL;) {
		printf("%s%.*s=", before, (int)strcspn(name, "\""), name);
		print_value(member, (size_t)(at - member), depth);
		before = " ";
	}
	putchar('}');
}

static void print_list(const char *value, unsigned depth)
{
	unsigned count = 0;
	putchar('[');
	for (const char *at = value + 1; *at != ']' && *at != '\0'; count++) {
		const char *end = value_end(at);
		if (count < LIST_SHOWN) {
			fputs(count > 0 ? ", " : "", stdout);
			print_value(at, (size_t)(end - at), depth);
		}
		at = *end == ',' ? end + 1 : end;
	}
	if (count > LIST_SHOWN)
		printf(", and %u more", count - LIST_SHOWN);
	putchar(']');
}

static void print_value(const char *value, size_t size, unsigned depth)
{
	if (value[0] == '{' && depth < DEPTH_SHOWN)
		print_object(value, depth + 1);
	else if (value[0] == '[' && depth < DEPTH_SHOWN)
		print_list(value, depth + 1);
	else
		print_word(value, size);
}

/* {"rows":12,"sha256":"ab.."} as rows=12 sha256=ab; facts that are null or empty are left out. */
static void print_facts(const char *body)
{
	const char *name = NULL, *value = NULL;
	for (const char *at = body + 1; (at = next_member(at, &name, &value)) != NULL;) {
		if (is_empty(value))
			continue;
		printf("  %.*s=", (int)strcspn(name, "\""), name);
		print_value(value, (size_t)(at - value), 0);
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

int command_history(const struct options *options)
{
	struct ledger *ledger = NULL;
	struct error error;
	error_clear(&error);
	if (options->rejects)
		return history_rejects(options);
	bool done = ledger_open_reader(&ledger, options->state_folder, &error);
	if (done && options->verify)
		done = history_verify(options, ledger, &error);
	else if (done && options->json)
		done = show_json(options, ledger, &error);
	else if (done)
		done = ledger_events(ledger, &options->filter, print_event, NULL, &error);
	ledger_close(ledger);
	return done ? EXIT_ALL : command_failed(options, &error);
}

#include "cmd/run_lineage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/commands.h"
#include "cmd/setting.h"
#include "stages/lineage_left.h"
#include "stages/lineage_send.h"
#include "state/json.h"

#define TOKEN_MOST 8000 /* more than any server takes in a header */

static bool is_disabled(void)
{
	const char *value = setting_variable("OPENLINEAGE_DISABLED");
	return value != NULL && (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* A line end in it would begin a header of its own. */
static bool token_check(const char *token, struct error *error)
{
	bool fine = strlen(token) <= TOKEN_MOST;
	for (const char *c = token; fine && *c != '\0'; c++)
		fine = *c > 0x20 && *c < 0x7f;
	return fine || error_set(error, ERROR_USAGE,
			       "OPENLINEAGE_API_KEY is longer than %d bytes or holds one that "
			       "cannot stand in a header (a blank, a line end, an accent)",
			       TOKEN_MOST);
}

static bool namespace_check(const char *space, struct error *error)
{
	bool fine = strlen(space) < LINEAGE_SPACE_MAX;
	for (const char *c = space; fine && *c != '\0'; c++)
		fine = (unsigned char)*c >= 0x20 && *c != 0x7f;
	return fine || error_set(error, ERROR_USAGE,
			       "OPENLINEAGE_NAMESPACE has %d bytes or more, or a control character",
			       LINEAGE_SPACE_MAX);
}

bool run_lineage_settings(struct options *options, struct error *error)
{
	struct lineage_settings *lineage = &options->lineage;
	const char *space = setting_variable("OPENLINEAGE_NAMESPACE");
	if (is_disabled()) {
		free(lineage->target);
		lineage->target = NULL;
		return true;
	}
	lineage->ca_file = options->run.fetch.ca_file;
	lineage->job_namespace = space != NULL ? space : LINEAGE_NAMESPACE;
	if (!namespace_check(lineage->job_namespace, error))
		return false;
	if (!lineage_is_server(lineage->target))
		return true;
	return setting_secret("OPENLINEAGE_API_KEY", &lineage->token, error) &&
	       (lineage->token == NULL || token_check(lineage->token, error));
}

bool run_lineage_json(const struct options *options, struct buf *json, struct error *error)
{
	char shown[URL_MAX];
	if (options->lineage.target == NULL)
		return true;
	lineage_target_shown(options->lineage.target, shown, sizeof(shown));
	return json_add_name(json, "openlineage", error) && json_add_text(json, shown, error);
}

/* "1 of 3 years are in; 2021: <the first year's reason>" */
static void reason_make(const struct run_report *report, char *text, size_t room)
{
	const struct year_progress *first = NULL;
	unsigned in = 0;
	for (unsigned i = 0; i < report->count; i++) {
		bool is_in = outcome_is_in(report->years[i].outcome);
		in += is_in;
		if (first == NULL && !is_in)
			first = &report->years[i];
	}
	int used = snprintf(text, room, "%u of %u years are in", in, report->count);
	if (first != NULL && used > 0)
		snprintf(text + used, room - (size_t)used, "; %d: %s", first->state.year,
			first->state.message[0] != '\0' ? first->state.message
							: year_outcome_word(first->outcome));
}

void run_lineage_close(struct lineage *lineage, int code, const struct run_report *report,
	const struct error *error)
{
	char text[sizeof(error->text)];
	if (error->kind != ERROR_NONE)
		memcpy(text, error->text, sizeof(text));
	else
		reason_make(report, text, sizeof(text));
	if (code == EXIT_ALL)
		lineage_close(lineage, LINEAGE_END_DONE, NULL);
	else
		lineage_close(lineage,
			code == EXIT_INTERRUPTED ? LINEAGE_END_STOPPED : LINEAGE_END_FAILED, text);
}

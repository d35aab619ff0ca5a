/* What PostgreSQL says that went wrong, as an error of ours. */
#include <string.h>

#include "stages/pg.h"

struct sqlstate_kind {
	const char *prefix;
	enum error_kind kind;
};

/* The longest prefix that fits comes first (PostgreSQL's documentation, appendix A). */
static const struct sqlstate_kind kinds[] = {
	{ "40001", ERROR_BUSY },
	{ "40P01", ERROR_BUSY },
	{ "55P03", ERROR_BUSY },
	{ "57014", ERROR_BUSY },
	{ "53300", ERROR_BUSY },
	{ "53200", ERROR_MEMORY },
	{ "53100", ERROR_FULL },
	{ "53", ERROR_BUSY },
	{ "57P0", ERROR_LOST },
	{ "08", ERROR_LOST },
	{ "25P0", ERROR_LOST },
	{ "42P01", ERROR_LOST },
	{ "3F000", ERROR_LOST },
	{ "23P01", ERROR_LOST },
	/* A binary COPY that the column's type cannot read is no record's fault. */
	{ "22P03", ERROR_DATABASE },
	{ "22P04", ERROR_DATABASE },
	{ "22", ERROR_DATA },
	{ "23", ERROR_DATA },
	{ "54", ERROR_DATA },
	{ "58030", ERROR_FULL },
};

static enum error_kind kind_of(const char *sqlstate)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(sqlstate, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return kinds[i].kind;
	return ERROR_DATABASE;
}

/* Two sessions that gave the same name to two things at the same time: the server's own catalogue
 * refuses the later one with the SQLSTATE of a doubled row. */
static bool is_race_for_name(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *schema = PQresultErrorField(result, PG_DIAG_SCHEMA_NAME);
	return strcmp(state, "23505") == 0 && schema != NULL && strcmp(schema, "pg_catalog") == 0;
}

static const char *remedy_of(const char *sqlstate)
{
	if (strcmp(sqlstate, "42501") == 0)
		return ": grant the right, or use the role that owns it (dvf-import check says what is needed)";
	if (strcmp(sqlstate, "25006") == 0)
		return ": the server is read-only; give the primary's address";
	if (strcmp(sqlstate, "53100") == 0)
		return ": free some room on the server's disk and run again";
	return "";
}

void pg_one_line(struct error *error, enum error_kind kind, const char *before, const char *text)
{
	error_set(error, kind, "%s%s", before, text);
	char *location = strstr(error->text, "LOCATION:");
	if (location != NULL)
		*location = '\0';
	size_t end = strlen(error->text);
	while (end > 0 && strchr("\n ", error->text[end - 1]) != NULL)
		error->text[--end] = '\0';
	for (char *at = error->text; *at != '\0'; at++)
		if (*at == '\n' || *at == '\t')
			*at = ' ';
}

bool pg_said(const PGresult *result, struct error *error)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	if (state == NULL || primary == NULL)
		return false;
	error_set(error, is_race_for_name(result) ? ERROR_BUSY : kind_of(state),
		"the server says: %s%s%s%s (SQLSTATE %s)%s", primary, detail != NULL ? " (" : "",
		detail != NULL ? detail : "", detail != NULL ? ")" : "", state, remedy_of(state));
	memcpy(error->sqlstate, state, 5);
	error->sqlstate[5] = '\0';
	return true;
}

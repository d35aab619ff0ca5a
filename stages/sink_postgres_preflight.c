/*
 * What would keep a year from being loaded or published, each with its remedy: rights that lack,
 * and what people made of dvf.
 */
#include <stdio.h>
#include <string.h>

#include "stages/sink_postgres.h"
#include "stages_sql.h"

static bool column_list(struct buf *list, struct error *error)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (!buf_print(list, error, "%s ", columns[i].name))
			return false;
	return buf_add_text(list, "source_year source_row", error);
}

/* In the order of column_list. */
static bool type_list(struct buf *list, struct error *error)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (!buf_print(list, error, "%s;", postgres_made_as(columns[i].type)))
			return false;
	return buf_print(list, error, "%s;%s", postgres_made_as(COLUMN_SMALLINT),
		postgres_made_as(COLUMN_INTEGER));
}

static bool find(struct postgres_sink *sink, const char *sql, const char *year,
	sink_finding *finding, void *context, unsigned *count, struct error *error)
{
	struct buf names = { 0 };
	struct buf types = { 0 };
	PGresult *r = NULL;
	bool done = column_list(&names, error) && type_list(&types, error);
	const struct sql_value values[] = { { "dvf", sink->dvf }, { "columns", names.bytes },
		{ "types", types.bytes }, { "year", year }, { NULL, NULL } };
	done = done && pg_make(&sink->pg, sql, values, &r, error);
	for (int i = 0; done && i < PQntuples(r); i++, (*count)++)
		finding(context, true, pg_text(r, i, 0), pg_text(r, i, 1));
	PQclear(r);
	buf_free(&names);
	buf_free(&types);
	return done;
}

bool postgres_obstacles(struct postgres_sink *sink, const char *year, sink_finding *finding,
	void *context, unsigned *count, struct error *error)
{
	*count = 0;
	return find(sink, sql_postgres_obstacles, year, finding, context, count, error) &&
	       find(sink, sql_postgres_columns_altered, year, finding, context, count, error);
}

struct first_finding {
	char what[300], remedy[400];
};

static void keep_first(void *context, bool fatal, const char *what, const char *remedy)
{
	struct first_finding *first = context;
	(void)fatal;
	if (first->what[0] != '\0')
		return;
	snprintf(first->what, sizeof(first->what), "%s", what);
	snprintf(first->remedy, sizeof(first->remedy), "%s", remedy);
}

bool postgres_no_obstacles(struct postgres_sink *sink, const char *year, struct error *error)
{
	struct first_finding first = { .what = "" };
	unsigned count = 0;
	if (!postgres_obstacles(sink, year, keep_first, &first, &count, error))
		return false;
	return count == 0 ||
	       error_set(error, ERROR_REFUSED, "year %s could not be published: %s. Remedy: %s",
		       year, first.what, first.remedy);
}

bool postgres_columns_fit(struct postgres_sink *sink, struct error *error)
{
	struct first_finding first = { .what = "" };
	unsigned count = 0;
	if (!find(sink, sql_postgres_columns_altered, "", keep_first, &first, &count, error))
		return false;
	return count == 0 ||
	       error_set(error, ERROR_REFUSED, "%s. Remedy: %s", first.what, first.remedy);
}

static bool tell_rights(
	struct postgres_sink *sink, sink_finding *finding, void *context, struct error *error)
{
	PGresult *r = NULL;
	if (!pg_exec(&sink->pg, sql_postgres_rights, &r, error))
		return false;
	for (int i = 0; i < PQntuples(r); i++)
		if (!pg_true(r, i, 0))
			finding(context, true, pg_text(r, i, 1), pg_text(r, i, 2));
	PQclear(r);
	return true;
}

/* Who may not look into our schema cannot even be asked what else he lacks. */
static bool tell_owner(
	struct postgres_sink *sink, sink_finding *finding, void *context, struct error *error)
{
	struct error later;
	PGresult *r = NULL;
	if (strcmp(error->sqlstate, "42501") != 0 ||
		!pg_exec(&sink->pg, sql_postgres_schema_owner, &r, &later))
		return false;
	bool told = PQntuples(r) == 1;
	if (told)
		finding(context, true, pg_text(r, 0, 0), pg_text(r, 0, 1));
	PQclear(r);
	return told;
}

bool postgres_preflight(
	struct sink *base, sink_finding *finding, void *context, struct error *error)
{
	struct postgres_sink *sink = (struct postgres_sink *)base;
	struct postgres_identity identity = { 0 };
	unsigned count = 0;
	bool connected = postgres_connect(sink, error);
	if (!connected && base->destination.slot == SLOT_STAGING &&
		strcmp(error->sqlstate, "3D000") == 0)
		return postgres_staging_preflight(sink, finding, context, error);
	bool done = connected && postgres_identity(sink, &identity, error);
	if (connected && !done)
		return tell_owner(sink, finding, context, error);
	if (done)
		snprintf(base->about, sizeof(base->about),
			"PostgreSQL %.40s, %s, no extension needed", identity.version,
			identity.encoding);
	done = done && postgres_may_write(sink, &identity, error) &&
	       tell_rights(sink, finding, context, error);
	if (done && identity.dvf)
		done = postgres_obstacles(sink, "0", finding, context, &count, error);
	return done;
}

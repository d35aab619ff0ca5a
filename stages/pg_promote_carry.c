#include "stages/pg_promote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages_sql.h"
#include "state/base/log.h"
#include "state/base/stop.h"

/* A statement that may fail without ending the transaction. *done: it did not fail. */
static bool attempt(struct pg *pg, const char *statement, bool *done, struct error *error)
{
	struct error other;
	if (!pg_exec(pg, "SAVEPOINT attempt", NULL, error))
		return false;
	*done = pg_exec(pg, statement, NULL, error);
	if (*done)
		return pg_exec(pg, "RELEASE attempt", NULL, error);
	if (error->kind == ERROR_LOST || error->kind == ERROR_STOPPED)
		return false;
	return pg_exec(pg, "ROLLBACK TO attempt", NULL, &other);
}

static bool attempt_all(struct pg *pg, const PGresult *statements, struct error *error)
{
	bool ignored;
	for (int i = 0; i < PQntuples(statements); i++)
		if (!attempt(pg, pg_text(statements, i, 0), &ignored, error))
			return false;
	return true;
}

static void find_statement(struct promotion *p, const char *statement)
{
	char what[300];
	snprintf(what, sizeof(what), "%s may not carry over a right or setting of %s", p->role,
		p->places[PLACE_LIVE].name);
	char *remedy = NULL;
	if (asprintf(&remedy, "have a role that may: %s (in %s)", statement,
		    p->places[p->from].name) == -1)
		remedy = NULL;
	promotion_find(p, what, remedy != NULL ? remedy : statement);
	free(remedy);
}

/* What is asked for again after it was done, could not be done. */
bool promotion_carry_database(struct promotion *p, struct error *error)
{
	const char *const params[] = { p->places[PLACE_LIVE].name, p->places[p->from].name };
	PGresult *wanted = NULL, *left = NULL;
	bool done = pg_params(&p->a, sql_postgres_promote_database, 2, params, &wanted, error) &&
		    attempt_all(&p->a, wanted, error) &&
		    pg_params(&p->a, sql_postgres_promote_database, 2, params, &left, error);
	for (int i = 0; done && i < PQntuples(left); i++)
		find_statement(p, pg_text(left, i, 0));
	if (done && p->promote->settings->dry_run)
		for (int i = 0; i < PQntuples(wanted); i++)
			promotion_say(p, "would run: %s", pg_text(wanted, i, 0));
	PQclear(wanted);
	PQclear(left);
	return done;
}

/* Rows of promote_acls.sql are sorted by key, but by the database's collation: so they are
 * searched. */
static int row_of(const PGresult *rows, const char *key)
{
	for (int i = 0; i < PQntuples(rows); i++)
		if (strcmp(pg_text(rows, i, 0), key) == 0)
			return i;
	return -1;
}

/* The statements that make the rights on one thing what they are in live. */
static bool acl_statements(struct pg *pg, const PGresult *live, int i, const PGresult *here,
	PGresult **statements, struct error *error)
{
	int j = row_of(here, pg_text(live, i, 0));
	bool same = j != -1 && strcmp(pg_text(live, i, 4), pg_text(here, j, 4)) == 0;
	*statements = NULL;
	if (same || (j == -1 && strncmp(pg_text(live, i, 0), "default ", 8) != 0))
		return true;
	const char *const params[] = { pg_text(live, i, 4),
		j != -1 ? pg_text(here, j, 4) : pg_text(live, i, 5), pg_text(live, i, 1),
		pg_text(live, i, 2), j != -1 ? pg_text(here, j, 3) : pg_text(live, i, 3),
		pg_text(live, i, 6), j != -1 ? pg_text(here, j, 6) : pg_text(live, i, 6) };
	return pg_params(pg, sql_postgres_promote_acl, 7, params, statements, error);
}

/* The statement that gives a thing to the role that owns it in live. */
static bool owner_statements(struct pg *pg, const PGresult *live, int i, const PGresult *here,
	PGresult **statements, struct error *error)
{
	int j = row_of(here, pg_text(live, i, 0));
	*statements = NULL;
	if (j == -1 || !pg_true(live, i, 7) ||
		strcmp(pg_text(live, i, 6), pg_text(here, j, 6)) == 0)
		return true;
	const char *const params[] = { pg_text(here, j, 3), pg_text(live, i, 6),
		pg_text(here, j, 6) };
	return pg_params(pg, sql_postgres_promote_owner, 3, params, statements, error);
}

typedef bool statements_make(struct pg *pg, const PGresult *live, int i, const PGresult *here,
	PGresult **statements, struct error *error);
typedef bool statements_use(
	struct promotion *p, struct pg *pg, const PGresult *statements, struct error *error);

static bool use_attempt(
	struct promotion *p, struct pg *pg, const PGresult *statements, struct error *error)
{
	if (p->promote->settings->dry_run)
		for (int i = 0; i < PQntuples(statements); i++)
			promotion_say(p, "would run in %s: %s", p->places[p->from].name,
				pg_text(statements, i, 0));
	return attempt_all(pg, statements, error);
}

static bool use_find(
	struct promotion *p, struct pg *pg, const PGresult *statements, struct error *error)
{
	(void)pg;
	(void)error;
	for (int i = 0; i < PQntuples(statements); i++)
		find_statement(p, pg_text(statements, i, 0));
	return true;
}

static bool each(struct promotion *p, struct pg *pg, const PGresult *live, statements_make *make,
	statements_use *use, struct error *error)
{
	const char *const params[] = { p->places[p->from].dvf };
	PGresult *here = NULL;
	bool done = pg_params(pg, sql_postgres_promote_acls, 1, params, &here, error);
	for (int i = 0; done && i < PQntuples(live); i++) {
		PGresult *statements = NULL;
		done = make(pg, live, i, here, &statements, error) &&
		       (statements == NULL || use(p, pg, statements, error));
		PQclear(statements);
	}
	PQclear(here);
	return done;
}

static bool read_live(
	struct promotion *p, PGresult **acls, PGresult **comments, struct error *error)
{
	const char *const params[] = { p->places[PLACE_LIVE].dvf };
	struct pg pg = { 0 };
	bool done = promotion_connect(p, p->places[PLACE_LIVE].name, &pg, error) &&
		    pg_params(&pg, sql_postgres_promote_acls, 1, params, acls, error) &&
		    pg_params(&pg, sql_postgres_promote_comments, 1, params, comments, error);
	pg_close(&pg);
	return done;
}

/* An owner may need a right on the schema first, and with him rights go that he now has. */
static bool carry_acls(
	struct promotion *p, struct pg *pg, const PGresult *acls, struct error *error)
{
	return each(p, pg, acls, acl_statements, use_attempt, error) &&
	       each(p, pg, acls, owner_statements, use_attempt, error) &&
	       each(p, pg, acls, acl_statements, use_attempt, error);
}

bool promotion_carry_rights(struct promotion *p, bool keep, struct error *error)
{
	struct pg pg = { 0 };
	PGresult *acls = NULL, *comments = NULL;
	if (!p->places[PLACE_LIVE].ours)
		return true;
	bool done = read_live(p, &acls, &comments, error) &&
		    promotion_connect(p, p->places[p->from].name, &pg, error) &&
		    pg_exec(&pg, sql_postgres_make_begin, NULL, error) &&
		    pg_exec(&pg, "SET LOCAL synchronous_commit = on", NULL, error) &&
		    carry_acls(p, &pg, acls, error) && attempt_all(&pg, comments, error) &&
		    each(p, &pg, acls, owner_statements, use_find, error) &&
		    each(p, &pg, acls, acl_statements, use_find, error) &&
		    pg_exec(&pg, keep ? "COMMIT" : "ROLLBACK", NULL, error);
	pg_close(&pg);
	PQclear(acls);
	PQclear(comments);
	return done;
}

/* A body that was read without a search_path names everything with its schema. What it needs may
 * come with pg_restore. */
static bool replace_function(
	struct pg *live, struct pg *from, const struct foreign *item, struct error *error)
{
	char oid[16];
	const char *const params[] = { oid };
	PGresult *r = NULL;
	snprintf(oid, sizeof(oid), "%u", item->objid);
	bool done =
		pg_params(live, "SELECT pg_get_functiondef($1::oid)", 1, params, &r, error) &&
		pg_exec(from, sql_postgres_make_begin, NULL, error) &&
		pg_exec(from,
			"SET LOCAL search_path = pg_catalog; SET LOCAL check_function_bodies = off",
			NULL, error) &&
		pg_exec(from, pg_text(r, 0, 0), NULL, error) &&
		pg_exec(from, "COMMIT", NULL, error);
	PQclear(r);
	return done || error_where(error, "cannot carry %s %s over", item->type, item->identity);
}

/* Where it stands: the indexes, triggers and policies that need it would not let it be dropped.
 * Before pg_restore, which may fill a materialized view by it. */
static bool replace_functions(
	struct promotion *p, const struct foreign_list *list, struct error *error)
{
	struct pg live = { 0 }, from = { 0 };
	bool done = promotion_connect(p, p->places[PLACE_LIVE].name, &live, error) &&
		    pg_exec(&live, "BEGIN; SET LOCAL search_path = pg_catalog", NULL, error) &&
		    promotion_connect(p, p->places[p->from].name, &from, error);
	for (unsigned i = 0; done && i < list->count; i++)
		if (list->items[i].kind == 'f' && list->items[i].differs)
			done = replace_function(&live, &from, &list->items[i], error);
	pg_close(&live);
	pg_close(&from);
	return done;
}

/* What people made on dvf itself: indexes, triggers, policies. Each is a transaction of its own. */
static bool carry_parts(struct promotion *p, const struct foreign_list *list, struct error *error)
{
	struct pg pg = { 0 };
	bool done = promotion_connect(p, p->places[p->from].name, &pg, error);
	for (unsigned i = 0; done && i < list->count; i++) {
		const struct foreign *item = &list->items[i];
		if (foreign_is_same(item) || item->kind != 'd')
			continue;
		log_note(LOG_INFO, 0, "making %s %s in %s", item->type, item->identity,
			p->places[p->from].name);
		done = pg_exec(&pg, sql_postgres_make_begin, NULL, error) &&
		       (!item->differs || pg_exec(&pg, item->drop, NULL, error)) &&
		       pg_exec(&pg, item->statement, NULL, error) &&
		       pg_exec(&pg, "COMMIT", NULL, error);
		if (!done)
			error_where(error, "cannot carry %s %s over", item->type, item->identity);
	}
	pg_close(&pg);
	return done;
}

/* A pg_restore whose caller was killed may still be at work in there. */
static bool end_earlier(struct promotion *p, struct error *error)
{
	const char *const params[] = { p->places[p->from].oid };
	bool none = false;
	while (!none) {
		PGresult *r = NULL;
		if (!pg_params(&p->b, sql_postgres_promote_carriers, 1, params, &r, error))
			return false;
		none = PQntuples(r) == 0;
		PQclear(r);
		if (!none && !stop_sleep(50))
			return error_set(error, ERROR_STOPPED, "interrupted");
	}
	return true;
}

static bool any_dumped(const struct foreign_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->items[i].kind != 'a' && foreign_is_dumped(&list->items[i]))
			return true;
	return false;
}

static bool has_name(const struct promotion *p, const struct foreign *item, const char *ending)
{
	char name[200];
	snprintf(name, sizeof(name), "%s%s", p->places[PLACE_LIVE].dvf, ending);
	return strcmp(item->identity, name) == 0;
}

/* Something of theirs has the name of a view of ours, which every staging run makes. */
static bool any_in_place_of_views(const struct promotion *p, const struct foreign_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		if (!list->items[i].both && (has_name(p, &list->items[i], "_sale") ||
						    has_name(p, &list->items[i], "_price_m2")))
			return true;
	return false;
}

/* Where live has its own, ours make room. */
static bool make_room(struct promotion *p, const struct foreign_list *list, struct error *error)
{
	const char *const params[] = { p->places[p->from].dvf };
	struct pg pg = { 0 };
	PGresult *drop = NULL;
	if (!any_in_place_of_views(p, list))
		return true;
	bool done = promotion_connect(p, p->places[p->from].name, &pg, error) &&
		    pg_exec(&pg, sql_postgres_make_begin, NULL, error) &&
		    pg_params(&pg, sql_postgres_promote_room, 1, params, &drop, error);
	if (done && pg_text(drop, 0, 0)[0] != '\0') {
		log_note(LOG_INFO, 0, "%s in %s: %s has its own", pg_text(drop, 0, 0),
			p->places[p->from].name, p->places[PLACE_LIVE].name);
		done = pg_exec(&pg, pg_text(drop, 0, 0), NULL, error);
	}
	done = done && pg_exec(&pg, "COMMIT", NULL, error);
	PQclear(drop);
	pg_close(&pg);
	return done || error_where(error, "cannot make room in %s", p->places[p->from].name);
}

bool promotion_carry_foreign(struct promotion *p, struct error *error)
{
	struct foreign_list list = { 0 };
	const struct promote_settings *settings = p->promote->settings;
	if (!settings->carry || settings->drop_foreign)
		return true;
	bool done = end_earlier(p, error) && foreign_read(p, &list, error) &&
		    make_room(p, &list, error) && replace_functions(p, &list, error) &&
		    (!any_dumped(&list) || promotion_dump(p, &list, error)) &&
		    carry_parts(p, &list, error);
	if (done && any_dumped(&list))
		promotion_say(p,
			"carried over as it was just now: what is written into it in %s until "
			"the databases change places stays there",
			p->places[PLACE_LIVE].name);
	foreign_free(&list);
	return done;
}

#include "stages/pg_promote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages_sql.h"

#define TOLD 40 /* objects listed one by one */

static int by_identity(const void *a, const void *b)
{
	const struct foreign *x = a, *y = b;
	int type = strcmp(x->type, y->type);
	return type != 0 ? type : strcmp(x->identity, y->identity);
}

/* Without a search_path every name is written with its schema, so that it means the same in both.
 */
static bool read_one(const struct promotion *p, const struct place_found *place,
	struct foreign_list *list, struct error *error)
{
	const char *const params[] = { place->dvf };
	struct pg pg = { 0 };
	bool done = promotion_connect(p, place->name, &pg, error) &&
		    pg_exec(&pg, "BEGIN; SET LOCAL search_path = pg_catalog", NULL, error) &&
		    pg_params(&pg, sql_postgres_promote_foreign, 1, params, &list->rows, error);
	pg_close(&pg);
	if (!done)
		return false;
	unsigned count = (unsigned)PQntuples(list->rows);
	if (count > FOREIGN_MAX)
		return error_set(error, ERROR_REFUSED,
			"%s holds more than %d objects that are not this importer's: move them to a database "
			"of their own",
			place->name, FOREIGN_MAX);
	list->items = calloc((size_t)count + 1, sizeof(*list->items));
	if (list->items == NULL)
		return error_memory(error, "a list of objects");
	for (unsigned i = 0; i < count; i++)
		list->items[list->count++] = (struct foreign){
			.classid = (uint32_t)pg_number(list->rows, (int)i, 0),
			.objid = (uint32_t)pg_number(list->rows, (int)i, 1),
			.type = pg_text(list->rows, (int)i, 2),
			.identity = pg_text(list->rows, (int)i, 3),
			.kind = pg_text(list->rows, (int)i, 4)[0],
			.statement = pg_text(list->rows, (int)i, 5),
			.owner = pg_text(list->rows, (int)i, 6),
			.definition = pg_text(list->rows, (int)i, 7),
			.drop = pg_text(list->rows, (int)i, 8),
		};
	qsort(list->items, list->count, sizeof(*list->items), by_identity);
	return true;
}

bool foreign_read(struct promotion *p, struct foreign_list *list, struct error *error)
{
	struct foreign_list other = { 0 };
	bool done = read_one(p, &p->places[PLACE_LIVE], list, error) &&
		    read_one(p, &p->places[p->from], &other, error);
	for (unsigned i = 0; done && i < list->count; i++) {
		struct foreign *item = &list->items[i];
		const struct foreign *there = other.count == 0
						      ? NULL
						      : bsearch(item, other.items, other.count,
								sizeof(*item), by_identity);
		item->both = there != NULL;
		item->differs = there != NULL && strcmp(item->definition, there->definition) != 0;
		list->missing += !foreign_is_same(item) && item->kind != 'a';
	}
	foreign_free(&other);
	return done;
}

bool foreign_is_dumped(const struct foreign *item)
{
	return item->kind == 'r' || item->kind == 'a' || item->kind == 'l' ||
	       (item->kind == 'o' && !foreign_is_same(item)) || (item->kind == 'f' && !item->both);
}

void foreign_free(struct foreign_list *list)
{
	PQclear(list->rows);
	free(list->items);
	*list = (struct foreign_list){ 0 };
}

/* What is in both stays as it is in each, unless it is carried. */
static void say_both(struct promotion *p, const struct foreign_list *list)
{
	unsigned told = 0;
	for (unsigned i = 0; i < list->count; i++) {
		const struct foreign *item = &list->items[i];
		bool whole = item->kind == 'r' || item->kind == 'l';
		bool unknown = item->kind == 'o' && item->definition[0] == '\0';
		if (!item->both || (!whole && !unknown) || told++ >= TOLD)
			continue;
		if (whole && p->promote->settings->carry)
			promotion_say(p, "%s %s of %s takes the place of the one in %s", item->type,
				item->identity, p->places[PLACE_LIVE].name,
				p->places[p->from].name);
		else
			promotion_say(p, "note: %s %s is in both databases; each keeps its own",
				item->type, item->identity);
	}
}

static void say_missing(struct promotion *p, const struct foreign_list *list)
{
	const char *live = p->places[PLACE_LIVE].name, *to = p->places[p->to].name;
	bool carry = p->promote->settings->carry, drop = p->promote->settings->drop_foreign;
	unsigned told = 0;
	for (unsigned i = 0; i < list->count; i++) {
		const struct foreign *item = &list->items[i];
		if (foreign_is_same(item) || item->kind == 'a' || told++ >= TOLD)
			continue;
		bool column = item->kind == 'c';
		if (drop)
			promotion_say(p, "%s %s is given up: it stays in %s", item->type,
				item->identity, to);
		else if (carry && item->differs)
			promotion_say(p, "%s %s of %s takes the place of the one in %s", item->type,
				item->identity, live, p->places[p->from].name);
		else if (item->differs)
			promotion_say(p, "%s %s of %s is not what it is in %s", item->type,
				item->identity, live, p->places[p->from].name);
		else if (carry && !column)
			promotion_say(p, "%s %s is carried over", item->type, item->identity);
		else
			promotion_say(p, "%s %s is in %s and not in %s", item->type, item->identity,
				live, p->places[p->from].name);
	}
	if (told > TOLD)
		promotion_say(p, "and %u more objects", told - TOLD);
}

static unsigned columns_among(const struct foreign_list *list)
{
	unsigned count = 0;
	for (unsigned i = 0; i < list->count; i++)
		count += !list->items[i].both && list->items[i].kind == 'c';
	return count;
}

/* What is made again belongs to the same role as before; only a member can see to that. */
static void find_owners(struct promotion *p, const struct foreign_list *list)
{
	char what[400], remedy[400];
	unsigned told = 0;
	for (unsigned i = 0; i < list->count; i++) {
		const struct foreign *item = &list->items[i];
		if (item->owner[0] == '\0' || item->kind == 'a' ||
			(foreign_is_same(item) && (item->kind == 'o' || item->kind == 'f')) ||
			told++ >= TOLD)
			continue;
		snprintf(what, sizeof(what),
			"%s %.200s belongs to %s, and %s may not SET ROLE to that", item->type,
			item->identity, item->owner, p->role);
		snprintf(remedy, sizeof(remedy),
			"GRANT \"%s\" TO \"%s\"%s, give it to a role that it may become, or run as one",
			item->owner, p->role, p->server_version >= 160000 ? " WITH SET TRUE" : "");
		promotion_find(p, what, remedy);
	}
}

/* With --carry: is there a pg_dump, and can everything be carried? */
static bool check_carry(struct promotion *p, const struct foreign_list *list, struct error *error)
{
	char folder[256], what[200], remedy[300];
	bool found = false;
	unsigned unfilled = columns_among(list);
	if (!promotion_dump_find(p, folder, &found, error))
		return false;
	if (!found) {
		snprintf(what, sizeof(what),
			"there is no pg_dump of PostgreSQL %d or newer here, which --carry needs (an older "
			"one refuses this server)",
			p->server_version / 10000);
		snprintf(remedy, sizeof(remedy),
			"install postgresql-client-%d or put the folder of its pg_dump and pg_restore into "
			"PATH, carry over by hand, or give up with --drop-foreign",
			p->server_version / 10000);
		promotion_find(p, what, remedy);
	}
	find_owners(p, list);
	if (unfilled > 0) {
		snprintf(what, sizeof(what), "%u column%s of dvf cannot be filled in %s", unfilled,
			unfilled == 1 ? "" : "s", p->places[p->from].name);
		promotion_find(p, what,
			"keep them in a table of their own and drop them from dvf, or give up with "
			"--drop-foreign");
	}
	return true;
}

bool promotion_check_foreign(struct promotion *p, struct error *error)
{
	struct foreign_list list = { 0 };
	char what[200];
	bool done = foreign_read(p, &list, error);
	if (done) {
		say_both(p, &list);
		say_missing(p, &list);
	}
	if (done && list.missing > 0 && p->promote->settings->drop_foreign) {
		foreign_free(&list);
		return true;
	}
	if (done && p->promote->settings->carry) {
		done = check_carry(p, &list, error);
	} else if (done && list.missing > 0) {
		snprintf(what, sizeof(what), "%u object%s in %s would be lost from sight",
			list.missing, list.missing == 1 ? "" : "s", p->places[PLACE_LIVE].name);
		promotion_find(p, what, "--carry brings them over, --drop-foreign gives them up");
	}
	foreign_free(&list);
	return done;
}

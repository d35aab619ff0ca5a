/*
 * pg_promote.h: what the files of PostgreSQL's promote and revert share. Private to them.
 *
 *   pg_promote.c          the order of things, and what a crash leaves of it
 *   pg_promote_look.c     which databases are there, and which is which
 *   pg_promote_check.c    preconditions
 *   pg_promote_mended.c   records mended in live and not in what takes its place
 *   pg_promote_foreign.c  what live holds that is not ours
 *   pg_promote_dump.c     carrying that over with pg_dump and pg_restore
 *   pg_promote_child.c    running those two
 *   pg_promote_carry.c    rights, settings, comments, what was made on dvf
 *   pg_promote_swap.c     holding the databases, draining, renaming
 *   pg_promote_mark.c     the fence, what is meant, what was done
 *
 * Threads: all of it runs in main.  Memory: the lists it reads are bounded (FOREIGN_MAX).
 */
#ifndef STAGES_PG_PROMOTE_H
#define STAGES_PG_PROMOTE_H

#include "stages/pg.h"
#include "stages/promote.h"
#include "stages/sink_postgres.h"

#define DATABASE_NAME (PG_NAME_MAX + 1)
#define FOREIGN_MAX   20000 /* objects that are not ours; more are refused */

/* The three slots of a destination, and where what makes room waits to be dropped. */
enum place { PLACE_LIVE, PLACE_STAGING, PLACE_PREVIOUS, PLACE_OUTGOING, PLACES };

/* A database as it was found. */
struct place_found {
	char name[DATABASE_NAME];
	bool there;
	char oid[16];
	char owner[DATABASE_NAME];
	bool may_own;  /* we are its owner, or a member of it */
	bool connects; /* it allows connections */
	bool broken;   /* somebody began to drop it */
	bool is_template;
	char tablespace[DATABASE_NAME];
	char locale[200]; /* encoding and collation */

	bool ours;    /* our bookkeeping is in it */
	bool genuine; /* and was made in this very database: not copied, not restored */
	char uuid[37];
	int version;
	char dvf[160]; /* schema.dvf, quoted; "" when it has none of ours */
	struct served_years served;

	char kind[8]; /* the last promote or revert it was told of; "" for none */
	char meant[37], instead_of[37];
	char outgoing[16]; /* oid of the database that had to make room; "0" for none */
	char number[24];
	bool done;
};

struct promotion {
	struct promote *promote;
	bool revert;
	const char *kind; /* "promote", "revert" */
	enum place from;  /* becomes live */
	enum place to;    /* where live goes; what is there makes room */
	struct place_found places[PLACES];
	char maintenance[DATABASE_NAME];
	char system[24]; /* the cluster's identifier */
	char role[DATABASE_NAME];
	bool superuser, createdb, signals;
	int server_version;
	struct pg a; /* holds the databases in one transaction, and renames them at its end */
	struct pg b; /* looks at sessions and ends them */
	unsigned findings;
	char meant[37];      /* the uuid that is to be live; "" until it is known */
	char instead_of[37]; /* the one that is live now */
	bool sent;           /* the rename was sent by this call */
	uint64_t seen[256];  /* sessions told to end, the last ones */
	unsigned seen_count;
};

/* Says one line for people. */
void promotion_say(struct promotion *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A precondition that does not hold: "what: remedy". */
void promotion_find(struct promotion *p, const char *what, const char *remedy);
/* The same, made of (what, remedy) rows. */
void promotion_find_rows(struct promotion *p, const PGresult *rows);

/* pg_promote_look.c */
bool promotion_names(struct promotion *p, struct error *error);
bool promotion_connect(
	const struct promotion *p, const char *database, struct pg *pg, struct error *error);
bool promotion_open(struct promotion *p, struct error *error); /* a and b */
void promotion_close(struct promotion *p);
bool promotion_list(struct promotion *p, struct error *error); /* which databases are there */
bool promotion_look(struct promotion *p, struct error *error); /* and what is in them */

/* pg_promote_check.c: adds to findings; true: it could be looked at */
bool promotion_check(struct promotion *p, struct error *error);
/* dvf is in the same schema of both, so that what they hold can be compared by name. */
bool promotion_comparable(const struct promotion *p);
/* What becomes live serves every year that live serves, and nothing in it is half done. */
bool promotion_check_years(struct promotion *p, struct error *error);

/* pg_promote_mended.c: what was mended in live and would be a reject again */
bool promotion_check_mended(struct promotion *p, struct error *error);

/* pg_promote_foreign.c */
struct foreign {
	uint32_t classid, objid;
	char kind;    /* as promote_foreign.sql has it */
	bool both;    /* the other database has one of this name */
	bool differs; /* and it is another */
	const char *type, *identity, *statement;
	const char *owner;      /* a role that we may not become; else "" */
	const char *definition; /* to be compared; "" where it is not */
	const char *drop;       /* the statement that drops what was made on dvf */
};
struct foreign_list {
	PGresult *rows; /* owns the texts */
	struct foreign *items;
	unsigned count;
	unsigned missing; /* told ones that the other database lacks or has otherwise */
};
/* What live holds, compared with the database that takes its place. */
bool foreign_read(struct promotion *p, struct foreign_list *list, struct error *error);
void foreign_free(struct foreign_list *list);
/* Nothing is to be done about it: the other database has the same. */
static inline bool foreign_is_same(const struct foreign *item)
{
	return item->both && !item->differs;
}
/* pg_restore brings it, in place of what is there. */
bool foreign_is_dumped(const struct foreign *item);
bool promotion_check_foreign(struct promotion *p, struct error *error);

/* pg_promote_dump.c: brings over what the list names, in one transaction. */
bool promotion_dump(struct promotion *p, const struct foreign_list *list, struct error *error);
/* Whether there is a pg_dump for this server; its folder. */
bool promotion_dump_find(
	struct promotion *p, char folder[static 256], bool *found, struct error *error);

/* pg_promote_child.c */
/* How the libpq programs reach one database: our environment, with PG* as the connection has them,
 * and a file for what no variable carries (-1: there is no such thing). */
struct child_reach {
	char **environment;
	int service;
	bool writes; /* though default_transaction_read_only is on there */
};
struct child {
	const char *const *words; /* words[0] is the path */
	const struct child_reach *reach;
	int in, out, list; /* 0, 1 and 3 of the child; -1: /dev/null, -1: /dev/null, -1: none */
};
bool child_run(struct promotion *p, const struct child *child, struct error *error);
/* reach->writes is the caller's to set; the rest is made anew. */
bool child_reach(const struct promotion *p, const char *database, struct child_reach *reach,
	struct error *error);
void child_reach_free(struct child_reach *reach);
bool child_file(int *fd, struct error *error); /* a file without a name */

/* pg_promote_carry.c */
/* In a's transaction: the database's owner, rights, settings, limit and comment. What cannot be
 * carried is found (told). */
bool promotion_carry_database(struct promotion *p, struct error *error);
/* Owners, rights and comments of dvf, its years and our views; with keep false it is only tried. */
bool promotion_carry_rights(struct promotion *p, bool keep, struct error *error);
/* Everything that is not ours, if it is to be carried. */
bool promotion_carry_foreign(struct promotion *p, struct error *error);

/* pg_promote_mark.c */
/* Fences both databases, then writes down in both what is meant (and, for a revert, what is held).
 */
bool promotion_mark(struct promotion *p, struct error *error);
/* A revert after a promote that was killed before its rename: there is nothing to take back, and to
 * go back one more is another wish. Found, and what was meant is withdrawn. */
bool promotion_give_up(struct promotion *p, struct error *error);
/* Drops what an earlier swap left to be dropped, if it still has that oid. */
bool promotion_drop_outgoing(struct promotion *p, const char *oid, struct error *error);
/* After the databases have changed places: drops what had to make room, and says so everywhere. */
bool promotion_finish(struct promotion *p, struct error *error);

/* pg_promote_swap.c */
bool promotion_hold(struct promotion *p, struct error *error);
bool promotion_drain(struct promotion *p, struct error *error);
bool promotion_rename(struct promotion *p, struct error *error);
/* "session 7 of alice (psql), ...": of those among rows for which `may` holds or not. */
unsigned promotion_list_sessions(const PGresult *rows, bool may, char *list, size_t size);
/* The oids of the databases that take part, as an array. */
void promotion_oids(const struct promotion *p, char list[static 96]);

#endif

/*
 * ledger_private.h: what the files of the ledger share with each other, and nobody else.
 */
#ifndef STATE_LEDGER_PRIVATE_H
#define STATE_LEDGER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "state/base/error.h"
#include "state/db.h"
#include "state/ledger.h"

struct ledger {
	struct db *db;
	char *path;          /* of state.sqlite */
	char *ballast;       /* of the file that is given up when the disk is full */
	int64_t run;         /* 0: none was begun */
	int64_t destination; /* 0: none was said */
	bool failing;        /* the last writing failed */
};

/* The writing of one call. It may be called twice, so it changes nothing but the database and what
 * `what` points to. */
typedef bool ledger_writing(struct ledger *ledger, const void *what, struct error *error);

/* One transaction. When the disk is full the ballast goes and it is tried once more. */
bool ledger_transact(
	struct ledger *ledger, ledger_writing *writing, const void *what, struct error *error);
/* The same for what can be missed: the ballast stays. */
bool ledger_transact_spare(
	struct ledger *ledger, ledger_writing *writing, const void *what, struct error *error);
/* The same, on disk when it says true. */
bool ledger_transact_durable(
	struct ledger *ledger, ledger_writing *writing, const void *what, struct error *error);

/* An event, inside a transaction. `run` 0: of no run. */
struct new_event {
	int64_t run;
	const char *kind;
	int year;
	const struct field *fields;
	unsigned count;
};
bool ledger_append(struct ledger *ledger, const struct new_event *event, struct error *error);

/* ledger_destination has been called? */
bool ledger_needs_destination(const struct ledger *ledger, struct error *error);

#endif

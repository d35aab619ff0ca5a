/*
 * spool_sweep.h: spools that nobody knows any more.
 *
 * A file of the spool folder is made before the ledger names it, and removed after the ledger has
 * forgotten it: a kill between the two leaves a file of 100 MB that no run would ever use. Parts
 * are no business of this: a download may go on with them; `clean` knows when it cannot.
 *
 * Threads: the one that owns the ledger, before any download has begun.
 */
#ifndef STAGES_SPOOL_SWEEP_H
#define STAGES_SPOOL_SWEEP_H

#include "state/ledger.h"

/* Removes the spools in the folder that the ledger does not name. A file that cannot be removed is
 * a warning; false: the ledger cannot be read. */
bool spool_sweep(const char *folder, struct ledger *ledger, struct error *error);

#endif

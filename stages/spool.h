/*
 * spool.h: the packed files on disk, between fetch and inflate.
 */
#ifndef STAGES_SPOOL_H
#define STAGES_SPOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "state/base/error.h"
#include "state/edition.h"

/* What the spool of an edition is called: "2023-0123456789ab.csv.gz". */
void spool_name(int year, const char *sha256, bool plain, char name[static NAME_MAX_SPOOL]);

/* <folder>/<file> into path. */
bool spool_path(const char *folder, const char *file, char *path, size_t size, struct error *error);

/* Reads the whole file and compares length and SHA-256. True with *same false: it is not there, or
 * not what it was. stop_requested ends it with ERROR_STOPPED. */
bool spool_check(const char *folder, const struct spool *spool, bool *same, struct error *error);

/* Cheap: there, a regular file, of the right length. */
bool spool_there(const char *folder, const struct spool *spool);

/* Removes the file; one that is not there is no error. *freed (may be NULL) gets its size. */
bool spool_remove(const char *folder, const char *file, uint64_t *freed, struct error *error);

#endif

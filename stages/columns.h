/*
 * columns.h: the forty columns of geo-dvf, their types, and where a file keeps them.
 *
 * Types follow what the data really holds (the names and order are those of the published files,
 * see https://files.data.gouv.fr/geo-dvf/): identifiers and codes are text, however numeric they
 * look.
 */
#ifndef STAGES_COLUMNS_H
#define STAGES_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/base/error.h"

#define COLUMNS 40

enum column_type {
	COLUMN_CODE,     /* text that is no language: COLLATE "C" */
	COLUMN_TEXT,     /* text in the database's collation */
	COLUMN_DATE,     /* date */
	COLUMN_SMALLINT, /* smallint */
	COLUMN_INTEGER,  /* integer */
	COLUMN_PRICE,    /* numeric(16,2) */
	COLUMN_AREA,     /* numeric(12,2) */
	COLUMN_DEGREE,   /* double precision */
};

struct column {
	const char *name;
	enum column_type type;
	bool required;    /* NOT NULL */
	int16_t furthest; /* COLUMN_DEGREE: values lie in [-furthest, furthest] */
};

extern const struct column columns[COLUMNS];

/* Where each of our columns stands in the records of one file. */
struct header {
	unsigned fields;            /* fields a record of this file has */
	uint16_t field_of[COLUMNS]; /* index of the field that holds column i */
	int16_t column_of[256];     /* column that field j holds, -1: one we do not know */
	char extra[256]; /* names of fields we do not know, for a warning; "" if none; ASCII, other
			    bytes as \xNN, cut with "..." where they are too many */
};

#define FIELDS_MAX 256

/* Reads the header record (without its line end; a BOM is skipped). A column missing or twice, or
 * over FIELDS_MAX fields: ERROR_INPUT that names it and, where it can tell, what the file is
 * instead (semicolons, HTML, XML, the raw DGFiP layout with '|'). */
bool header_read(struct header *header, const char *record, uint64_t size, struct error *error);

#endif

/*
 * edition.h: what names one published version of one year's file, and where its bytes lie.
 *
 * Plain structs without behaviour: they travel between threads and between the ledger, the fetch
 * and the sinks by value. Texts are NUL-terminated and never hold a secret: the user and password
 * of a URL are cut out before it is put here.
 */
#ifndef STATE_EDITION_H
#define STATE_EDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "state/base/sha256.h"

#define URL_MAX        1024
#define NAME_MAX_SPOOL 96

/* The layout of the tables we make and the rules by which records become rows. An incoming edition
 * that was begun under another number is begun afresh. */
#define LAYOUT_VERSION 1
#define PARSER_VERSION 1

/* What the server said of the bytes, in the final response after redirects. "" or 0: it did not
 * say. They are sent back only to the URL they were got by. */
struct validators {
	char etag[256]; /* with its quotes, and with W/ if it is weak */
	char last_modified[64];
	uint64_t packed_size;
	bool has_size;
};

/* A download that is not whole yet. */
struct part {
	int year;
	char url[URL_MAX];
	char file[NAME_MAX_SPOOL]; /* below the spool folder */
	struct validators validators;
	uint64_t durable; /* packed bytes [0, durable) are on disk, by fsync */
};

/* A whole file of a source. */
struct spool {
	int year;
	char url[URL_MAX];
	char file[NAME_MAX_SPOOL];
	struct validators validators;
	char sha256[SHA256_HEX]; /* of the packed bytes: names the edition */
	uint64_t packed_size;
	bool verified; /* some reader inflated it from end to end, every CRC and length right */
	uint64_t plain_size; /* known once verified */
};

/* One published version of one year's source. */
struct edition {
	int year;
	char sha256[SHA256_HEX];
	char url[URL_MAX];
	struct validators validators;
	uint64_t packed_size;
};

/* Completed chunks that touch, seen as one: whole records, every one loaded or rejected. */
struct range {
	uint64_t plain_first; /* [plain_first, plain_end) of the plain bytes */
	uint64_t plain_end;
	uint64_t first_record; /* number of its first record, from 1 */
	uint64_t rows;
	uint64_t rejects; /* its records are rows + rejects */
};

/* A list of ranges by plain_first, without overlap. Memory: items is malloc'd; ranges_free. */
struct ranges {
	struct range *items;
	unsigned count;
	unsigned room;
};

#endif

/*
 * sink.h: a destination, and what it remembers (the witness).
 *
 * One struct of functions a kind of destination; sink_postgres*.c and sink_sqlite*.c fill it. The
 * contract is the same for both, and is what makes a killed import resume exactly:
 *
 *   - A chunk's rows, its rejects and its witness row commit in one transaction of the destination
 * (I1).
 *   - That transaction first reads the fence token and fails with ERROR_FENCED if it is not ours.
 *   - Overlapping chunks of an edition cannot commit.
 *   - Readers of `dvf` see a year wholly or not at all (I4).
 *
 * Words: an *incoming* edition is being loaded; *ready*: loaded, indexed and checked; *published*:
 * what dvf serves; *held* and *refused* are verdicts, remembered with the settings they were
 * reached under.
 *
 * Errors: ERROR_BUSY, ERROR_MEMORY, ERROR_DATA, ERROR_LOST, ERROR_FENCED, ERROR_DATABASE,
 * ERROR_FULL mean what error.h says. After any of them in a loader: loader->rollback before the
 * next begin.
 *
 * After a crash: nothing needs repair; take() is the way in, every time.
 * Threads: a sink belongs to the main thread; each loader to the one that uses it. loader_open and
 * loader_close are called in the loader's thread and may run side by side. Memory: fixed a
 * connection (about 1 MiB); rows are passed on as they come.
 */
#ifndef STAGES_SINK_H
#define STAGES_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/row.h"
#include "state/base/error.h"
#include "state/edition.h"
#include "state/head.h"

#define SERVED_MAX    64 /* years a destination may serve */
#define TOGETHER_MOST 4  /* chunks in one transaction, of any destination */

enum edition_stage {
	EDITION_INCOMING,
	EDITION_READY,
	EDITION_PUBLISHED,
	EDITION_HELD,
	EDITION_REFUSED,
};

/* Settings a verdict was reached under, where they are none: a revert held the edition. */
#define UNDER_REVERT "revert"
/* `under` of what staging serves: beside which edition of live it is what staging is to have; then
 * live's SHA-256, or nothing where live had none. */
#define UNDER_BESIDE "beside "

/* What the witness remembers of an edition. */
struct edition_memory {
	struct edition edition;
	enum edition_stage stage;
	uint64_t rows, rejects, plain_size; /* once known */
	int layout_version, parser_version;
	char why[512];   /* held, refused: the verdict in words */
	char under[256]; /* held, refused: the settings it was reached under; see UNDER_BESIDE */
};

/* A record that cannot be loaded. */
struct reject {
	uint64_t plain_first; /* [plain_first, plain_end): where it stands */
	uint64_t plain_end;
	uint64_t record; /* its number in the file */
	struct reason reason;
	const char *raw; /* its bytes, without the line end; may hold anything */
	uint32_t raw_size;
};

/* What goes into the witness for one chunk. */
struct chunk_record {
	uint64_t plain_first, plain_end;
	uint64_t first_record;
	uint64_t rows, rejects;
	uint32_t crc; /* CRC-32 of the plain bytes [plain_first, plain_end) */
};

/* What `publish` and `check` compare with. */
struct year_total {
	uint64_t header_end; /* the chunks tile [header_end, plain_size) */
	uint64_t plain_size;
	uint64_t records;
	uint64_t rows, rejects; /* set by check */
};

/* Where dvf is, for lineage: nothing in it is secret. */
struct sink_place {
	char server[320];    /* "db.example:5432"; "" for a file */
	char database[1024]; /* its name, or the file's path from the root */
	char schema[160];    /* "" for a file */
};

/* Which of the three databases (files) that a destination can have. */
enum slot {
	SLOT_LIVE,     /* what its name says */
	SLOT_STAGING,  /* <name>_staging (SQLite: a file beside it): loaded, then promoted */
	SLOT_PREVIOUS, /* <name>_previous: what a promote took out of service, for revert */
};

struct destination {
	char *url; /* postgresql://..., a libpq conninfo, or the path of an SQLite file; may hold a
		      secret */
	char name[256]; /* for people: no secret */
	bool postgres;
	enum slot slot;
	uint32_t wait_s; /* how long to wait for the server at start and after it is lost */
	uint32_t snapshot_wait_s; /* how long to wait for older snapshots before a publish */
	char run_name[128];       /* who holds the fence: host and start time, for people */
};

struct sink;
struct loader;

/* Called while a sink waits or works long: for progress; at least every 250 ms. */
typedef void sink_tick(void *context);

/* A thing that stands in the way, and what to do about it. */
typedef void sink_finding(void *context, bool fatal, const char *what, const char *remedy);

/* The years a destination serves, ascending; lost: those that its bookkeeping says it serves, and
 * whose table somebody dropped, detached or renamed. */
struct served_years {
	int years[SERVED_MAX];
	unsigned count;
	int lost[SERVED_MAX];
	unsigned lost_count;
};

/* A record that is not in the table as the file has it: a reject, or one that was mended and loaded
 * after all. Texts hold until the next one is read; raw and mended may hold anything. */
struct kept {
	char edition[SHA256_HEX];
	int year;
	enum edition_stage stage; /* of its edition */
	uint64_t record, plain_first, plain_end;
	const char *column; /* NULL: the record as a whole */
	const char *reason;
	const char *raw; /* as the file has it */
	uint32_t raw_size;
	const char *mended; /* NULL: still a reject */
	uint32_t mended_size;
};

/* Rows of one published year by source_row, or kept records by year, edition and record. One
 * reader at a time is open on a sink; it reads one snapshot, and what it gave holds until the next
 * call. One that is closed before its end, or after an error, may take the connection with it: look
 * again. What is no value of its column's type is `odd` (row.h); a source_row that is NULL or no
 * int32 comes as INT32_MAX. */
struct row_reader;
struct kept_reader;
struct row_reader_ops {
	bool (*next)(struct row_reader *reader, struct row *row, bool *end, struct error *error);
	void (*close)(struct row_reader *reader);
};
struct kept_reader_ops {
	bool (*next)(struct kept_reader *reader, struct kept *kept, bool *end, struct error *error);
	void (*close)(struct kept_reader *reader);
};
struct row_reader {
	const struct row_reader_ops *ops;
	char altered[512]; /* how the table differs from what we made, in words; "": not at all */
	bool missing[COLUMNS]; /* the table has no such column any more */
};
struct kept_reader {
	const struct kept_reader_ops *ops;
};

/* The chunks of an edition as the witness has them, by plain_first. */
struct chunk_reader;
struct chunk_reader_ops {
	bool (*next)(struct chunk_reader *reader, struct chunk_record *record, bool *end,
		struct error *error);
	void (*close)(struct chunk_reader *reader);
};
struct chunk_reader {
	const struct chunk_reader_ops *ops;
};

/* Called with each head of a history the destination knows, oldest first. */
typedef bool sink_head_seen(void *context, const struct history_head *head, struct error *error);

/* A mended record for sink->mend; false with *end: there are no more. */
struct mended {
	const struct row *row; /* year and source_row say whose place it takes */
	const char *edition;   /* SHA-256 of the one its reject belongs to */
	const char *raw;       /* the mended record as a person gave it */
	uint32_t raw_size;
};
typedef bool sink_mend_next(void *context, struct mended *mended, bool *end, struct error *error);

struct sink_ops {
	const char *kind; /* "postgresql", "sqlite" */
	unsigned max_loaders;

	/* Connects (waiting for the server up to wait_s), makes or upgrades what is missing, fills
	 * sink->uuid, and takes the fence: transactions of earlier runs have ended when it returns.
	 * Called at start and after ERROR_LOST. If the destination has another identity than
	 * before: ERROR_CHANGED. */
	bool (*take)(struct sink *sink, struct error *error);

	/* Connects to read beside whatever goes on: makes nothing, takes no fence. *there: it is a
	 * destination of ours, and sink->uuid is filled ("" where it is a copy or was restored:
	 * another identity, which take would give it); false also when the database or file is
	 * not there at all. It may lack bookkeeping tables that take would add. After it published,
	 * recall, completed, years, heads, rows_open and kept_open may be called. */
	bool (*look)(struct sink *sink, bool *there, struct error *error);
	bool (*years)(struct sink *sink, struct served_years *served, struct error *error);

	/* After take. */
	void (*place)(struct sink *sink, struct sink_place *place);

	/* What dvf serves for a year. */
	bool (*published)(struct sink *sink, int year, struct edition_memory *memory, bool *found,
		struct error *error);
	/* What is known of an edition (by year and sha256). */
	bool (*recall)(struct sink *sink, const struct edition *edition,
		struct edition_memory *memory, bool *found, struct error *error);
	/* Makes the edition's incoming table and witness if they are not there in our layout and
	 * parser version; incoming tables of other editions of the year are dropped, and verdicts
	 * on this one forgotten. Obstacles to a later publish: ERROR_REFUSED that names them with
	 * their remedy. */
	bool (*begin)(struct sink *sink, const struct edition *edition, struct error *error);
	/* Drops everything incoming of the edition, so that begin starts it afresh. */
	bool (*forget)(struct sink *sink, const struct edition *edition, struct error *error);
	/* The source says that this edition, which is served, is what it has: its address and
	 * validators are kept as they are now, and what was begun of other editions of the year is
	 * dropped, unless a revert holds it. Where nothing of it is to do nothing is written. */
	bool (*confirm)(struct sink *sink, const struct edition *edition, struct error *error);
	/* The witness, merged. */
	bool (*completed)(struct sink *sink, const struct edition *edition, struct ranges *ranges,
		struct error *error);
	/* Indexes on the incoming table, UNIQUE (source_row), statistics. Idempotent. */
	bool (*index)(struct sink *sink, const struct edition *edition, struct error *error);
	/* I2: the witness tiles the total, count(*) equals its rows, source_row is unique and
	 * within the records. Fills total->rows and ->rejects. ERROR_INPUT when not so. True: the
	 * edition is ready. */
	bool (*check)(struct sink *sink, const struct edition *edition, struct year_total *total,
		struct error *error);
	/* I4: in one transaction the year is this edition's, and the old one is gone. ERROR_BUSY
	 * when locks or older snapshots stayed in the way (named); the edition stays ready. */
	bool (*publish)(struct sink *sink, const struct edition *edition,
		const struct year_total *total, struct error *error);
	/* Remembers a verdict. Refused: the incoming table is dropped; held: it stays ready. */
	bool (*judge)(struct sink *sink, const struct edition *edition, enum edition_stage stage,
		const char *why, const char *under, struct error *error);
	/* Brings the year that `live` (looked at, of the same kind) serves into an incoming edition
	 * of this sink: rows, witness, rejects, mended records, in one transaction; *edition and
	 * *total are what index, check and publish are then called with. Already there: nothing is
	 * done again. */
	bool (*copy_year)(struct sink *sink, struct sink *live, int year, struct edition *edition,
		struct year_total *total, struct error *error);
	/* Remembers with what is served of a year what live serves of it (`lives`: SHA-256, "" for
	 * none), so that a promote can tell whether live has gone on since. */
	bool (*beside)(struct sink *sink, int year, const char *lives, struct error *error);
	/* The year is served no more, and all that is known of it is gone but what a revert holds.
	 * Not there: nothing. */
	bool (*drop_year)(struct sink *sink, int year, struct error *error);
	/* The end of a run that changed something: statistics of dvf as a whole. */
	bool (*finish)(struct sink *sink, struct error *error);

	/* Looks, changes nothing, tells what it finds; sink->about is filled. Connects by itself.
	 */
	bool (*preflight)(
		struct sink *sink, sink_finding *finding, void *context, struct error *error);

	bool (*loader_open)(struct sink *sink, struct loader **loader, struct error *error);

	/* Appends a head of our history (under the fence); one that is there already is left. */
	bool (*head_add)(struct sink *sink, const struct history_head *head, struct error *error);
	bool (*heads)(struct sink *sink, sink_head_seen *seen, void *context, struct error *error);

	/* Reading back, after look or take. `year` 0 of kept_open: of every year. */
	bool (*rows_open)(
		struct sink *sink, int year, struct row_reader **reader, struct error *error);
	/* The same with nothing but source_row. */
	bool (*keys_open)(
		struct sink *sink, int year, struct row_reader **reader, struct error *error);
	bool (*kept_open)(
		struct sink *sink, int year, struct kept_reader **reader, struct error *error);
	bool (*chunks_open)(struct sink *sink, const struct edition *edition,
		struct chunk_reader **reader, struct error *error);
	/* Mended records into the published editions their rejects belong to, in one transaction
	 * under the fence: the row goes to its source_row, the reject becomes a mended record, the
	 * counts of its chunk and source follow. *count: how many. Nothing is kept of it if any of
	 * it fails: an edition that is not served, a record that is no reject or was mended before
	 * is ERROR_REFUSED that names it, one that is given twice ERROR_INPUT. An answer that did
	 * not come is ERROR_LOST: then only the destination knows. */
	bool (*mend)(struct sink *sink, sink_mend_next *next, void *context, uint64_t *count,
		struct error *error);

	void (*close)(struct sink *sink);
};

/* Fields every kind of sink has; its own struct begins with this one. */
struct sink {
	const struct sink_ops *ops;
	struct destination destination; /* a copy; url is owned */
	char uuid[37];                  /* after take */
	char about[128];                /* after preflight: what kind and version it is */
	uint64_t cache_bytes;           /* SQLite: page cache and sorts; 0: the default */
	unsigned connections;           /* that may work at once; 0: one */
	sink_tick *tick;                /* may be NULL */
	void *tick_context;
};

/*
 * A loader: one connection, one transaction at a time, of one chunk or several, in this order:
 *
 *     begin  (copy | copy copy_undo)...  witness...  commit | rollback
 *
 * One copy is the rule; several, each with `savepoint`, are how a record that only the server
 * refuses is found. A copy asks for its rows one by one, so that a destination which pulls
 * (SQLite's INSERT ... SELECT) needs no memory to keep them in.
 */

/* The rows of one copy; asked in the loader's thread, until there are no more or one fails. */
struct row_source {
	/* *row is NULL after the last one; it holds until the next call. */
	bool (*next)(struct row_source *source, const struct row **row, struct error *error);
};

struct loader_ops {
	/* Opens the transaction and reads the fence. */
	bool (*begin)(struct loader *loader, const struct edition *edition, struct error *error);
	/* Takes the source's rows to the last. *taken: how many the destination says it took. An
	 * error of the source comes back as it is. */
	bool (*copy)(struct loader *loader, bool savepoint, struct row_source *rows,
		uint64_t *taken, struct error *error);
	/* After a failed copy with a savepoint: back to before it. */
	bool (*copy_undo)(struct loader *loader, struct error *error);
	/* Witness row and rejects of a chunk that shares its transaction with the next one.
	 */
	bool (*witness)(struct loader *loader, const struct chunk_record *record,
		const struct reject *rejects, uint64_t count, struct error *error);
	/* The same for the last or only chunk, and COMMIT. An overlap with another chunk, or an
	 * answer that did not come: ERROR_LOST (whether it is in must be read from the witness). */
	bool (*commit)(struct loader *loader, const struct chunk_record *record,
		const struct reject *rejects, uint64_t count, struct error *error);
	/* Whatever state it is in: nothing of this chunk stays. */
	void (*rollback)(struct loader *loader);
	void (*close)(struct loader *loader);
};

struct loader {
	const struct loader_ops *ops;
	struct sink *sink;
};

/* Chooses by destination->postgres; takes a copy of it. Does not connect. */
bool sink_open(struct sink **sink, const struct destination *destination, struct error *error);
bool sink_open_postgres(
	struct sink **sink, const struct destination *destination, struct error *error);
bool sink_open_sqlite(
	struct sink **sink, const struct destination *destination, struct error *error);
void sink_close(struct sink *sink); /* NULL is accepted */

/* The name for people, with the slot behind it: what sink->destination.name is after sink_open. */
void sink_shown_name(const struct destination *destination, char name[static 256]);

/* The word for a stage that both kinds keep, and back; one that is unknown is incoming. */
const char *sink_stage_word(enum edition_stage stage);
enum edition_stage sink_stage_of(const char *word);

/* Shared by both: why a record cannot be mended. `at` is when it was, for MEND_BEFORE. Returns
 * false.
 */
enum mend_fault {
	MEND_NOT_SERVED, /* dvf serves another edition of the year, or none */
	MEND_NO_REJECT,
	MEND_BEFORE, /* mended before */
	MEND_TWICE,  /* in this very transaction */
	MEND_NO_CHUNK,
};
bool sink_mend_fault(
	enum mend_fault fault, const struct mended *mended, const char *at, struct error *error);

/* Shared by both: "incoming_2023_0123456789ab" and the like, at most 54 bytes. */
void sink_table_name(char name[static 56], const char *what, const struct edition *edition);

#endif

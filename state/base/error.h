/*
 * error.h: an error is a value.
 *
 * Every function that can fail returns bool (true: done) and fills the `struct error *` that comes
 * last. The kind decides the exit code and whether trying again makes sense; the text is for people
 * and says what happened, where, and what to do. Only cmd/ prints it, once.
 *
 * Threads: an error belongs to the one who made it.  Memory: none is allocated.
 */
#ifndef STATE_BASE_ERROR_H
#define STATE_BASE_ERROR_H

#include <stdbool.h>

enum error_kind {
	ERROR_NONE,
	ERROR_USAGE,    /* the command line or a setting */
	ERROR_NETWORK,  /* the source could not be had; may go away by itself */
	ERROR_GONE,     /* the source answered 404 or 410: that year is not published */
	ERROR_DATABASE, /* the destination said no; the same again will say the same */
	ERROR_BUSY,     /* deadlock, serialization failure, lock timeout: try the same again */
	ERROR_MEMORY,   /* memory was short, ours or the server's: try a smaller piece */
	ERROR_DATA,     /* the destination refused a value that we had parsed: find the record */
	ERROR_LOST,     /* the connection is gone: fence, read the witness, plan again */
	ERROR_FENCED,   /* another run has taken this destination over */
	ERROR_INPUT,    /* the source's bytes are wrong: not gzip, bad CRC, a column missing */
	ERROR_CHANGED,  /* the source is not what it was: start that edition over */
	ERROR_DAMAGED,  /* our own ledger is: the next run sets it aside */
	ERROR_FULL,     /* no room on a disk (ours or the server's) */
	ERROR_STOPPED,  /* SIGINT or SIGTERM */
	ERROR_REFUSED,  /* a precondition does not hold; nothing was changed */
	ERROR_SYSTEM,   /* anything else the operating system said */
};

struct error {
	enum error_kind kind;
	char sqlstate[6]; /* where the destination is PostgreSQL, else "" */
	char text[1024];  /* no newline at the end, no secret inside */
};

/* Sets kind and text. Always returns false, so that `return error_set(...)` reads well. */
bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Like error_set, with ": <strerror(errno)>" after the text; ENOSPC, EDQUOT, EFBIG make ERROR_FULL,
 * ENOMEM makes ERROR_MEMORY, the rest ERROR_SYSTEM. */
bool error_system(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Out of memory, in our own process. */
bool error_memory(struct error *error, const char *what);
/* Of what pthread_create returned. */
bool error_thread(struct error *error, int number);

/* Puts "<format>: " before the text that is there. Returns false. */
bool error_where(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void error_clear(struct error *error);

/* "network", "input" ...: the word used in logs and in the history. */
const char *error_word(enum error_kind kind);

#endif

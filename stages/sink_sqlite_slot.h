/*
 * sink_sqlite_slot.h: which file is live, which is staging, which was live before.
 *
 * The user names `dvf.sqlite`. Files keep names of their own beside it, `dvf.1.sqlite`,
 * `dvf.2.sqlite` and so on, and with them their -wal and -journal; three symbolic links say what
 * they are:
 *
 *     dvf.sqlite           live
 *     dvf.staging.sqlite   staging
 *     dvf.previous.sqlite  what was live before
 *
 * Links hold the bare name of the file, so the folder can be moved as a whole. A link is exchanged
 * by rename(2), so that whoever opens it finds the one file or the other. Until the first promote
 * `dvf.sqlite` may be the file itself. A `dvf.sqlite` that is a link somebody else made is
 * followed: the slots are beside what it leads to.
 *
 * After a crash: each call is one step that is done or not; a link that is being made is called
 * `<name>.new` until then, and made anew.
 *
 * Threads: main. Changes are made under slot_lock, a kernel lock on the folder.
 */
#ifndef STAGES_SINK_SQLITE_SLOT_H
#define STAGES_SINK_SQLITE_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/sink.h"

#define SLOT_NAME_MAX 256

struct slots {
	char *folder; /* with its slash, "" for the current one */
	char *stem;   /* "dvf" */
	char *ending; /* ".sqlite", or "" */
};

enum slot_kind {
	SLOT_EMPTY,   /* nothing has the name */
	SLOT_FILE,    /* a file itself */
	SLOT_LINK,    /* our link to a numbered file */
	SLOT_FOREIGN, /* anything else */
};

struct slot_look {
	enum slot_kind kind;
	bool there;               /* the file (or what the link leads to) is there */
	char name[SLOT_NAME_MAX]; /* of the numbered file, without its folder; "" if it is no link
				   */
};

/* What stands for the file that a user named; the caller calls slots_free, after false too. */
bool slots_make(struct slots *slots, const char *path, struct error *error);
void slots_free(struct slots *slots);

/* The name of the link, or of a file by its bare name; the caller frees. */
bool slot_path(const struct slots *slots, enum slot slot, char **path, struct error *error);
bool slot_file_path(const struct slots *slots, const char *name, char **path, struct error *error);

bool slot_look(
	const struct slots *slots, enum slot slot, struct slot_look *look, struct error *error);

/* The bare name of a file that is not there yet: its number is above all that are in use. */
bool slot_next(const struct slots *slots, char name[static SLOT_NAME_MAX], struct error *error);

/* The same for a live file that is the file itself: 1 when it is free. A number that it has already
 * beside its name (somebody was killed between giving it the one and taking the other) is kept. */
bool slot_for_live(const struct slots *slots, char name[static SLOT_NAME_MAX], struct error *error);

/* The link leads to `name` now, and durably; what had the link's name (a link, or a file that has
 * another name as well) has it no more. */
bool slot_point(const struct slots *slots, enum slot slot, const char *name, struct error *error);

/* The link is gone; none there: fine. */
bool slot_drop(const struct slots *slots, enum slot slot, struct error *error);

/* A numbered file and what SQLite keeps beside it are gone; none there: fine. */
bool slot_remove(const struct slots *slots, const char *name, struct error *error);

/* The link of the staging slot, to a file that SQLite will make, if it is not there. A link that a
 * promote left behind (it leads to what is live) counts as not there. */
bool slot_staging_make(const struct slots *slots, struct sink *waiting, struct error *error);
/* The same question without making anything: whether the link is there and leads elsewhere. */
bool slot_is_usable(const struct slots *slots, enum slot slot, bool *usable, struct error *error);

/* Waits up to wait_s of the sink's destination (its tick is called); the caller closes *fd. Where
 * the file system has no such locks *fd is -1 and it is true all the same. */
bool slot_lock(const struct slots *slots, struct sink *waiting, int *fd, struct error *error);

#endif

/*
 * file.h: files that survive.
 *
 * After a crash: what file_sync or file_rename said true to is on disk. A failed fsync is never
 * repeated (the kernel has dropped the pages): the caller gives the file up. A failed close is a
 * closed file.  Threads: any.
 */
#ifndef STATE_BASE_FILE_H
#define STATE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/base/error.h"

/* Reads until `size` bytes or the end; *got says how many came. */
bool file_read_at(
	int fd, void *bytes, size_t size, uint64_t offset, size_t *got, struct error *error);
bool file_write_at(int fd, const void *bytes, size_t size, uint64_t offset, struct error *error);
bool file_sync(int fd, const char *path, struct error *error);

/* rename(2), then fsync of the folder. Both names are in the same folder. */
bool file_rename(const char *from, const char *to, struct error *error);
bool file_sync_folder_of(const char *path, struct error *error);

/* Makes a folder and those above it, mode 0700 for new ones: the state folder or one below it,
 * which is what the error says to choose anew. */
bool file_make_folder(const char *path, struct error *error);

/* Bytes an ordinary user can still write on the file system that holds `path`. */
bool file_free_bytes(const char *path, uint64_t *bytes, struct error *error);

/* Takes a kernel lock on the file (made if missing, never removed). *fd holds it: it goes when the
 * fd is closed or the process ends, in whatever way. Somebody else has it: true with *fd -1, and
 * what they wrote into the file is in `holder`. With the lock, `mine` is written into the file. */
bool file_lock(const char *path, const char *mine, int *fd, char *holder, size_t holder_size,
	struct error *error);

/* Lets file_is_locked see the lock; one that is not shown keeps others out all the same. */
void file_lock_show(int fd);

/* Whether a process on this machine shows that lock, without ever taking it: one that begins just
 * now is not kept from it. No file, no lock. */
bool file_is_locked(const char *path, bool *locked, struct error *error);

/* Closes once, whatever close(2) says. -1 is accepted. Sets *fd to -1. */
void file_close(int *fd);

/* A secret from a file: the whole content without one newline at the end. The caller frees. */
bool file_read_secret(const char *path, char **secret, struct error *error);

#endif

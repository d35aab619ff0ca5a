#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "stages/mend.h"
#include "state/base/file.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define COPY_STEP ((size_t)64 << 10)

/* All of what comes through a pipe, into a file that is gone when it is closed: the sheet is read
 * twice, and nobody types while the destination is held. */
static bool copy_pipe(int from, int to, struct error *error)
{
	char *bytes = malloc(COPY_STEP);
	uint64_t offset = 0;
	bool done = bytes != NULL || error_memory(error, "the sheet");
	while (done) {
		ssize_t got = read(from, bytes, COPY_STEP);
		if (got == 0)
			break;
		if (got == -1 && errno == EINTR && !stop_requested())
			continue;
		if (stop_requested())
			done = error_set(error, ERROR_STOPPED, "interrupted");
		else if (got == -1)
			done = error_system(error, "cannot read the sheet");
		done = done && file_write_at(to, bytes, (size_t)got, offset, error);
		offset += done ? (uint64_t)got : 0;
	}
	free(bytes);
	return done;
}

static bool take_pipe(const struct options *options, int *fd, struct error *error)
{
	char *path;
	if (asprintf(&path, "%s/mend-XXXXXX", options->state_folder) == -1)
		return error_memory(error, "a path");
	int copy = mkostemp(path, O_CLOEXEC);
	bool done = copy != -1 || error_system(error, "cannot make %s", path);
	if (copy != -1)
		unlink(path);
	free(path);
	done = done && copy_pipe(*fd, copy, error);
	file_close(fd);
	*fd = copy;
	return done;
}

static bool open_sheet(const struct options *options, struct mend *mend, struct error *error)
{
	bool piped = strcmp(options->file, "-") == 0;
	mend->name = piped ? "stdin" : options->file;
	mend->fd = piped ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
			 : open(options->file, O_RDONLY | O_CLOEXEC);
	if (mend->fd == -1)
		return error_system(error, "cannot open %s", mend->name);
	off_t at = lseek(mend->fd, 0, SEEK_CUR);
	mend->offset = at == -1 ? 0 : (uint64_t)at;
	return at != -1 || take_pipe(options, &mend->fd, error);
}

static bool open_ledger(const struct options *options, struct mend *mend, struct error *error)
{
	bool repaired = false;
	if (!ledger_open(&mend->ledger, options->state_folder, &repaired, error))
		return false;
	if (repaired)
		log_note(LOG_WARNING, 0,
			"the ledger in %s was broken: set aside, the next run rebuilds it",
			options->state_folder);
	return true;
}

static bool go(const struct options *options, struct mend *mend, int *lock, struct error *error)
{
	if (!file_make_folder(options->state_folder, error) ||
		!command_lock(options, lock, error) || !open_sheet(options, mend, error) ||
		!open_ledger(options, mend, error) || !mend_read(mend, error))
		return false;
	return mend->count == 0 ||
	       (sink_open(&mend->sink, &options->to, error) && mend_load(mend, error));
}

static void report(const struct mend *mend)
{
	if (mend->count == 0)
		printf("%s has no record: nothing to mend\n", mend->name);
	for (unsigned i = 0; i < mend->year_count; i++)
		printf("%d: %llu record%s mended (%s) in the edition %.12s\n", mend->years[i].year,
			(unsigned long long)mend->years[i].count,
			mend->years[i].count == 1 ? "" : "s", mend->years[i].records,
			mend->years[i].edition);
}

int command_mend(const struct options *options)
{
	struct error error;
	int lock = -1;
	error_clear(&error);
	struct mend *mend = calloc(1, sizeof(*mend));
	if (mend == NULL) {
		error_memory(&error, "the records to mend");
		return command_failed(options, &error);
	}
	stop_install();
	mend->fd = -1;
	mend->spool_folder = options->spool_folder;
	mend->by = options->to.run_name;
	bool done = go(options, mend, &lock, &error);
	if (done)
		report(mend);
	sink_close(mend->sink);
	ledger_close(mend->ledger);
	file_close(&mend->fd);
	file_close(&lock);
	free(mend);
	return done ? EXIT_ALL : command_failed(options, &error);
}

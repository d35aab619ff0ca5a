#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/page.h"
#include "cmd/watching.h"
#include "state/base/file.h"

#define NEW_MODE 0644 /* less the umask's, as of any file people make */

static mode_t umask_now(void)
{
	mode_t now = umask(0);
	umask(now);
	return now;
}

/* Whole or not at all: written beside it, and renamed. Its name is nobody else's, whatever a killed
 * one left there: in a container every process may have the same number. */
static bool write_file(const char *path, const struct buf *text, struct error *error)
{
	char *beside = NULL;
	struct stat status;
	int fd = -1;
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return error_set(error, ERROR_SYSTEM,
			"cannot write %s: it is a folder, name a file in it", path);
	if (asprintf(&beside, "%s.XXXXXX", path) == -1)
		return error_memory(error, "a path");
	fd = mkostemp(beside, O_CLOEXEC);
	bool made = fd != -1;
	bool done = made || error_system(error, "cannot write %s", path);
	done = done && (fchmod(fd, NEW_MODE & ~umask_now()) == 0 ||
			       error_system(error, "cannot set the mode of %s", beside));
	done = done && file_write_at(fd, text->bytes, text->size, 0, error) &&
	       file_sync(fd, beside, error);
	file_close(&fd);
	done = done && file_rename(beside, path, error);
	if (made && !done)
		unlink(beside);
	free(beside);
	return done;
}

int command_report(const struct options *options)
{
	const struct look_wish wish = { 0 };
	struct watching watching = { .state_folder = options->state_folder };
	struct html html = { .french = options->french };
	struct look *look = NULL;
	struct error error;
	error_clear(&error);
	/* Asked once more by itself, for the error that says why there is none. */
	bool done = look_take(&look, options->state_folder, &wish, &error);
	look_free(look);
	if (done) {
		watching_look(&watching, 0);
		struct page page = { .look = watching.look,
			.standing = &watching.standing,
			.chain = &watching.chain,
			.in_file = true };
		memcpy(page.at, watching.at, sizeof(page.at));
		page_whole(&html, &page);
		if (html.failed)
			error = html.error;
		done = !html.failed && write_file(options->html, &html.buf, &error);
	}
	buf_free(&html.buf);
	watching_end(&watching);
	return done ? EXIT_ALL : command_failed(options, &error);
}

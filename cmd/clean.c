#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/commands.h"
#include "stages/spool.h"
#include "state/base/file.h"
#include "state/ledger.h"

/* What the ledger knows, gathered before anything is removed. Grows with the years, not the rows.
 */
struct cleaning {
	const struct options *options;
	struct ledger *ledger;
	struct spool *spools;
	unsigned count, room;
	unsigned files;
	uint64_t freed;
};

static bool gather(void *context, const struct spool *spool, struct error *error)
{
	struct cleaning *cleaning = context;
	if (cleaning->count == cleaning->room) {
		unsigned room = cleaning->room != 0 ? cleaning->room * 2 : 16;
		struct spool *more = realloc(cleaning->spools, room * sizeof(*more));
		if (more == NULL)
			return error_memory(error, "the list of downloads");
		cleaning->spools = more;
		cleaning->room = room;
	}
	cleaning->spools[cleaning->count++] = *spool;
	return true;
}

/* Whether somebody still needs the bytes of an edition or a year. */
struct need {
	int year;
	const char *sha256; /* NULL: any edition of the year */
	bool published;     /* somewhere */
	bool wanted;        /* somewhere it is not in yet */
};

static bool weigh(void *context, const char *destination, const struct year_state *state,
	const char *updated_at, struct error *error)
{
	struct need *need = context;
	(void)destination;
	(void)updated_at;
	(void)error;
	if (state->year != need->year)
		return true;
	if (need->sha256 != NULL && strcmp(state->sha256, need->sha256) != 0)
		return true;
	if (strcmp(state->stage, "published") == 0)
		need->published = true;
	else
		need->wanted = true;
	return true;
}

/* True when the edition is in, and no destination is still on the way to it. */
static bool is_finished(struct cleaning *cleaning, int year, const char *sha256, bool *finished,
	struct error *error)
{
	struct need need = { .year = year, .sha256 = sha256 };
	if (!ledger_years(cleaning->ledger, NULL, weigh, &need, error))
		return false;
	*finished = need.published && !need.wanted;
	return true;
}

static bool remove_file(struct cleaning *cleaning, const char *file, struct error *error)
{
	const char *folder = cleaning->options->spool_folder;
	uint64_t size = 0;
	char path[4096];
	struct stat status;
	if (!spool_path(folder, file, path, sizeof(path), error))
		return false;
	bool there = stat(path, &status) == 0;
	if (there)
		size = (uint64_t)status.st_size;
	if (!cleaning->options->dry_run && !spool_remove(folder, file, &size, error))
		return false;
	if (!there)
		return true;
	printf("%s %s, %.1f MB\n", cleaning->options->dry_run ? "would free" : "freed", file,
		(double)size / 1e6);
	cleaning->files++;
	cleaning->freed += size;
	return true;
}

/* The row goes first: a crash between leaves a file that nothing refers to, for the next clean. */
static bool clean_spools(struct cleaning *cleaning, struct error *error)
{
	for (unsigned i = 0; i < cleaning->count; i++) {
		const struct spool *spool = &cleaning->spools[i];
		bool finished;
		if (!is_finished(cleaning, spool->year, spool->sha256, &finished, error))
			return false;
		if (!finished)
			continue;
		if (!cleaning->options->dry_run &&
			!ledger_spool_drop(cleaning->ledger, spool->year, spool->url, error))
			return false;
		if (!remove_file(cleaning, spool->file, error))
			return false;
	}
	return true;
}

static bool is_spool(const struct cleaning *cleaning, const char *file)
{
	for (unsigned i = 0; i < cleaning->count; i++)
		if (strcmp(cleaning->spools[i].file, file) == 0)
			return true;
	return false;
}

/* The ledger lists spools but not parts. A part is left over when its year is in everywhere and the
 * source in use does not go on with it; at worst a download begins again. */
static bool is_part_in_use(
	struct cleaning *cleaning, const char *file, bool *in_use, struct error *error)
{
	struct part part;
	char url[URL_MAX], shown[URL_MAX];
	bool finished;
	size_t size = strlen(file);
	*in_use = false;
	if (size < 5 || strcmp(file + size - 5, ".part") != 0)
		return true;
	int year = strspn(file, "0123456789") == 4 ? (int)strtol(file, NULL, 10) : 0;
	source_url(&cleaning->options->run.sources, year, url);
	source_url_shown(url, shown);
	if (!ledger_part_get(cleaning->ledger, year, shown, &part, in_use, error) ||
		!is_finished(cleaning, year, NULL, &finished, error))
		return false;
	*in_use = !finished || (*in_use && strcmp(part.file, file) == 0);
	return true;
}

static bool clean_leftover(struct cleaning *cleaning, const char *file, struct error *error)
{
	char path[4096];
	struct stat status;
	bool in_use;
	if (is_spool(cleaning, file))
		return true;
	if (!spool_path(cleaning->options->spool_folder, file, path, sizeof(path), error))
		return false;
	if (lstat(path, &status) == -1 || !S_ISREG(status.st_mode))
		return true;
	return is_part_in_use(cleaning, file, &in_use, error) &&
	       (in_use || remove_file(cleaning, file, error));
}

static bool clean_leftovers(struct cleaning *cleaning, struct error *error)
{
	bool done = true;
	DIR *folder = opendir(cleaning->options->spool_folder);
	if (folder == NULL && errno == ENOENT)
		return true;
	if (folder == NULL)
		return error_system(error, "cannot list %s", cleaning->options->spool_folder);
	for (struct dirent *entry; done && (entry = readdir(folder)) != NULL;)
		if (entry->d_name[0] != '.')
			done = clean_leftover(cleaning, entry->d_name, error);
	closedir(folder);
	return done;
}

static bool clean_with_ledger(struct cleaning *cleaning, struct error *error)
{
	bool repaired = false;
	if (!ledger_open(&cleaning->ledger, cleaning->options->state_folder, &repaired, error))
		return false;
	/* A ledger that has forgotten everything would call every download a leftover. */
	if (repaired)
		return error_set(error, ERROR_REFUSED,
			"the ledger was broken and was begun anew: let dvf-import run go first");
	return ledger_spools(cleaning->ledger, gather, cleaning, error) &&
	       clean_spools(cleaning, error) && clean_leftovers(cleaning, error);
}

static void print_sum(const struct cleaning *cleaning)
{
	if (cleaning->files == 0)
		puts("nothing to free");
	else
		printf("%s %.1f MB in %u file%s\n",
			cleaning->options->dry_run ? "would free" : "freed",
			(double)cleaning->freed / 1e6, cleaning->files,
			cleaning->files == 1 ? "" : "s");
}

int command_clean(const struct options *options)
{
	struct cleaning cleaning = { .options = options };
	struct error error;
	struct stat status;
	int lock = -1;
	error_clear(&error);
	if (stat(options->state_folder, &status) == -1 && errno == ENOENT) {
		print_sum(&cleaning);
		return EXIT_ALL;
	}
	bool done = command_lock(options, &lock, &error) && clean_with_ledger(&cleaning, &error);
	if (done)
		print_sum(&cleaning);
	ledger_close(cleaning.ledger);
	file_close(&lock);
	free(cleaning.spools);
	return done ? EXIT_ALL : command_failed(options, &error);
}

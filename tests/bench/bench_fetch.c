/*
 * One download as the program does it, and nothing else: into a part, its hash taken on the way,
 * fsynced, renamed.
 *
 *     bench_fetch URL FOLDER
 *
 * Prints the spool's path and its SHA-256.
 */
#include <stdio.h>
#include <string.h>

#include "stages/fetch.h"
#include "stages/spool.h"

static void durable(void *context, const struct part *part)
{
	(void)context;
	(void)part;
}

static void progress(void *context, uint64_t done, uint64_t size)
{
	(void)context;
	(void)done;
	(void)size;
}

static int end_with(const struct error *error)
{
	fprintf(stderr, "bench_fetch: %s\n", error->text);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: bench_fetch URL FOLDER\n");
		return 64;
	}
	/* as cmd/options.c has them by default */
	const struct fetch_settings settings = { .spool_folder = argv[2],
		.chunk = 8192,
		.connect_s = 30,
		.stall_s = 60,
		.retries = 0,
		.backoff_ms = 1000 };
	const struct fetch_request request = { .year = 2022,
		.url = argv[1],
		.packing = PACKING_GZIP,
		.durable = durable,
		.progress = progress };
	enum fetch_outcome outcome;
	struct spool spool;
	struct error error;
	char path[1024];
	if (!fetch_start(&error) || !fetch_file(&settings, &request, &outcome, &spool, &error))
		return end_with(&error);
	if (!spool_path(argv[2], spool.file, path, sizeof(path), &error))
		return end_with(&error);
	printf("%s %s\n", path, spool.sha256);
	fetch_end();
	return 0;
}

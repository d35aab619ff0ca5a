#include "tests/unit/fetch_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stages/fetch_part.h"
#include "stages/source.h"
#include "stages/spool.h"
#include "state/base/stop.h"

unsigned fsyncs;
unsigned fsync_fails;

/* Stands before libc's, for state/base/file.c too. */
int fsync(int fd)
{
	fsyncs++;
	if (fsync_fails > 0 && --fsync_fails == 0) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static void on_durable(void *context, const struct part *part)
{
	static unsigned seen;
	struct fetch_fixture *fixture = context;
	if (part->durable > 0 && fsyncs == seen)
		fixture->unsynced++;
	seen = fsyncs;
	assert_true(fixture->told_count < TOLD_MAX);
	fixture->told[fixture->told_count++] = *part;
}

static void on_progress(void *context, uint64_t done, uint64_t size)
{
	(void)size;
	struct fetch_fixture *fixture = context;
	fixture->progressed++;
	if (fixture->stop_at > 0 && done >= fixture->stop_at)
		stop_request();
}

int fixture_setup(void **state)
{
	struct fetch_fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/fetch-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	site_start(&fixture->site);
	site_start(&fixture->other);
	snprintf(fixture->url, sizeof(fixture->url),
		"http://me:secret@127.0.0.1:%d/2023/full.csv.gz?k=v", fixture->site.port);
	fixture->settings = (struct fetch_settings){
		.spool_folder = fixture->folder,
		.chunk = 8192,
		.connect_s = 5,
		.stall_s = 5,
		.retries = 2,
		.backoff_ms = 1,
	};
	fixture->request = (struct fetch_request){
		.year = 2023,
		.url = fixture->url,
		.packing = PACKING_GZIP,
		.context = fixture,
		.durable = on_durable,
		.progress = on_progress,
	};
	stop_reset();
	fsync_fails = 0;
	*state = fixture;
	return 0;
}

static unsigned folder_each(const char *folder, bool remove)
{
	unsigned count = 0;
	char path[PATH_MAX];
	DIR *entries = opendir(folder);
	if (entries == NULL)
		return 0;
	for (const struct dirent *entry = readdir(entries); entry != NULL;
		entry = readdir(entries)) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (remove)
			unlink(path);
	}
	closedir(entries);
	return count;
}

int fixture_teardown(void **state)
{
	struct fetch_fixture *fixture = *state;
	site_end(&fixture->site);
	site_end(&fixture->other);
	folder_each(fixture->folder, true);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

unsigned fixture_files(const struct fetch_fixture *fixture)
{
	return folder_each(fixture->folder, false);
}

unsigned char *body_make(size_t size, unsigned seed)
{
	unsigned char *body = malloc(size + 2);
	uint32_t state = seed * 2654435761U + 1;
	assert_non_null(body);
	for (size_t i = 0; i < size; i++) {
		state = state * 1664525U + 1013904223U;
		body[i] = (unsigned char)(state >> 24);
	}
	body[0] = 0x1f;
	body[1] = 0x8b;
	return body;
}

bool fixture_fetch(struct fetch_fixture *fixture)
{
	error_clear(&fixture->error);
	bool done = fetch_file(&fixture->settings, &fixture->request, &fixture->outcome,
		&fixture->spool, &fixture->error);
	assert_null(strstr(fixture->error.text, "secret"));
	assert_null(strstr(fixture->error.text, "k=v"));
	assert_int_equal(fixture->unsynced, 0);
	for (unsigned i = 0; i < fixture->told_count; i++)
		assert_null(strstr(fixture->told[i].url, "secret"));
	return done;
}

void fixture_expect(struct fetch_fixture *fixture, const void *body, size_t size)
{
	bool same = false;
	char path[PATH_MAX];
	bool done = fixture_fetch(fixture);
	if (!done)
		print_error("%s\n", fixture->error.text);
	assert_true(done);
	assert_int_equal(fixture->outcome, FETCH_WHOLE);
	assert_int_equal(fixture->spool.packed_size, size);
	assert_true(spool_check(fixture->folder, &fixture->spool, &same, &fixture->error));
	assert_true(same);
	snprintf(path, sizeof(path), "%s/%s", fixture->folder, fixture->spool.file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *bytes = malloc(size);
	assert_true(fd != -1 && bytes != NULL);
	assert_int_equal(read(fd, bytes, size), size);
	assert_memory_equal(bytes, body, size);
	free(bytes);
	close(fd);
	assert_int_equal(fixture_files(fixture), 1);
}

void fixture_refuse(struct fetch_fixture *fixture, enum error_kind kind, const char *word)
{
	assert_false(fixture_fetch(fixture));
	if (fixture->error.kind != kind || strstr(fixture->error.text, word) == NULL)
		print_error("%s: %s\n", error_word(fixture->error.kind), fixture->error.text);
	assert_int_equal(fixture->error.kind, kind);
	assert_non_null(strstr(fixture->error.text, word));
	assert_non_null(strstr(fixture->error.text, "://")); /* where: the URL */
}

void part_lay(struct fetch_fixture *fixture, struct part *part, const char *etag, const void *body,
	uint64_t durable, uint64_t packed_size, size_t junk)
{
	char path[PATH_MAX];
	static const char rubbish[4096] = { 'x' };
	memset(part, 0, sizeof(*part));
	part->year = fixture->request.year;
	source_url_shown(fixture->url, part->url);
	part_name(part->year, part->url, part->file);
	snprintf(part->validators.etag, sizeof(part->validators.etag), "%s", etag);
	part->validators.has_size = packed_size > 0;
	part->validators.packed_size = packed_size;
	part->durable = durable;
	snprintf(path, sizeof(path), "%s/%s", fixture->folder, part->file);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	assert_int_equal(write(fd, body, durable), durable);
	assert_int_equal(write(fd, rubbish, junk), junk);
	close(fd);
	fixture->request.part = part;
}

#include "stages/lineage_send.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "stages/fetch_post.h"
#include "stages/queue.h"
#include "stages/source.h"
#include "state/base/file.h"
#include "state/base/log.h"
#include "state/base/stop.h"

#define TRIES      3   /* of one event */
#define REST_MS    150 /* before the second try twice as long, then four times */
#define CONNECT_MS 2000
#define TOTAL_MS   5000
#define STEP_MS    20

struct lineage_send {
	const char *target, *token, *ca_file;
	bool server;
	bool failed; /* the thread's */
	pthread_t thread;
	struct queue queue;
	atomic_uint waiting;
	atomic_bool give_up, ended, warned;
};

bool lineage_is_server(const char *target)
{
	return strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0;
}

void lineage_target_shown(const char *target, char *shown, size_t room)
{
	char url[URL_MAX] = "";
	if (!lineage_is_server(target)) {
		snprintf(shown, room, "%s", target);
		return;
	}
	source_url_shown(target, url);
	snprintf(shown, room, "%.*s", (int)strcspn(url, "?#"), url);
}

static void warn(struct lineage_send *send, const char *why)
{
	char shown[200];
	if (atomic_exchange(&send->warned, true))
		return;
	lineage_target_shown(send->target, shown, sizeof(shown));
	log_note(LOG_WARNING, 0,
		"lineage events may be missing at %s: %s; the import goes on without them", shown,
		why);
}

/* Whether the file ends in the middle of a line that somebody could not write whole. */
static bool ends_torn(const char *path, const struct stat *status)
{
	char last = '\n';
	if (!S_ISREG(status->st_mode) || status->st_size == 0)
		return false;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool torn = fd != -1 && pread(fd, &last, 1, status->st_size - 1) == 1 && last != '\n';
	file_close(&fd);
	return torn;
}

/* Takes a piece of a line back, unless somebody appended behind it. */
static void take_back(int fd, const struct stat *status, ssize_t put)
{
	struct stat now;
	if (put > 0 && S_ISREG(status->st_mode) && fstat(fd, &now) == 0 &&
		now.st_size == status->st_size + put)
		(void)!ftruncate(fd, status->st_size);
}

static bool append(int fd, const char *path, const struct buf *event, struct error *error)
{
	struct stat status;
	struct buf line = { 0 };
	if (fstat(fd, &status) == -1)
		return error_system(error, "cannot look at it");
	bool done = (!ends_torn(path, &status) || buf_add(&line, "\n", 1, error)) &&
		    buf_add(&line, event->bytes, event->size, error) &&
		    buf_add(&line, "\n", 1, error);
	if (done) {
		ssize_t put = write(fd, line.bytes, line.size);
		done = put == (ssize_t)line.size;
		if (put >= 0 && !done)
			errno = ENOSPC;
		if (!done)
			error_system(error, "cannot write");
		if (!done)
			take_back(fd, &status, put);
	}
	buf_free(&line);
	return done;
}

/* Opened anew each time: whoever rotates the file need not tell us. Without waiting, as it may be a
 * pipe that nobody reads. */
static bool file_append(const char *path, const struct buf *event, struct error *error)
{
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
	if (fd == -1)
		return error_system(error, "cannot open");
	bool done = append(fd, path, event, error);
	file_close(&fd);
	return done;
}

/* A wish to stop does not end it: how the run ended is to be told, too. */
static void rest(const struct lineage_send *send, unsigned ms)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	for (unsigned slept = 0; slept < ms && !atomic_load(&send->give_up); slept += STEP_MS)
		nanosleep(&step, NULL);
}

/* A server that failed the event before is asked once only: at the end it is waited for. */
static void deliver(struct lineage_send *send, const struct buf *event)
{
	struct error error;
	struct error said;
	const struct post post = { .url = send->target,
		.token = send->token,
		.ca_file = send->ca_file,
		.body = event->bytes,
		.size = event->size,
		.connect_ms = CONNECT_MS,
		.total_ms = TOTAL_MS,
		.give_up = &send->give_up };
	unsigned tries = send->failed ? 1 : TRIES;
	enum post_end end = POST_AGAIN;
	error_set(&said, ERROR_NETWORK, "the run ended before it took them");
	for (unsigned i = 0; end == POST_AGAIN && i < tries; i++) {
		if (i > 0)
			rest(send, REST_MS << i);
		if (atomic_load(&send->give_up))
			break;
		end = post_send(&post, &error);
		if (end != POST_TAKEN && !atomic_load(&send->give_up))
			said = error;
	}
	send->failed = end != POST_TAKEN;
	if (send->failed)
		warn(send, said.text);
}

static void *deliver_all(void *context)
{
	struct lineage_send *send = context;
	struct buf *event;
	while ((event = queue_take(&send->queue, QUEUE_FOREVER)) != NULL) {
		deliver(send, event);
		buf_free(event);
		free(event);
		atomic_fetch_sub(&send->waiting, 1);
	}
	atomic_store(&send->ended, true);
	return NULL;
}

static bool server_open(struct lineage_send *send, struct error *error)
{
	if (!queue_open(&send->queue, LINEAGE_WAITING, error))
		return false;
	int failed = pthread_create(&send->thread, NULL, deliver_all, send);
	if (failed == 0)
		return true;
	queue_free(&send->queue);
	return error_thread(error, failed);
}

struct lineage_send *lineage_send_open(
	const char *target, const char *token, const char *ca_file, struct error *error)
{
	struct lineage_send *send = calloc(1, sizeof(*send));
	if (send == NULL) {
		error_memory(error, "lineage");
		return NULL;
	}
	send->target = target;
	send->token = token;
	send->ca_file = ca_file;
	send->server = lineage_is_server(target);
	if (send->server && !server_open(send, error)) {
		free(send);
		return NULL;
	}
	return send;
}

/* There is room in the queue as long as no more than its length are waiting: it never blocks. */
static void hand_over(struct lineage_send *send, const struct buf *event)
{
	struct error ignored; /* no memory for it: as lost as one that nobody takes */
	if (atomic_fetch_add(&send->waiting, 1) >= LINEAGE_WAITING) {
		atomic_fetch_sub(&send->waiting, 1);
		warn(send, "it takes them too slowly");
		return;
	}
	struct buf *copy = calloc(1, sizeof(*copy));
	if (copy != NULL && buf_add(copy, event->bytes, event->size, &ignored) &&
		queue_put(&send->queue, copy))
		return;
	if (copy != NULL)
		buf_free(copy);
	free(copy);
	atomic_fetch_sub(&send->waiting, 1);
}

void lineage_send(struct lineage_send *send, const struct buf *event)
{
	struct error error;
	if (send->server)
		hand_over(send, event);
	else if (!file_append(send->target, event, &error))
		warn(send, error.text);
}

void lineage_send_close(struct lineage_send *send)
{
	if (send == NULL)
		return;
	if (send->server) {
		uint64_t since = clock_ms();
		queue_close(&send->queue);
		while (!atomic_load(&send->ended)) {
			rest(send, STEP_MS);
			if (clock_ms() - since >= LINEAGE_PATIENCE_MS)
				break;
		}
		atomic_store(&send->give_up, true);
		pthread_join(send->thread, NULL);
		queue_free(&send->queue);
	}
	free(send);
}

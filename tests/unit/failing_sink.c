#include "tests/unit/failing_sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/base/stop.h"

struct failing_loader {
	struct loader loader;
	struct loader *real;
};

static const char *const words[CALLS] = {
	[CALL_TAKE] = "take",
	[CALL_PUBLISHED] = "published",
	[CALL_RECALL] = "recall",
	[CALL_BEGIN] = "begin",
	[CALL_FORGET] = "forget",
	[CALL_CONFIRM] = "confirm",
	[CALL_COMPLETED] = "completed",
	[CALL_INDEX] = "index",
	[CALL_CHECK] = "check",
	[CALL_PUBLISH] = "publish",
	[CALL_JUDGE] = "judge",
	[CALL_FINISH] = "finish",
	[CALL_LOADER_OPEN] = "loader_open",
	[CALL_LOADER_BEGIN] = "loader begin",
	[CALL_COPY] = "copy",
	[CALL_ROW] = "row",
	[CALL_COPY_UNDO] = "copy_undo",
	[CALL_WITNESS] = "witness",
	[CALL_COMMIT] = "commit",
	[CALL_HEAD_ADD] = "head_add",
};

const char *call_word(enum call call)
{
	return words[call];
}

/* What one call is to do. */
struct fate {
	bool before, after;
	enum call call;
};

static struct fate count(struct failing_sink *failing, enum call call)
{
	struct fate fate = { .call = call };
	if (failing->watch != NULL)
		failing->watch(failing->context, call);
	unsigned number = atomic_fetch_add(&failing->calls, 1) + 1;
	atomic_fetch_add(&failing->made[call], 1);
	if (failing->fail_at != 0 && number == failing->fail_at) {
		atomic_store(&failing->failed, (int)call);
		fate.before = !failing->fail_after;
		fate.after = failing->fail_after;
	} else if (failing->fail_on && atomic_load(&failing->failed) == (int)call) {
		fate.before = true;
	}
	return fate;
}

static bool fails(struct failing_sink *failing, struct fate fate, struct error *error)
{
	return error_set(error, failing->fail_kind, "%s failed %s it was done, as told",
		words[fate.call], fate.after ? "after" : "before");
}

/* The real call is an expression; it is made unless the fate says otherwise. */
#define THROUGH(failing, sort, error, real_call)                                                   \
	do {                                                                                       \
		struct fate fate = count((failing), (sort));                                       \
		if (fate.before)                                                                   \
			return fails((failing), fate, (error));                                    \
		bool done = (real_call);                                                           \
		return done && fate.after ? fails((failing), fate, (error)) : done;                \
	} while (0)

static bool take_real(struct failing_sink *failing, struct error *error)
{
	failing->real->tick = failing->sink.tick;
	failing->real->tick_context = failing->sink.tick_context;
	if (!failing->real->ops->take(failing->real, error))
		return false;
	memcpy(failing->sink.uuid, failing->real->uuid, sizeof(failing->sink.uuid));
	return true;
}

static bool take(struct sink *sink, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_TAKE, error, take_real(failing, error));
}

static bool published(struct sink *sink, int year, struct edition_memory *memory, bool *found,
	struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_PUBLISHED, error,
		failing->real->ops->published(failing->real, year, memory, found, error));
}

static bool recall(struct sink *sink, const struct edition *edition, struct edition_memory *memory,
	bool *found, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_RECALL, error,
		failing->real->ops->recall(failing->real, edition, memory, found, error));
}

static bool begin_edition(struct sink *sink, const struct edition *edition, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_BEGIN, error,
		failing->real->ops->begin(failing->real, edition, error));
}

static bool forget(struct sink *sink, const struct edition *edition, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_FORGET, error,
		failing->real->ops->forget(failing->real, edition, error));
}

static bool confirm(struct sink *sink, const struct edition *edition, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_CONFIRM, error,
		failing->real->ops->confirm(failing->real, edition, error));
}

static bool completed(struct sink *sink, const struct edition *edition, struct ranges *ranges,
	struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_COMPLETED, error,
		failing->real->ops->completed(failing->real, edition, ranges, error));
}

static bool index_edition(struct sink *sink, const struct edition *edition, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_INDEX, error,
		failing->real->ops->index(failing->real, edition, error));
}

static bool check(struct sink *sink, const struct edition *edition, struct year_total *total,
	struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_CHECK, error,
		failing->real->ops->check(failing->real, edition, total, error));
}

static bool publish(struct sink *sink, const struct edition *edition,
	const struct year_total *total, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_PUBLISH, error,
		failing->real->ops->publish(failing->real, edition, total, error));
}

static bool judge(struct sink *sink, const struct edition *edition, enum edition_stage stage,
	const char *why, const char *under, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_JUDGE, error,
		failing->real->ops->judge(failing->real, edition, stage, why, under, error));
}

static bool finish(struct sink *sink, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_FINISH, error, failing->real->ops->finish(failing->real, error));
}

static bool head_add(struct sink *sink, const struct history_head *head, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	THROUGH(failing, CALL_HEAD_ADD, error,
		failing->real->ops->head_add(failing->real, head, error));
}

static bool heads(struct sink *sink, sink_head_seen *seen, void *context, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	return failing->real->ops->heads(failing->real, seen, context, error);
}

static bool kept_open(struct sink *sink, int year, struct kept_reader **reader, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	return failing->real->ops->kept_open(failing->real, year, reader, error);
}

static bool preflight(struct sink *sink, sink_finding *finding, void *context, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	return failing->real->ops->preflight(failing->real, finding, context, error);
}

static void close_sink(struct sink *sink)
{
	sink_close(((struct failing_sink *)sink)->real);
	free(sink);
}

/* --- the loader */

static struct failing_sink *sink_of(struct loader *loader)
{
	return (struct failing_sink *)loader->sink;
}

static struct loader *real_of(struct loader *loader)
{
	return ((struct failing_loader *)loader)->real;
}

static bool begin(struct loader *loader, const struct edition *edition, struct error *error)
{
	struct loader *real = real_of(loader);
	THROUGH(sink_of(loader), CALL_LOADER_BEGIN, error, real->ops->begin(real, edition, error));
}

/* The rows of a copy on their way to the real loader. */
struct watched {
	struct row_source source;
	struct row_source *real;
	struct failing_sink *failing;
	bool holds_refused; /* a row that is refused went by */
};

static bool next_watched(struct row_source *source, const struct row **row, struct error *error)
{
	struct watched *watched = (struct watched *)source;
	if (!watched->real->next(watched->real, row, error))
		return false;
	if (*row == NULL)
		return !watched->holds_refused ||
		       error_set(error, ERROR_DATA, "refused, as told \xc3\xa9");
	if ((*row)->source_row < REFUSED_MOST && watched->failing->refused[(*row)->source_row])
		watched->holds_refused = true;
	THROUGH(watched->failing, CALL_ROW, error, true);
}

static bool copy(struct loader *loader, bool savepoint, struct row_source *rows, uint64_t *taken,
	struct error *error)
{
	struct loader *real = real_of(loader);
	struct watched watched = { { next_watched }, rows, sink_of(loader), false };
	THROUGH(sink_of(loader), CALL_COPY, error,
		real->ops->copy(real, savepoint, &watched.source, taken, error));
}

static bool copy_undo(struct loader *loader, struct error *error)
{
	struct loader *real = real_of(loader);
	THROUGH(sink_of(loader), CALL_COPY_UNDO, error, real->ops->copy_undo(real, error));
}

static bool witness_real(struct loader *loader, const struct chunk_record *record,
	const struct reject *rejects, uint64_t number, struct error *error)
{
	struct loader *real = real_of(loader);
	return real->ops->witness(real, record, rejects, number, error);
}

static bool witness(struct loader *loader, const struct chunk_record *record,
	const struct reject *rejects, uint64_t number, struct error *error)
{
	THROUGH(sink_of(loader), CALL_WITNESS, error,
		witness_real(loader, record, rejects, number, error));
}

static bool commit_real(struct loader *loader, const struct chunk_record *record,
	const struct reject *rejects, uint64_t number, struct error *error)
{
	struct failing_sink *failing = sink_of(loader);
	struct loader *real = real_of(loader);
	if (!real->ops->commit(real, record, rejects, number, error))
		return false;
	if (failing->commits_to_a_stop != 0 && --failing->commits_to_a_stop == 0)
		stop_request();
	return true;
}

static bool commit(struct loader *loader, const struct chunk_record *record,
	const struct reject *rejects, uint64_t number, struct error *error)
{
	THROUGH(sink_of(loader), CALL_COMMIT, error,
		commit_real(loader, record, rejects, number, error));
}

static void rollback(struct loader *loader)
{
	real_of(loader)->ops->rollback(real_of(loader));
}

static void close_loader(struct loader *loader)
{
	real_of(loader)->ops->close(real_of(loader));
	free(loader);
}

static const struct loader_ops loader_ops = {
	.begin = begin,
	.copy = copy,
	.copy_undo = copy_undo,
	.witness = witness,
	.commit = commit,
	.rollback = rollback,
	.close = close_loader,
};

static bool loader_open(struct sink *sink, struct loader **loader, struct error *error)
{
	struct failing_sink *failing = (struct failing_sink *)sink;
	struct fate fate = count(failing, CALL_LOADER_OPEN);
	struct loader *real = NULL;
	*loader = NULL;
	if (fate.before)
		return fails(failing, fate, error);
	if (!failing->real->ops->loader_open(failing->real, &real, error))
		return false;
	if (fate.after) {
		real->ops->close(real);
		return fails(failing, fate, error);
	}
	struct failing_loader *made = calloc(1, sizeof(*made));
	if (made == NULL) {
		real->ops->close(real);
		return error_memory(error, "a failing loader");
	}
	made->loader = (struct loader){ .ops = &loader_ops, .sink = sink };
	made->real = real;
	*loader = &made->loader;
	return true;
}

struct failing_sink *failing_sink_new(struct sink *real)
{
	struct failing_sink *made = calloc(1, sizeof(*made));
	if (made == NULL)
		abort();
	made->real = real;
	made->ops = (struct sink_ops){ .kind = real->ops->kind,
		.max_loaders = real->ops->max_loaders,
		.take = take,
		.published = published,
		.recall = recall,
		.begin = begin_edition,
		.forget = forget,
		.confirm = confirm,
		.completed = completed,
		.index = index_edition,
		.check = check,
		.publish = publish,
		.judge = judge,
		.finish = finish,
		.preflight = preflight,
		.head_add = head_add,
		.heads = heads,
		.kept_open = kept_open,
		.loader_open = loader_open,
		.close = close_sink };
	made->sink = *real;
	made->sink.ops = &made->ops;
	atomic_store(&made->failed, -1);
	return made;
}

void failing_sink_reset(struct failing_sink *failing)
{
	failing->fail_at = 0;
	failing->fail_after = failing->fail_on = false;
	failing->commits_to_a_stop = 0;
	atomic_store(&failing->calls, 0);
	atomic_store(&failing->failed, -1);
	for (unsigned i = 0; i < CALLS; i++)
		atomic_store(&failing->made[i], 0);
	memset(failing->refused, 0, sizeof(failing->refused));
	failing->watch = NULL;
}

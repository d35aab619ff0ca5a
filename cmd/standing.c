#include "cmd/standing.h"

#include <stdio.h>
#include <string.h>

#include "state/stage.h"

/* The newest run that imports; a promote says nothing of what is in. */
static const struct run_seen *last_import(const struct look *look)
{
	for (unsigned i = 0; i < look->run_count; i++)
		if (strcmp(look->runs[i].command, "run") == 0)
			return &look->runs[i];
	return look->run_count > 0 ? &look->runs[0] : NULL;
}

static bool never_ended(const struct run_seen *run)
{
	return run->outcome[0] == '\0' || strcmp(run->outcome, "killed") == 0;
}

bool standing_at_work(const struct look *look)
{
	return look->locked && look->run_count > 0 && look->runs[0].outcome[0] == '\0';
}

static bool year_moved(const struct year_seen *before, const struct year_seen *now)
{
	const struct year_state *a = &before->state, *b = &now->state;
	return strcmp(a->stage, b->stage) != 0 || strcmp(a->sha256, b->sha256) != 0 ||
	       a->packed_done != b->packed_done || a->plain_done != b->plain_done ||
	       a->rows != b->rows || a->rejects != b->rejects ||
	       (stage_kind(b->stage) == STAGE_LASTS && a->elapsed_ms != b->elapsed_ms);
}

bool standing_moved(const struct look *before, const struct look *now)
{
	if (before->head != now->head || before->part_bytes != now->part_bytes ||
		before->run_count != now->run_count ||
		before->destination_count != now->destination_count ||
		(now->run_count > 0 && before->runs[0].id != now->runs[0].id))
		return true;
	if (now->destination_count == 0)
		return false;
	const struct destination_seen *a = &before->destinations[0], *b = &now->destinations[0];
	bool moved = a->year_count != b->year_count || strcmp(a->uuid, b->uuid) != 0;
	for (unsigned i = 0; !moved && i < b->year_count; i++)
		moved = year_moved(&a->years[i], &b->years[i]);
	return moved;
}

/* The year that is in work. */
static void find_work(struct standing *standing, const struct look *look)
{
	const struct destination_seen *to = &look->destinations[0];
	const char *stage;
	for (size_t k = 0; (stage = stage_word(k)) != NULL && stage_kind(stage) != STAGE_RESTS; k++)
		for (unsigned i = 0; look->destination_count > 0 && i < to->year_count; i++) {
			const struct year_state *state = &to->years[i].state;
			if (strcmp(state->stage, stage) != 0)
				continue;
			standing->year = state->year;
			standing->rows = state->rows;
			memcpy(standing->stage, state->stage, sizeof(state->stage));
			return;
		}
}

/* Where no year is in work the run begins, ends or promotes: it waits for a server or a lock, each
 * wait has its end, and there is nothing that would count it. */
static void judge_work(struct standing *standing, const struct look *look, bool moves)
{
	const struct run_seen *run = &look->runs[0];
	char what[64] = "";
	find_work(standing, look);
	if (standing->year != 0)
		snprintf(what, sizeof(what), ": %d %s, %llu rows", standing->year, standing->stage,
			(unsigned long long)standing->rows);
	standing->healthy = moves || standing->year == 0 || strcmp(run->command, "run") != 0;
	standing->state = standing->healthy ? STANDING_WORKS : STANDING_STALLED;
	snprintf(standing->reason, sizeof(standing->reason), "%s %lld is at work%s%s", run->command,
		(long long)run->id, standing->healthy ? "" : " and nothing has moved", what);
}

static void judge_end(struct standing *standing, const struct run_seen *run)
{
	standing->exit_code = run->exit_code;
	memcpy(standing->outcome, run->outcome, sizeof(run->outcome));
	memcpy(standing->at, run->ended_at, sizeof(run->ended_at));
	standing->healthy = run->exit_code == 0;
	standing->state = standing->healthy ? STANDING_DONE : STANDING_UNDONE;
	if (standing->healthy)
		snprintf(standing->reason, sizeof(standing->reason),
			"run %lld ended well at %s: every year asked for is in", (long long)run->id,
			run->ended_at);
	else
		snprintf(standing->reason, sizeof(standing->reason),
			"run %lld ended at %s with exit code %d (%s): dvf-import history tells why",
			(long long)run->id, run->ended_at, run->exit_code, run->outcome);
}

void standing_judge(
	struct standing *standing, const struct look *look, const struct error *why, bool moves)
{
	*standing = (struct standing){ .state = STANDING_UNKNOWN };
	if (look == NULL) {
		snprintf(standing->reason, sizeof(standing->reason), "%s", why->text);
		return;
	}
	const struct run_seen *run = last_import(look);
	standing->run = standing_at_work(look) ? look->runs[0].id : run != NULL ? run->id : 0;
	if (standing_at_work(look)) {
		judge_work(standing, look, moves);
	} else if (look->locked && (run == NULL || never_ended(run) || run->exit_code != 0)) {
		standing->state = STANDING_BEGINS;
		standing->healthy = true;
		snprintf(standing->reason, sizeof(standing->reason),
			"something is at work on the state folder and has not said yet what");
	} else if (run == NULL) {
		standing->state = STANDING_NEW;
		snprintf(standing->reason, sizeof(standing->reason), "no run has begun yet");
	} else if (never_ended(run)) {
		standing->state = STANDING_KILLED;
		snprintf(standing->reason, sizeof(standing->reason),
			"run %lld was killed and none goes on: dvf-import run does",
			(long long)run->id);
	} else {
		judge_end(standing, run);
	}
}

const char *standing_word(enum standing_state state)
{
	static const char *const words[] = {
		[STANDING_UNKNOWN] = "unknown",
		[STANDING_NEW] = "new",
		[STANDING_BEGINS] = "beginning",
		[STANDING_WORKS] = "working",
		[STANDING_STALLED] = "stalled",
		[STANDING_DONE] = "done",
		[STANDING_UNDONE] = "undone",
		[STANDING_KILLED] = "killed",
	};
	return words[state];
}

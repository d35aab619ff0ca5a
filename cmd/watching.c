#include "cmd/watching.h"

#include <string.h>
#include <time.h>

#include "state/base/stop.h"

#define WALK_LEAST_MS 2000  /* between two walks of the chain while it grows */
#define WALK_AGAIN_MS 60000 /* also when it did not: an event may have been changed */

static void note_time(struct watching *watching)
{
	time_t now = time(NULL);
	struct tm utc;
	watching->at[0] = '\0';
	if (gmtime_r(&now, &utc) != NULL)
		strftime(watching->at, sizeof(watching->at), "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void walk(struct watching *watching, uint64_t now_ms)
{
	const struct look *look = watching->newest;
	uint64_t since_ms = now_ms - watching->walked_ms;
	if (look == NULL) {
		watching->chain = (struct chain_seen){ 0 };
		watching->walked_head = 0;
		return;
	}
	bool grown = look->head != watching->walked_head ||
		     strcmp(look->head_hash, watching->walked_hash) != 0;
	if (watching->chain.known && since_ms < (grown ? WALK_LEAST_MS : WALK_AGAIN_MS))
		return;
	look_chain(&watching->chain, watching->state_folder);
	watching->walked_ms = now_ms;
	watching->walked_head = look->head;
	memcpy(watching->walked_hash, look->head_hash, sizeof(look->head_hash));
}

/* Whose map is to be in the look: a year that there is none of is like none asked for. */
static int map_year(const struct watching *watching, int year)
{
	const struct look *look = watching->newest;
	if (look == NULL || look->destination_count == 0)
		return 0;
	const struct destination_seen *to = &look->destinations[0];
	for (unsigned i = 0; i < to->year_count; i++)
		if (to->years[i].state.year == year)
			return year;
	return 0;
}

/* That of the year, or a place for it. */
static struct watching_kept *kept_of(struct watching *watching, int year)
{
	struct watching_kept *oldest = &watching->kept[0];
	for (unsigned i = 0; i < WATCHING_LOOKS; i++) {
		struct watching_kept *one = &watching->kept[i];
		if (one->looked_ms != 0 && one->year == year)
			return one;
		if (one->looked_ms < oldest->looked_ms)
			oldest = one;
	}
	return oldest;
}

/* Those that nobody asked for lately; all of them when there is no ledger any more. */
static void let_go(struct watching *watching, uint64_t now_ms)
{
	for (unsigned i = 0; i < WATCHING_LOOKS; i++) {
		struct watching_kept *one = &watching->kept[i];
		bool old =
			now_ms - one->looked_ms > WATCHING_KEPT_MS && one->look != watching->newest;
		if (one->look == NULL || (!old && watching->newest != NULL))
			continue;
		look_free(one->look);
		*one = (struct watching_kept){ 0 };
	}
}

static void look_anew(
	struct watching *watching, struct watching_kept *kept, int year, uint64_t now_ms)
{
	const struct look_wish wish = { .map_year = year };
	struct look *look = NULL;
	struct error error;
	if (!look_take(&look, watching->state_folder, &wish, &error)) {
		look_free(look);
		look = NULL;
	}
	if (look == NULL || watching->newest == NULL || standing_moved(watching->newest, look))
		watching->moved_ms = now_ms;
	look_free(kept->look);
	*kept = (struct watching_kept){ .year = year, .look = look, .looked_ms = now_ms };
	watching->newest = look;
	let_go(watching, now_ms);
	note_time(watching);
	standing_judge(
		&watching->standing, look, &error, now_ms - watching->moved_ms < WATCHING_STALL_MS);
	walk(watching, now_ms);
}

static struct watching_kept *fresh_of(struct watching *watching, int year)
{
	uint64_t now_ms = clock_ms();
	struct watching_kept *kept = kept_of(watching, year);
	if (kept->looked_ms == 0 || kept->year != year ||
		now_ms - kept->looked_ms >= WATCHING_FRESH_MS)
		look_anew(watching, kept, year, now_ms);
	return kept;
}

void watching_look(struct watching *watching, int year)
{
	struct watching_kept *kept = fresh_of(watching, map_year(watching, year));
	/* The year may have come, or gone, since the look before. */
	if (kept->year != map_year(watching, year))
		kept = fresh_of(watching, map_year(watching, year));
	watching->look = kept->look;
}

void watching_end(struct watching *watching)
{
	watching->look = NULL;
	watching->newest = NULL;
	let_go(watching, clock_ms());
}

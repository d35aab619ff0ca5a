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
	const struct look *look = watching->look;
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

void watching_look(struct watching *watching, int year)
{
	const struct look_wish wish = { .map_year = year };
	uint64_t now_ms = clock_ms();
	struct look *look = NULL;
	struct error error;
	bool fresh = watching->looked_ms != 0 && now_ms - watching->looked_ms < WATCHING_FRESH_MS;
	if (fresh && year == watching->year)
		return;
	if (!look_take(&look, watching->state_folder, &wish, &error)) {
		look_free(look);
		look = NULL;
	}
	if (look == NULL || watching->look == NULL || standing_moved(watching->look, look))
		watching->moved_ms = now_ms;
	look_free(watching->look);
	watching->look = look;
	watching->year = year;
	watching->looked_ms = now_ms;
	note_time(watching);
	standing_judge(
		&watching->standing, look, &error, now_ms - watching->moved_ms < WATCHING_STALL_MS);
	walk(watching, now_ms);
}

void watching_end(struct watching *watching)
{
	look_free(watching->look);
	watching->look = NULL;
}

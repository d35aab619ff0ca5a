#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/standing.h"
#include "state/base/stop.h"

#define LOOK_AGAIN_MS 250

/* Looks again until something got on, the work ended, or the time is over. */
static bool watch(const struct options *options, const struct look *first,
	struct standing *standing, struct error *error)
{
	const struct look_wish wish = { 0 };
	uint64_t until_ms = clock_ms() + (uint64_t)options->within_s * 1000;
	bool known = false;
	while (!known && clock_ms() < until_ms && stop_sleep(LOOK_AGAIN_MS)) {
		struct look *now = NULL;
		if (!look_take(&now, options->state_folder, &wish, error)) {
			look_free(now);
			return false;
		}
		bool moved = standing_moved(first, now);
		known = moved || !standing_at_work(now);
		standing_judge(standing, now, NULL, moved);
		look_free(now);
	}
	return true;
}

int command_health(const struct options *options)
{
	const struct look_wish wish = { 0 };
	struct look *first = NULL;
	struct standing standing;
	struct error error;
	error_clear(&error);
	stop_install();
	bool done = look_take(&first, options->state_folder, &wish, &error);
	if (done) {
		standing_judge(&standing, first, NULL, false);
		if (standing.state == STANDING_STALLED)
			done = watch(options, first, &standing, &error);
	}
	if (!done)
		standing_judge(&standing, NULL, &error, false);
	look_free(first);
	printf("%s: %s\n", standing.healthy ? "healthy" : "unhealthy", standing.reason);
	return standing.healthy ? EXIT_ALL : EXIT_NONE;
}

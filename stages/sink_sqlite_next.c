#include "stages/sink_sqlite_swap.h"

#include <string.h>

bool swap_refused(const struct swapping *swapping, struct error *error)
{
	if (swapping->stands == 0)
		return true;
	return error_set(error, ERROR_REFUSED, "%u thing%s in the way of %s, nothing was changed",
		swapping->stands, swapping->stands == 1 ? " stands" : "s stand",
		swapping->revert ? "the revert" : "the promote");
}

bool swap_live_look(struct swapping *swapping, struct error *error)
{
	struct sqlite_sink *old = swapping->old;
	const char *path = old->sink.destination.url;
	bool ours = false;
	if (!slot_look(&swapping->slots, SLOT_LIVE, &swapping->live, error))
		return false;
	swapping->has_old = swapping->live.there;
	if (!swapping->has_old)
		return true;
	if (swapping->live.kind == SLOT_FILE && !swap_number_check(path, error)) {
		if (error->kind != ERROR_REFUSED)
			return false;
		swapping->stands++;
		swap_say(swapping, "%s", error->text);
	}
	if (!sqlite_look(&old->sink, &ours, error))
		return false;
	if (!ours)
		swap_refuse(swapping, "give the file of dvf-import with --to",
			"%s is not a file that dvf-import made", path);
	swapping->has_old = ours;
	return true;
}

bool swap_next_look(struct swapping *swapping, bool *there, struct error *error)
{
	struct sqlite_sink *new = swapping->new;
	bool usable = false, ours = false;
	*there = false;
	if (!slot_is_usable(&swapping->slots, swapping->to, &usable, error) ||
		!slot_is_usable(&swapping->slots, swapping->from, &usable, error) ||
		!slot_look(&swapping->slots, swapping->from, &swapping->next, error))
		return false;
	if (!usable || !swapping->next.there)
		return true;
	*there = true;
	if (!sqlite_look(&new->sink, &ours, error))
		return false;
	if (!ours)
		swap_refuse(swapping, "let dvf-import run --staging load it",
			"%s is not a file that dvf-import made", swapping->next.name);
	else if (new->sink.uuid[0] == '\0')
		swap_refuse(swapping,
			swapping->revert ? "take the file that was live before, not a copy of it"
					 : "let dvf-import run --staging take it on",
			"%s is a copy, or was restored: it is not known what is in it",
			swapping->next.name);
	return true;
}

static bool already(struct swapping *swapping, bool *is, struct error *error)
{
	*is = false;
	if (!swapping->has_old)
		return true;
	if (!swap_last(swapping->old->db, &swapping->swap, is, error))
		return false;
	*is = *is && swapping->swap.done && swapping->swap.revert == swapping->revert &&
	      strcmp(swapping->swap.live, swapping->old->sink.uuid) == 0;
	return true;
}

bool swap_none(struct swapping *swapping, struct error *error)
{
	bool is = false;
	if (!already(swapping, &is, error))
		return false;
	if (is) {
		const struct sqlite_swap *swap = &swapping->swap;
		memcpy(swapping->promote->uuid, swap->live, sizeof(swap->live));
		swap_say(swapping, "done already: %s was made live by the %s of %s",
			swap->live_file, swapping->revert ? "revert" : "promote", swap->meant_at);
		return swap_tell(swapping, true, error);
	}
	if (swapping->revert)
		swap_refuse(swapping, "only what a promote replaced can be made live again",
			"there is no previous file");
	else
		swap_refuse(swapping, "let dvf-import run --staging load it first",
			"there is no staging file");
	return swap_refused(swapping, error);
}

bool swap_give_up(struct swapping *swapping, struct error *error)
{
	struct sink *staging = NULL;
	struct destination destination = *swapping->promote->live;
	struct sqlite_swap meant;
	bool there = false, found = false;
	if (!swapping->revert)
		return true;
	destination.slot = SLOT_STAGING;
	if (!sink_open_sqlite(&staging, &destination, error))
		return false;
	struct sqlite_sink *sink = (struct sqlite_sink *)staging;
	bool done = sqlite_look(staging, &there, error) &&
		    (!there || swap_last(sink->db, &meant, &found, error));
	found = done && found && !meant.done && !meant.revert &&
		strcmp(meant.live, staging->uuid) == 0 &&
		strcmp(meant.instead_of, swapping->old->sink.uuid) == 0;
	if (found && !swapping->promote->settings->dry_run) {
		sqlite3_close(sink->db);
		done = sqlite_open(&sink->db, &sink->wait, SQLITE_OPEN_READWRITE, error) &&
		       swap_withdraw(sink->db, error);
	}
	if (done && found)
		swap_refuse(swapping, "to go back one more, say revert again",
			"the promote of %s was cut off before it changed anything, and is given "
			"up: %s is what it was",
			meant.meant_at, swapping->promote->live->name);
	sink_close(staging);
	return done;
}

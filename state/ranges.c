#include "state/ranges.h"

#include <stdlib.h>
#include <string.h>

static uint64_t records_of(const struct range *range)
{
	return range->rows + range->rejects;
}

/* True when b begins where a ends and their record numbers follow. */
static bool follows(const struct range *a, const struct range *b)
{
	return a->plain_end == b->plain_first && a->first_record + records_of(a) == b->first_record;
}

/* Across a gap the record numbers may leave some out, but never go back. */
static bool may_precede(const struct range *a, const struct range *b)
{
	return follows(a, b) || (a->plain_end < b->plain_first &&
					a->first_record + records_of(a) <= b->first_record);
}

static bool fits_between(const struct ranges *ranges, unsigned at, const struct range *range)
{
	if (at > 0 && !may_precede(&ranges->items[at - 1], range))
		return false;
	if (at < ranges->count && !may_precede(range, &ranges->items[at]))
		return false;
	return range->plain_first < range->plain_end;
}

static void merge_into(struct range *first, const struct range *next)
{
	first->plain_end = next->plain_end;
	first->rows += next->rows;
	first->rejects += next->rejects;
}

static void remove_at(struct ranges *ranges, unsigned at)
{
	memmove(&ranges->items[at], &ranges->items[at + 1],
		(ranges->count - at - 1) * sizeof(ranges->items[0]));
	ranges->count--;
}

static bool insert_at(
	struct ranges *ranges, unsigned at, const struct range *range, struct error *error)
{
	if (ranges->count == ranges->room) {
		unsigned room = ranges->room != 0 ? ranges->room * 2 : 8;
		struct range *items = realloc(ranges->items, room * sizeof(*items));
		if (items == NULL)
			return error_memory(error, "completed ranges");
		ranges->items = items;
		ranges->room = room;
	}
	memmove(&ranges->items[at + 1], &ranges->items[at],
		(ranges->count - at) * sizeof(ranges->items[0]));
	ranges->items[at] = *range;
	ranges->count++;
	return true;
}

bool ranges_add(struct ranges *ranges, const struct range *range, struct error *error)
{
	unsigned at = ranges->count;
	while (at > 0 && ranges->items[at - 1].plain_first >= range->plain_first)
		at--;
	if (!fits_between(ranges, at, range))
		return error_set(error, ERROR_INPUT,
			"the chunk [%llu, %llu) from record %llu does not fit beside those that are done",
			(unsigned long long)range->plain_first,
			(unsigned long long)range->plain_end,
			(unsigned long long)range->first_record);
	if (at > 0 && follows(&ranges->items[at - 1], range)) {
		merge_into(&ranges->items[at - 1], range);
		at--;
	} else if (!insert_at(ranges, at, range, error)) {
		return false;
	}
	if (at + 1 < ranges->count && follows(&ranges->items[at], &ranges->items[at + 1])) {
		merge_into(&ranges->items[at], &ranges->items[at + 1]);
		remove_at(ranges, at + 1);
	}
	return true;
}

bool ranges_gap(const struct ranges *ranges, uint64_t header_end, uint64_t plain_size, unsigned i,
	struct gap *gap)
{
	struct gap next = { .plain_first = header_end, .first_record = 1 };
	for (unsigned at = 0; at <= ranges->count; at++) {
		const struct range *range = at < ranges->count ? &ranges->items[at] : NULL;
		next.plain_end = range != NULL ? range->plain_first : plain_size;
		next.next_record = range != NULL ? range->first_record : 0;
		if (next.plain_first < next.plain_end && i-- == 0) {
			*gap = next;
			return true;
		}
		if (range != NULL) {
			next.plain_first = range->plain_end;
			next.first_record = range->first_record + records_of(range);
		}
	}
	return false;
}

void ranges_totals(const struct ranges *ranges, uint64_t *plain, uint64_t *rows, uint64_t *rejects)
{
	*plain = *rows = *rejects = 0;
	for (unsigned at = 0; at < ranges->count; at++) {
		*plain += ranges->items[at].plain_end - ranges->items[at].plain_first;
		*rows += ranges->items[at].rows;
		*rejects += ranges->items[at].rejects;
	}
}

void ranges_clear(struct ranges *ranges)
{
	ranges->count = 0;
}

void ranges_free(struct ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct ranges){ 0 };
}

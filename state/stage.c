#include "state/stage.h"

#include <string.h>

static const struct {
	const char *word;
	enum stage_kind kind;
} stages[] = {
	{ "loading", STAGE_COUNTS },
	{ "indexing", STAGE_LASTS },
	{ "checking", STAGE_LASTS },
	{ "publishing", STAGE_LASTS },
	{ "copying", STAGE_LASTS },
	{ "fetching", STAGE_COUNTS },
	{ "waiting", STAGE_WAITS },
	{ "ready", STAGE_RESTS },
	{ "published", STAGE_RESTS },
	{ "held", STAGE_RESTS },
	{ "refused", STAGE_RESTS },
	{ "failed", STAGE_RESTS },
	{ "gone", STAGE_RESTS },
	{ "stopped", STAGE_RESTS },
};

enum stage_kind stage_kind(const char *stage)
{
	for (size_t i = 0; stage_word(i) != NULL; i++)
		if (strcmp(stage, stages[i].word) == 0)
			return stages[i].kind;
	return STAGE_RESTS;
}

const char *stage_word(size_t i)
{
	return i < sizeof(stages) / sizeof(stages[0]) ? stages[i].word : NULL;
}

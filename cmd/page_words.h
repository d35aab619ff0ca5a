/*
 * page_words.h: every text of the page, in both languages. Messages of errors stay English.
 */
#ifndef CMD_PAGE_WORDS_H
#define CMD_PAGE_WORDS_H

#include "cmd/html.h"
#include "cmd/standing.h"

enum word {
	W_TITLE,
	W_SKIP,
	W_AS_OF,
	W_LIVE,
	W_SNAPSHOT,
	W_RELOAD,
	W_OTHER,
	W_OTHER_CODE,
	W_NOTHING,
	W_YEARS,
	W_INTO,
	W_YEAR,
	W_STANDS,
	W_FETCHED,
	W_LOADED,
	W_INDEXED,
	W_PUBLISHED,
	W_ROWS,
	W_ROWS_LOW,
	W_REJECTS_LOW,
	W_REJECTS,
	W_TOOK,
	W_PLOTS,
	W_SPEED,
	W_MEMORY,
	W_LIMIT,
	W_FIGURES,
	W_SECONDS,
	W_ROWS_S,
	W_MIB,
	W_OF_RUN,
	W_MAP,
	W_MAP_OF,
	W_OTHER_YEARS,
	W_DONE,
	W_FLIGHT,
	W_MISSING,
	W_WITH_REJECTS,
	W_PLACE_UNKNOWN,
	W_SIZE_GUESSED,
	W_RUNS,
	W_RUN,
	W_COMMAND,
	W_BEGAN,
	W_ENDED,
	W_OUTCOME,
	W_CODE,
	W_PEAK,
	W_HOST,
	W_AT_WORK,
	W_SWAPS,
	W_NO_SWAPS,
	W_AT,
	W_WHAT,
	W_FACTS,
	W_EVENT,
	W_RECORD,
	W_COLUMN,
	W_REASON,
	W_FIRST_ONLY,
	W_NO_REJECTS,
	W_REJECTS_LATER,
	W_HISTORY,
	W_WHOLE,
	W_BROKEN,
	W_NOT_WALKED,
	W_NOT_COMPARED,
	W_EVENTS,
	W_HELP,
	W_PLOT_OFF,
	W_LOST,
	W_WORDS,
};

const char *word_of(const struct html *html, enum word word);
void html_word(struct html *html, enum word word);

/* Words the ledger has: stages, outcomes, kinds of events. What is not known stays as it is. */
const char *word_said(const struct html *html, const char *said);

/* What a standing is called in a headline. */
const char *word_standing(const struct html *html, enum standing_state state);

/* Its reason, in a sentence. What an error says stays English. */
void word_reason(struct html *html, const struct standing *standing);

#endif

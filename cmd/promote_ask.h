/*
 * promote_ask.h: the last look at the sources before a promote that a person says.
 *
 * A staging run that promotes by itself asks and takes in what changed; here it is only said: the
 * person decides.
 */
#ifndef CMD_PROMOTE_ASK_H
#define CMD_PROMOTE_ASK_H

#include "cmd/options.h"

/* Says on stdout which years the source has another edition of than staging serves. A source that
 * does not answer is a warning: a promote does not depend on it. */
void promote_ask(const struct options *options);

#endif

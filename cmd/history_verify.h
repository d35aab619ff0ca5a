/*
 * history_verify.h: history --verify: is the chain whole, and is it what the destination was told?
 */
#ifndef CMD_HISTORY_VERIFY_H
#define CMD_HISTORY_VERIFY_H

#include "cmd/options.h"
#include "state/ledger.h"

/* Walks the chain, compares it with the heads of the destination, and prints what is proved and
 * what cannot be known. ERROR_INPUT: something does not hold; what it is stands in what was
 * printed. A destination that cannot be reached is said, and is no failure. */
bool history_verify(const struct options *options, struct ledger *ledger, struct error *error);

#endif

/*
 * head.h: how far a history goes: its last event's number and hash, and which chain it is.
 *
 * Written into destinations, so that a history that was rewritten or shortened is found out there.
 */
#ifndef STATE_HEAD_H
#define STATE_HEAD_H

#include <stdint.h>

#include "state/edition.h"

struct history_head {
	char chain[33];        /* 32 hexadecimal digits the ledger got when it was made */
	int64_t number;        /* of the last event */
	char hash[SHA256_HEX]; /* its hash, which stands for all before it */
	char at[32];           /* when the destination was told, UTC; for people */
	char why[64];          /* at what: "year published", "promote", "run ended" */
};

#endif

/*
 * report.h: the table of years at the end of a run.
 */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

#include <stdio.h>

#include "stages/pipeline.h"

/* Table, a line for each year that is not in, and how many are. Nothing when no year was reached.
 */
void report_print(FILE *out, const struct run_report *report);

#endif

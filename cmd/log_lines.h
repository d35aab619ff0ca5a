/*
 * log_lines.h: what goes to stderr: log lines, and below them, on a terminal, the live lines.
 *
 * Live lines are taken away before a log line is written and put back after it, so they never mix.
 *
 * Threads: any; one lock inside.  Memory: one buffer a kind of line.
 */
#ifndef CMD_LOG_LINES_H
#define CMD_LOG_LINES_H

#include <stdbool.h>

#include "cmd/options.h"
#include "state/base/log.h"

/* Becomes the writer of log_note. AUTO: text on a terminal, else logfmt. */
void log_lines_start(enum log_format format);

/* One line with its newline, added to `line`. `at` is UTC as 2026-04-02T10:11:12Z. Control
 * characters in the text cannot break the line or reach a terminal. */
bool log_line_make(struct buf *line, enum log_format format, const char *at, enum log_level level,
	int year, const char *text, struct error *error);

/* Writes one line now, whatever log_note's writer is. */
void log_lines_write(enum log_format format, enum log_level level, int year, const char *text);

/* Whether live lines can be drawn: text on a terminal that is not dumb, and NO_COLOR is not set. */
bool log_lines_can_live(void);

/* Columns and rows of the terminal. */
void log_lines_size(unsigned *width, unsigned *height);

/* Replaces the live lines. Each ends with a newline and is narrower than the terminal; "" takes
 * them away. */
void log_lines_live(const char *lines);

/* "2026-04-02T10:11:12Z", now. */
void log_lines_now(char at[static 32]);

#endif

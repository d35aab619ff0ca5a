/*
 * log.h: what happened, as it happens.
 *
 * Notes are made anywhere; cmd/ decides where and how they are written (text, logfmt, JSON) by
 * giving a writer. Without one they go nowhere, so that the stages stay silent under test.
 *
 * Threads: log_note may be called from any; the writer is called under one lock.
 * Memory: none is kept.
 */
#ifndef STATE_BASE_LOG_H
#define STATE_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

typedef void log_writer(void *context, enum log_level level, int year, const char *text);

/* Sets the writer; NULL: silence. Call it before any other thread is started. */
void log_to(log_writer *writer, void *context);

/* `year` 0: the note is about no year. The text is one sentence without a full stop or newline and
 * holds no secret. */
void log_note(enum log_level level, int year, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

const char *log_level_word(enum log_level level);

#endif

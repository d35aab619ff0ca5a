#include "state/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static log_writer *write_note;
static void *write_context;

void log_to(log_writer *writer, void *context)
{
	pthread_mutex_lock(&lock);
	write_note = writer;
	write_context = context;
	pthread_mutex_unlock(&lock);
}

void log_note(enum log_level level, int year, const char *format, ...)
{
	char text[1536];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pthread_mutex_lock(&lock);
	if (write_note != NULL)
		write_note(write_context, level, year, text);
	pthread_mutex_unlock(&lock);
}

const char *log_level_word(enum log_level level)
{
	static const char *const words[] = {
		[LOG_DEBUG] = "debug",
		[LOG_INFO] = "info",
		[LOG_WARNING] = "warning",
		[LOG_ERROR] = "error",
	};
	return words[level];
}

#include "state/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool verror(struct error *error, enum error_kind kind, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static bool verror(struct error *error, enum error_kind kind, const char *format, va_list args)
{
	error->kind = kind;
	error->sqlstate[0] = '\0';
	vsnprintf(error->text, sizeof(error->text), format, args);
	return false;
}

bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	verror(error, kind, format, args);
	va_end(args);
	return false;
}

static enum error_kind kind_of_errno(int number)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERROR_FULL;
	case ENOMEM:
		return ERROR_MEMORY;
	default:
		return ERROR_SYSTEM;
	}
}

bool error_system(struct error *error, const char *format, ...)
{
	int number = errno;
	va_list args;
	va_start(args, format);
	verror(error, kind_of_errno(number), format, args);
	va_end(args);
	size_t used = strlen(error->text);
	char reason[128] = "";
	const char *said = strerror_r(number, reason, sizeof(reason));
	snprintf(error->text + used, sizeof(error->text) - used, ": %s", said);
	errno = number;
	return false;
}

bool error_memory(struct error *error, const char *what)
{
	return error_set(error, ERROR_MEMORY,
		"out of memory for %s: give the process more memory, or lower --chunk-rows or --loaders",
		what);
}

bool error_thread(struct error *error, int number)
{
	return error_set(error, ERROR_SYSTEM,
		"cannot start a thread (error %d): memory is short, or the process or container is at its "
		"limit of processes",
		number);
}

bool error_where(struct error *error, const char *format, ...)
{
	char after[sizeof(error->text)];
	const size_t room = sizeof(error->text);
	memcpy(after, error->text, room);
	va_list args;
	va_start(args, format);
	vsnprintf(error->text, room, format, args);
	va_end(args);
	size_t used = strlen(error->text);
	const char *const parts[] = { ": ", after };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t size = strlen(parts[i]);
		if (size > room - 1 - used)
			size = room - 1 - used;
		memcpy(error->text + used, parts[i], size);
		used += size;
	}
	error->text[used] = '\0';
	return false;
}

void error_clear(struct error *error)
{
	error->kind = ERROR_NONE;
	error->sqlstate[0] = '\0';
	error->text[0] = '\0';
}

const char *error_word(enum error_kind kind)
{
	static const char *const words[] = {
		[ERROR_NONE] = "none",
		[ERROR_USAGE] = "usage",
		[ERROR_NETWORK] = "network",
		[ERROR_GONE] = "gone",
		[ERROR_DATABASE] = "database",
		[ERROR_BUSY] = "busy",
		[ERROR_MEMORY] = "memory",
		[ERROR_DATA] = "data",
		[ERROR_LOST] = "lost",
		[ERROR_FENCED] = "fenced",
		[ERROR_INPUT] = "input",
		[ERROR_CHANGED] = "changed",
		[ERROR_DAMAGED] = "damaged",
		[ERROR_FULL] = "full",
		[ERROR_STOPPED] = "stopped",
		[ERROR_REFUSED] = "refused",
		[ERROR_SYSTEM] = "system",
	};
	return words[kind];
}

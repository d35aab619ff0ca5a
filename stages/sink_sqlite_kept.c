#include "stages/sink_sqlite.h"

bool sqlite_kept_open(struct sink *sink, int year, struct kept_reader **reader, struct error *error)
{
	(void)sink;
	(void)year;
	(void)reader;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

bool sqlite_mend(struct sink *sink, sink_mend_next *next, void *context, uint64_t *count,
	struct error *error)
{
	(void)sink;
	(void)next;
	(void)context;
	(void)count;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

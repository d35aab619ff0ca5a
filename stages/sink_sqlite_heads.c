#include "stages/sink_sqlite.h"

bool sqlite_head_add(struct sink *sink, const struct history_head *head, struct error *error)
{
	(void)sink;
	(void)head;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

bool sqlite_heads(struct sink *sink, sink_head_seen *seen, void *context, struct error *error)
{
	(void)sink;
	(void)seen;
	(void)context;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

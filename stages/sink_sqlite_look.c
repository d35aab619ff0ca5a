#include "stages/sink_sqlite.h"

bool sqlite_look(struct sink *sink, bool *there, struct error *error)
{
	(void)sink;
	(void)there;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

bool sqlite_years(struct sink *sink, struct served_years *served, struct error *error)
{
	(void)sink;
	(void)served;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

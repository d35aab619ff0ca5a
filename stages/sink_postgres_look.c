#include "stages/sink_postgres.h"

bool postgres_look(struct sink *sink, bool *there, struct error *error)
{
	(void)sink;
	(void)there;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

bool postgres_years(struct sink *sink, struct served_years *served, struct error *error)
{
	(void)sink;
	(void)served;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

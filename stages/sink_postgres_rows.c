#include "stages/sink_postgres.h"

bool postgres_rows_open(
	struct sink *sink, int year, struct row_reader **reader, struct error *error)
{
	(void)sink;
	(void)year;
	(void)reader;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

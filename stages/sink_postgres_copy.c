#include "stages/sink_postgres.h"

bool postgres_copy_year(struct sink *sink, struct sink *live, int year, struct edition *edition,
	struct year_total *total, struct error *error)
{
	(void)sink;
	(void)live;
	(void)year;
	(void)edition;
	(void)total;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

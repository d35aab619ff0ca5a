#include "stages/promote.h"

bool promote_sqlite(struct promote *promote, struct error *error)
{
	(void)promote;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

bool revert_sqlite(struct promote *promote, struct error *error)
{
	(void)promote;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

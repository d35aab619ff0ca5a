#include "stages/promote.h"

bool promote_postgres(struct promote *promote, struct error *error)
{
	(void)promote;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

bool revert_postgres(struct promote *promote, struct error *error)
{
	(void)promote;
	return error_set(error, ERROR_SYSTEM, "not built yet");
}

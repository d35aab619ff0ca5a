#include "stages/promote.h"

bool promote_do(struct promote *promote, struct error *error)
{
	return promote->live->postgres ? promote_postgres(promote, error)
				       : promote_sqlite(promote, error);
}

bool revert_do(struct promote *promote, struct error *error)
{
	return promote->live->postgres ? revert_postgres(promote, error)
				       : revert_sqlite(promote, error);
}

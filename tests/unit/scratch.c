#include "tests/unit/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void scratch_new(char folder[static SCRATCH_PATH], const char *test)
{
	snprintf(folder, SCRATCH_PATH, "/tmp/%s.XXXXXX", test);
	assert_non_null(mkdtemp(folder));
}

int scratch_remove(const char *folder)
{
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

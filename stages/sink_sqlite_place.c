#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/sink_sqlite.h"

/* The name that people use, from the root: a symbolic link as the last part stays what it is, for
 * the file behind it changes with a promote. */
void sqlite_place(struct sink *base, struct sink_place *place)
{
	const char *path = base->destination.url;
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	char whole[PATH_MAX] = "";
	int size = slash == NULL ? 1 : (int)(slash - path) + 1;
	snprintf(folder, sizeof(folder), "%.*s", size, slash == NULL ? "." : path);
	if (realpath(folder, whole) == NULL)
		snprintf(whole, sizeof(whole), "%s", folder);
	memset(place, 0, sizeof(*place));
	(void)!snprintf(place->database, sizeof(place->database), "%s%s%s", whole,
		strcmp(whole, "/") == 0 ? "" : "/", slash == NULL ? path : slash + 1);
}

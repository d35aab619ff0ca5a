#include "state/db_at_rest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool db_is_at_rest(const char *path)
{
	char folder[4096] = ".";
	char log[4096];
	const char *slash = strrchr(path, '/');
	if (slash != NULL)
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path),
			path);
	snprintf(log, sizeof(log), "%s-wal", path);
	return euidaccess(folder, W_OK) == -1 && access(log, F_OK) == -1 && errno == ENOENT;
}

char *db_uri_at_rest(const char *path)
{
	static const char begin[] = "file:", end[] = "?immutable=1";
	static const char digits[] = "0123456789abcdef";
	char *uri = malloc(sizeof(begin) + 3 * strlen(path) + sizeof(end));
	if (uri == NULL)
		return NULL;
	char *at = stpcpy(uri, begin);
	for (; *path != '\0'; path++)
		if (strchr("%?#", *path) != NULL) {
			*at++ = '%';
			*at++ = digits[*path >> 4];
			*at++ = digits[*path & 15];
		} else {
			*at++ = *path;
		}
	stpcpy(at, end);
	return uri;
}

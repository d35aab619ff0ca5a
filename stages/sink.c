#include "stages/sink.h"

#include <stdio.h>

bool sink_open(struct sink **sink, const struct destination *destination, struct error *error)
{
	if (destination->postgres)
		return sink_open_postgres(sink, destination, error);
	return sink_open_sqlite(sink, destination, error);
}

void sink_close(struct sink *sink)
{
	if (sink != NULL)
		sink->ops->close(sink);
}

void sink_table_name(char name[static 56], const char *what, const struct edition *edition)
{
	snprintf(name, 56, "%.34s_%d_%.12s", what, edition->year, edition->sha256);
}

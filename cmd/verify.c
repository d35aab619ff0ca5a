#include "cmd/commands.h"

int command_verify(const struct options *options)
{
	struct error error;
	error_set(&error, ERROR_SYSTEM, "not built yet");
	return command_failed(options, &error);
}

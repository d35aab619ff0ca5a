#include "tests/unit/must.h"

struct error error;

void must_at(bool done, const char *what, int line)
{
	if (!done)
		fail_msg("line %d: %s: %s: %s", line, what, error_word(error.kind), error.text);
}

void must_fail_at(bool done, enum error_kind kind, const char *what, int line)
{
	if (done)
		fail_msg("line %d: %s: did not fail", line, what);
	if (error.kind != kind)
		fail_msg("line %d: %s: %s instead of %s: %s", line, what, error_word(error.kind),
			error_word(kind), error.text);
	assert_true(error.text[0] != '\0');
}

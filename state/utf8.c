#include "state/utf8.h"

#include <stdbool.h>

/* Bytes of the well-formed UTF-8 sequence that starts here; 0: there is none. */
static size_t sequence(const unsigned char *at)
{
	size_t more = at[0] < 0x80 ? 0 : at[0] < 0xe0 ? 1 : at[0] < 0xf0 ? 2 : 3;
	if ((at[0] >= 0x80 && at[0] < 0xc2) || at[0] > 0xf4)
		return 0;
	for (size_t i = 1; i <= more; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	bool longer_than_needed =
		(at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
	bool surrogate = at[0] == 0xed && at[1] > 0x9f;
	bool too_high = at[0] == 0xf4 && at[1] > 0x8f;
	return longer_than_needed || surrogate || too_high ? 0 : more + 1;
}

size_t utf8_size(const char *text)
{
	size_t size = 0;
	while (text[size] != '\0') {
		size_t step = sequence((const unsigned char *)text + size);
		if (step == 0)
			break;
		size += step;
	}
	return size;
}

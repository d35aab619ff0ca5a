#include "state/json.h"

#include <string.h>

#include "state/utf8.h"

static bool add_byte(struct buf *json, char byte, struct error *error)
{
	if (byte == '"' || byte == '\\')
		return buf_print(json, error, "\\%c", byte);
	if (byte == '\n')
		return buf_add_text(json, "\\n", error);
	if ((unsigned char)byte < 0x20 || byte == 0x7f)
		return buf_print(json, error, "\\u%04x", (unsigned)(unsigned char)byte);
	return buf_add(json, &byte, 1, error);
}

bool json_add_text(struct buf *json, const char *text, struct error *error)
{
	if (!buf_add(json, "\"", 1, error))
		return false;
	while (*text != '\0') {
		const char *end = text + utf8_size(text);
		for (; text < end; text++)
			if (!add_byte(json, *text, error))
				return false;
		if (*text == '\0')
			break;
		if (!buf_add_text(json, "\\ufffd", error))
			return false;
		text++;
	}
	return buf_add(json, "\"", 1, error);
}

bool json_add_name(struct buf *json, const char *name, struct error *error)
{
	bool first = json->size == 0 || strchr("{[", json->bytes[json->size - 1]) != NULL;
	return (first || buf_add(json, ",", 1, error)) && json_add_text(json, name, error) &&
	       buf_add(json, ":", 1, error);
}

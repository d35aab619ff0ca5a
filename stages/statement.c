#include "stages/statement.h"

#include <ctype.h>
#include <string.h>

static const char *value_of(const struct sql_value *values, const char *name, size_t size)
{
	for (; values != NULL && values->name != NULL; values++)
		if (strlen(values->name) == size && memcmp(values->name, name, size) == 0)
			return values->value;
	return NULL;
}

static bool add_quoted(struct buf *statement, const char *value, char quote, struct error *error)
{
	if (quote == '\'' && strchr(value, '\\') != NULL)
		return error_set(error, ERROR_USAGE,
			"a backslash cannot stand in the SQL literal '%s'", value);
	if (!buf_add(statement, &quote, 1, error))
		return false;
	for (; *value != '\0'; value++) {
		if (*value == quote && !buf_add(statement, &quote, 1, error))
			return false;
		if (!buf_add(statement, value, 1, error))
			return false;
	}
	return buf_add(statement, &quote, 1, error);
}

static size_t name_size(const char *text)
{
	size_t size = 0;
	while (isalnum((unsigned char)text[size]) || text[size] == '_')
		size++;
	return size;
}

/* Copies '...' or "..." as it stands; gives the bytes taken. */
static size_t quoted_size(const char *sql)
{
	const char *end = strchr(sql + 1, sql[0]);
	return end != NULL ? (size_t)(end - sql) + 1 : strlen(sql);
}

/* One :name, :'name' or :"name" at `sql`; *used is 0 when it is none of them. */
static bool add_variable(struct buf *statement, const char *sql, const struct sql_value *values,
	size_t *used, struct error *error)
{
	char quote = sql[1] == '\'' || sql[1] == '"' ? sql[1] : '\0';
	const char *name = sql + 1 + (quote != '\0');
	size_t size = name_size(name);
	*used = 0;
	if (size == 0 || isdigit((unsigned char)name[0]) || (quote != '\0' && name[size] != quote))
		return true;
	const char *value = value_of(values, name, size);
	if (value == NULL || (value[0] == '\0' && quote != '\''))
		return error_set(error, ERROR_SYSTEM, "no value for :%.*s in an SQL statement",
			(int)size, name);
	*used = (size_t)(name - sql) + size + (quote != '\0');
	if (quote == '\0')
		return buf_add_text(statement, value, error);
	return add_quoted(statement, value, quote, error);
}

bool statement_make(
	struct buf *statement, const char *sql, const struct sql_value *values, struct error *error)
{
	buf_clear(statement);
	while (*sql != '\0') {
		size_t used = 0;
		if (*sql == ':' && sql[1] == ':')
			used = 2;
		else if (*sql == '\'' || *sql == '"')
			used = quoted_size(sql);
		else if (*sql != ':')
			used = strcspn(sql, ":'\"");
		if (used != 0) {
			if (!buf_add(statement, sql, used, error))
				return false;
		} else if (!add_variable(statement, sql, values, &used, error)) {
			return false;
		} else if (used == 0) {
			used = 1;
			if (!buf_add(statement, sql, 1, error))
				return false;
		}
		sql += used;
	}
	return true;
}

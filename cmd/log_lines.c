#include "cmd/log_lines.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd/setting.h"
#include "state/json.h"

static pthread_mutex_t screen = PTHREAD_MUTEX_INITIALIZER;
static enum log_format chosen;
static struct buf drawn;  /* the live lines that stand on the terminal now */
static struct buf output; /* what is about to be written, in one piece */

void log_lines_now(char at[static 32])
{
	time_t now = time(NULL);
	struct tm utc;
	if (gmtime_r(&now, &utc) == NULL || strftime(at, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		at[0] = '\0';
}

static bool add_plain(struct buf *line, const char *text, struct error *error)
{
	for (const char *c = text; *c != '\0'; c++) {
		bool control = (unsigned char)*c < 0x20 || *c == 0x7f;
		if (!buf_add(line, control ? " " : c, 1, error))
			return false;
	}
	return true;
}

static bool text_make(struct buf *line, const char *at, enum log_level level, int year,
	const char *text, struct error *error)
{
	return buf_print(line, error, "%s %s ", at, log_level_word(level)) &&
	       (year == 0 || buf_print(line, error, "%d: ", year)) && add_plain(line, text, error);
}

/* A quoted JSON text is what readers of logfmt take as a quoted value. */
static bool logfmt_make(struct buf *line, const char *at, enum log_level level, int year,
	const char *text, struct error *error)
{
	return buf_print(line, error, "ts=%s level=%s ", at, log_level_word(level)) &&
	       (year == 0 || buf_print(line, error, "year=%d ", year)) &&
	       buf_add_text(line, "msg=", error) && json_add_text(line, text, error);
}

static bool json_make(struct buf *line, const char *at, enum log_level level, int year,
	const char *text, struct error *error)
{
	return buf_print(line, error, "{\"ts\":\"%s\",\"level\":\"%s\",", at,
		       log_level_word(level)) &&
	       (year == 0 || buf_print(line, error, "\"year\":%d,", year)) &&
	       buf_add_text(line, "\"msg\":", error) && json_add_text(line, text, error) &&
	       buf_add(line, "}", 1, error);
}

bool log_line_make(struct buf *line, enum log_format format, const char *at, enum log_level level,
	int year, const char *text, struct error *error)
{
	bool made;
	switch (format) {
	case LOG_FORMAT_JSON:
		made = json_make(line, at, level, year, text, error);
		break;
	case LOG_FORMAT_LOGFMT:
		made = logfmt_make(line, at, level, year, text, error);
		break;
	default:
		made = text_make(line, at, level, year, text, error);
		break;
	}
	return made && buf_add(line, "\n", 1, error);
}

void log_lines_size(unsigned *width, unsigned *height)
{
	struct winsize size = { 0 };
	bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
	*width = known && size.ws_col > 0 ? size.ws_col : 80;
	*height = known && size.ws_row > 0 ? size.ws_row : 24;
}

/* Rows the drawn lines take now: a terminal made narrower since has wrapped them. */
static unsigned drawn_rows(void)
{
	unsigned width, height, taken = 0;
	log_lines_size(&width, &height);
	for (const char *line = drawn.bytes; *line != '\0';) {
		size_t size = strcspn(line, "\n");
		taken += size > width ? (unsigned)((size + width - 1) / width) : 1;
		line += size + (line[size] == '\n' ? 1 : 0);
	}
	return taken < height ? taken : height - 1;
}

static bool output_begin(struct error *error)
{
	buf_clear(&output);
	if (drawn.size == 0)
		return true;
	return buf_print(&output, error, "\r\033[%uA\033[J", drawn_rows());
}

/* A log that cannot be written must not stop the import: errors end here. */
static void output_write(void)
{
	if (output.size > 0)
		(void)fwrite(output.bytes, 1, output.size, stderr);
}

void log_lines_live(const char *lines)
{
	struct error ignored;
	pthread_mutex_lock(&screen);
	bool made = output_begin(&ignored) && buf_add_text(&output, lines, &ignored);
	buf_clear(&drawn);
	if (made && buf_add_text(&drawn, lines, &ignored))
		output_write();
	pthread_mutex_unlock(&screen);
}

void log_lines_write(enum log_format format, enum log_level level, int year, const char *text)
{
	char at[32];
	struct error ignored;
	log_lines_now(at);
	pthread_mutex_lock(&screen);
	if (output_begin(&ignored) &&
		log_line_make(&output, format, at, level, year, text, &ignored) &&
		(drawn.size == 0 || buf_add(&output, drawn.bytes, drawn.size, &ignored)))
		output_write();
	pthread_mutex_unlock(&screen);
}

static void write_note(void *context, enum log_level level, int year, const char *text)
{
	(void)context;
	if (level != LOG_DEBUG)
		log_lines_write(chosen, level, year, text);
}

void log_lines_start(enum log_format format)
{
	chosen = format;
	if (format == LOG_FORMAT_AUTO)
		chosen = isatty(STDERR_FILENO) == 1 ? LOG_FORMAT_TEXT : LOG_FORMAT_LOGFMT;
	log_to(write_note, NULL);
}

bool log_lines_can_live(void)
{
	const char *terminal = setting_variable("TERM");
	return chosen == LOG_FORMAT_TEXT && isatty(STDERR_FILENO) == 1 &&
	       setting_variable("NO_COLOR") == NULL && terminal != NULL &&
	       strcmp(terminal, "dumb") != 0;
}

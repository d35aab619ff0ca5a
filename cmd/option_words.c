#include "cmd/option_words.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/help.h"
#include "cmd/setting.h"

#define WORD_SHOWN  60
#define VAL_HELP    'h'
#define VAL_VERSION 2
#define VAL_WORD    1   /* getopt's own, for what is no option */
#define VAL_FIRST   256 /* getopt's value of option_table[0]: above every character */

static const struct {
	const char *name;
	unsigned bit;
} commands[] = {
	{ "run", COMMAND_RUN },
	{ "status", COMMAND_STATUS },
	{ "history", COMMAND_HISTORY },
	{ "check", COMMAND_CHECK },
	{ "clean", COMMAND_CLEAN },
	{ "verify", COMMAND_VERIFY },
	{ "promote", COMMAND_PROMOTE },
	{ "revert", COMMAND_REVERT },
	{ "mend", COMMAND_MEND },
	{ "health", COMMAND_HEALTH },
	{ "serve", COMMAND_SERVE },
	{ "report", COMMAND_REPORT },
};

/* Those that connect to a destination whether or not one was named. */
#define CONNECTING                                                                                 \
	(COMMAND_RUN | COMMAND_CHECK | COMMAND_VERIFY | COMMAND_PROMOTE | COMMAND_REVERT |         \
		COMMAND_MEND)

/* One of several --source YEAR=URL, or the template. */
static bool source_take(struct words *words, struct options *options, unsigned i, const char *value,
	struct error *error)
{
	if (strspn(value, "0123456789") == 4 && value[4] == '=') {
		int year = (int)strtol(value, NULL, 10);
		return source_set_year(&options->run.sources, year, value + 5, error);
	}
	words->given[i] = "";
	return option_take(&option_table[i], options, value, error);
}

/* Taken at once, so that it can be crossed out. */
static bool words_secret(
	struct words *words, struct options *options, unsigned i, char *value, struct error *error)
{
	bool done;
	if (strcmp(option_table[i].name, "source") == 0) {
		done = source_take(words, options, i, value, error);
	} else {
		words->given[i] = "";
		done = option_take(&option_table[i], options, value, error);
	}
	setting_scrub(value);
	return done || error_where(error, "--%s", option_table[i].name);
}

static bool words_option(
	struct words *words, struct options *options, int val, char *value, struct error *error)
{
	if (val == VAL_HELP || val == VAL_VERSION) {
		*(val == VAL_HELP ? &words->help : &words->version) = true;
		return true;
	}
	unsigned i = (unsigned)(val - VAL_FIRST);
	words->seen[i] = true;
	if (option_table[i].kind != OPTION_FLAG && value[0] == '\0')
		return error_set(
			error, ERROR_USAGE, "--%s needs a value" SEE_HELP, option_table[i].name);
	if (option_table[i].secret)
		return words_secret(words, options, i, value, error);
	words->given[i] = value != NULL ? value : "";
	if (option_table[i].kind != OPTION_LIST)
		return true;
	return option_take(&option_table[i], options, value, error) ||
	       error_where(error, "--%s", option_table[i].name);
}

/* `word` is what getopt looked at last: shown up to its =, as a password may follow. */
static bool words_wrong(int what, const char *word, struct error *error)
{
	int shown = (int)strcspn(word, "=");
	if (what == ':')
		return error_set(error, ERROR_USAGE, "%.*s needs a value" SEE_HELP, shown, word);
	if (optopt >= VAL_FIRST || optopt == VAL_HELP || optopt == VAL_VERSION)
		return error_set(error, ERROR_USAGE, "%.*s takes no value" SEE_HELP, shown, word);
	if (optopt != 0)
		return error_set(error, ERROR_USAGE, "unknown option -%c" SEE_HELP, optopt);
	return error_set(error, ERROR_USAGE, "unknown option %.*s" SEE_HELP, shown, word);
}

static bool words_operand(struct words *words, const char *word, struct error *error)
{
	/* It may be a URL with a password whose --to was forgotten. */
	int shown = (int)strcspn(word, ":=@");
	if (shown > WORD_SHOWN)
		shown = WORD_SHOWN;
	if (words->command_bit == COMMAND_MEND && words->file == NULL) {
		words->file = word;
		return true;
	}
	if (words->command != NULL)
		return error_set(error, ERROR_USAGE, "unexpected word '%.*s' after %s" SEE_HELP,
			shown, word, words->command);
	if (!words->help && strcmp(word, "help") == 0) {
		words->help = true;
		return true;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(word, commands[i].name) == 0) {
			words->command = commands[i].name;
			words->command_bit = commands[i].bit;
			return true;
		}
	return error_set(error, ERROR_USAGE, "unknown command '%.*s'" SEE_HELP, shown, word);
}

static void make_long_options(struct option all[static OPTIONS_KNOWN + 3])
{
	for (int i = 0; i < OPTIONS_KNOWN; i++) {
		bool flag = option_table[i].kind == OPTION_FLAG;
		all[i] = (struct option){ option_table[i].name,
			flag ? no_argument : required_argument, NULL, VAL_FIRST + i };
	}
	all[OPTIONS_KNOWN] = (struct option){ "help", no_argument, NULL, VAL_HELP };
	all[OPTIONS_KNOWN + 1] = (struct option){ "version", no_argument, NULL, VAL_VERSION };
	all[OPTIONS_KNOWN + 2] = (struct option){ NULL, 0, NULL, 0 };
}

bool words_read(
	struct words *words, struct options *options, int argc, char **argv, struct error *error)
{
	struct option all[OPTIONS_KNOWN + 3];
	bool done = true;
	int val;
	make_long_options(all);
	optind = 0;
	opterr = 0;
	/* "-": words come in their order, so that the first thing wrong is the one that is named.
	 */
	while (done && (val = getopt_long(argc, argv, "-:h", all, NULL)) != -1) {
		if (val == '?' || val == ':')
			done = words_wrong(val, argv[optind - 1], error);
		else if (val == VAL_WORD)
			done = words_operand(words, optarg, error);
		else
			done = words_option(words, options, val, optarg, error);
	}
	for (int i = optind; done && i < argc; i++)
		done = words_operand(words, argv[i], error);
	return done;
}

bool words_seen(const struct words *words, const char *option)
{
	for (unsigned i = 0; i < OPTIONS_KNOWN; i++)
		if (strcmp(option_table[i].name, option) == 0)
			return words->seen[i];
	return false;
}

bool words_fit(const struct words *words, struct error *error)
{
	if (words->command == NULL)
		return error_set(error, ERROR_USAGE,
			"a command is missing: run, status, history, check, clean, verify, promote, "
			"revert, mend, health, serve or report" SEE_HELP);
	if (words->command_bit == COMMAND_MEND && words->file == NULL)
		return error_set(error, ERROR_USAGE,
			"mend needs the file of mended records: dvf-import mend FILE" SEE_HELP);
	if (words->command_bit == COMMAND_REPORT && !words_seen(words, "html"))
		return error_set(error, ERROR_USAGE,
			"report needs a file to write: dvf-import report --html FILE" SEE_HELP);
	for (unsigned i = 0; i < OPTIONS_KNOWN; i++)
		if (words->seen[i] && (option_table[i].commands & words->command_bit) == 0)
			return error_set(error, ERROR_USAGE, "--%s does not go with %s" SEE_HELP,
				option_table[i].name, words->command);
	return true;
}

/* The history lies in the state folder; only to compare it, or for the rejects, is a destination
 * asked. */
bool words_connect(const struct words *words)
{
	return (words->command_bit & CONNECTING) != 0 ||
	       (words->command_bit == COMMAND_HISTORY &&
		       (words_seen(words, "verify") || words_seen(words, "rejects")));
}

bool words_answer(const struct words *words)
{
	if (words->help)
		help_print(words->command != NULL ? words->command_bit : COMMAND_EVERY);
	else if (words->version)
		help_version();
	return words->help || words->version;
}

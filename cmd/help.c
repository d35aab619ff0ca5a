#include "cmd/help.h"

#include <stdbool.h>
#include <stdio.h>

#ifndef DVF_IMPORT_VERSION
#error "DVF_IMPORT_VERSION comes from the build"
#endif

static const char all_about[] =
	"Usage: dvf-import COMMAND [OPTION]...\n"
	"\n"
	"Brings France's open real-estate sales (DVF) into PostgreSQL or an SQLite file.\n"
	"Whatever stopped it, the same command goes on where it was: no row twice, none\n"
	"lost.\n"
	"\n"
	"Examples:\n"
	"  dvf-import run                     the recent years into dvf.sqlite\n"
	"  dvf-import run --to postgresql://me@db.example/dvf --years 2021,2023-2025\n"
	"  dvf-import status --watch          how far it is, from another terminal\n"
	"  dvf-import check --to postgresql://me@db.example/dvf\n"
	"\n"
	"Commands:\n"
	"  run       import = resume = refresh; an unchanged year costs one request\n"
	"  status    where every year stands\n"
	"  history   what was done, when, from which bytes, and what was refused\n"
	"  check     looks whether a run would work, and says what to do where not\n"
	"  verify    proves that the rows in the destination equal the source\n"
	"  promote   staging becomes live; what was live is kept as the previous one\n"
	"  revert    the previous one becomes live again\n"
	"  mend      loads rejects that were mended by hand\n"
	"  clean     frees the downloaded files of years that are in\n"
	"  health    is work done, or does it go on? For a container's HEALTHCHECK\n"
	"  serve     a page that shows it live, /healthz and /metrics\n"
	"  report    the same page as one file, to attach to a ticket\n"
	"'dvf-import COMMAND --help' shows the options of one command.\n";

static const char run_about[] =
	"Usage: dvf-import run [OPTION]...\n"
	"\n"
	"Imports the years asked for, goes on where an earlier run stopped, and replaces\n"
	"years of which a new edition was published. A year is seen wholly or not at all.\n"
	"\n"
	"Examples:\n"
	"  dvf-import run --years 2024\n"
	"  dvf-import run --to postgresql://me@db.example/dvf --memory-limit 48M\n"
	"  dvf-import run --source 2024=file:///data/2024.csv.gz --years 2024\n";

static const char status_about[] =
	"Usage: dvf-import status [OPTION]...\n"
	"\n"
	"Shows where every year stands in every destination, from the state folder; also\n"
	"while a run is going on.\n"
	"\n"
	"Examples:\n"
	"  dvf-import status --watch\n"
	"  dvf-import status --json\n";

static const char history_about[] =
	"Usage: dvf-import history [OPTION]...\n"
	"\n"
	"Lists what happened, oldest first. The events form a chain of hashes, and every\n"
	"destination is told how far it goes: --verify walks it and compares. With\n"
	"--rejects: the records the destination keeps because they could not be loaded.\n"
	"\n"
	"Examples:\n"
	"  dvf-import history --year 2023 --limit 20\n"
	"  dvf-import history --verify --to postgresql://me@db.example/dvf\n"
	"  dvf-import history --rejects --csv --year 2023 > rejects.csv\n";

static const char check_about[] =
	"Usage: dvf-import check [OPTION]...\n"
	"\n"
	"Looks at memory, the state folder, the disk, the source and the destination.\n"
	"Changes nothing. Each line begins with ok, warning or fail and names the remedy.\n"
	"\n"
	"Example:\n"
	"  dvf-import check --to postgresql://me@db.example/dvf --years 2024\n";

static const char verify_about[] =
	"Usage: dvf-import verify [OPTION]...\n"
	"\n"
	"Reads each year's file again, beside the table, and compares every value. Names\n"
	"the first differences. Exit code: 0 equal, 1 different, 3 cannot be proved.\n"
	"\n"
	"Examples:\n"
	"  dvf-import verify --years 2023\n"
	"  dvf-import verify --staging --fast\n";

static const char promote_about[] =
	"Usage: dvf-import promote [OPTION]...\n"
	"\n"
	"Makes the staging database (run --staging) the live one, at once; what was live\n"
	"is kept as the previous one. Said twice it changes nothing the second time.\n"
	"\n"
	"Examples:\n"
	"  dvf-import promote --dry-run\n"
	"  dvf-import promote --drain 30 --carry\n";

static const char revert_about[] =
	"Usage: dvf-import revert [OPTION]...\n"
	"\n"
	"Makes the previous database live again and puts what was live into staging. Its\n"
	"editions are held: no run brings them back before run --release or a promote.\n"
	"\n"
	"Example:\n"
	"  dvf-import revert --dry-run\n";

static const char mend_about[] =
	"Usage: dvf-import mend FILE [OPTION]...\n"
	"\n"
	"Loads mended rejects, each to its own place of the same edition, all or none.\n"
	"FILE is CSV as history --rejects --csv writes it (- is stdin). Columns may come\n"
	"in any order; edition, year, record and raw are needed. raw is the record, with\n"
	"its 40 fields. Where raw_encoding is escaped, \\xNN is the byte NN and \\\\ is a\n"
	"backslash.\n"
	"\n"
	"Example:\n"
	"  dvf-import history --rejects --csv > rejects.csv\n"
	"  (correct the column raw, leave out the lines that shall stay rejects)\n"
	"  dvf-import mend rejects.csv\n";

static const char clean_about[] =
	"Usage: dvf-import clean [OPTION]...\n"
	"\n"
	"Removes the downloaded files of years that are in everywhere, and files nothing\n"
	"refers to any more. Never beside a run.\n"
	"\n"
	"Example:\n"
	"  dvf-import clean --dry-run\n";

static const char health_about[] =
	"Usage: dvf-import health [OPTION]...\n"
	"\n"
	"Says in a line whether the last run ended well, or one is at work and gets on.\n"
	"It only reads the state folder.\n"
	"\n"
	"Example:\n"
	"  HEALTHCHECK CMD [\"dvf-import\", \"health\"]\n";

static const char serve_about[] =
	"Usage: dvf-import serve [OPTION]...\n"
	"\n"
	"Serves a page that shows where the years stand, live, and /healthz (JSON, 200 or\n"
	"503) and /metrics (Prometheus). It only reads the state folder, also beside a\n"
	"run, and asks nobody who looks for a password: further than this machine it\n"
	"belongs behind a proxy that does. Ended by SIGINT or SIGTERM.\n"
	"\n"
	"Examples:\n"
	"  dvf-import serve\n"
	"  dvf-import serve --listen 0.0.0.0:8080 --host dvf.example.org\n";

static const char report_about[] =
	"Usage: dvf-import report --html FILE [OPTION]...\n"
	"\n"
	"Writes the page of serve, as it is now, into one file that needs nothing else.\n"
	"It names destinations, hosts and files; it holds no password.\n"
	"\n"
	"Example:\n"
	"  dvf-import report --html dvf.html\n";

/* Goes on with the text before it, in the help of one command only. */
#define ALONE (COMMAND_EVERY + 1U)

static const struct {
	unsigned commands; /* and ALONE */
	const char *text;
} groups[] = {
	{ COMMAND_EVERY,
		"\nWhere (flag over environment over default; an empty variable is not set):\n"
		"  --to URL             postgresql://USER@HOST:PORT/DB or sqlite:FILE.\n"
		"                       sqlite:///FILE is the same file. Else DATABASE_URL;\n"
		"                       else POSTGRES_HOST with POSTGRES_PORT, POSTGRES_USER,\n"
		"                       POSTGRES_PASSWORD, POSTGRES_DB; else dvf.sqlite here.\n"
		"                       What is not given comes from libpq's PG* variables.\n"
		"                       The table of status is then about this one only; history,\n"
		"                       clean, health, serve and report always see every one\n"
		"  --state FOLDER       the ledger and the downloads (DVF_STATE_DIR); default:\n"
		"                       $XDG_STATE_HOME/dvf-import, ~/.local/state/dvf-import,\n"
		"                       else ./.dvf-import\n" },
	{ COMMAND_RUN | COMMAND_CHECK | COMMAND_CLEAN | COMMAND_VERIFY | COMMAND_PROMOTE,
		"\nFrom where:\n"
		"  --source TEMPLATE    URL with {year} in it; http, https or file\n"
		"                       (DVF_SOURCE_URL); default: geo-dvf on files.data.gouv.fr\n"
		"  --source YEAR=URL    the file of one year; may be given several times\n" },
	{ COMMAND_PROMOTE | ALONE,
		"                       It is asked once more, whether it has something newer\n" },
	{ COMMAND_VERIFY | ALONE,
		"                       It is asked where the spool was cleaned; without --source\n"
		"                       the URL that the destination remembers\n" },
	{ COMMAND_RUN | COMMAND_CHECK | COMMAND_VERIFY,
		"  --years LIST         like 2021,2023-2025 (YEARS_TO_IMPORT); default: those the\n"
		"                       source has, from this year down to six before; of verify\n"
		"                       those that the destination serves\n" },
	{ COMMAND_RUN | COMMAND_CHECK | COMMAND_VERIFY | COMMAND_PROMOTE,
		"  --ca-file FILE       certificates to trust instead of the system's\n" },
	{ COMMAND_RUN | COMMAND_CHECK | COMMAND_VERIFY,
		"  --stall SECONDS      a download this long without a byte is tried again; 60\n"
		"  --retries N          tries after the first; 8\n"
		"  --download-chunk N   bytes taken at a time, 1024 to 524288\n"
		"                       (DOWNLOAD_CHUNK_SIZE); 8192\n" },
	{ COMMAND_RUN | COMMAND_CHECK | COMMAND_VERIFY,
		"\nHow much:\n"
		"  --memory-limit SIZE  bytes, or with K, M, G (MEMORY_LIMIT), at least 16M;\n"
		"                       64M, or less where the container has less\n" },
	{ COMMAND_RUN,
		"  --chunk-rows N       rows a commit, 1 to 100000 (CSV_CHUNK_SIZE), fewer where\n"
		"                       memory is short; 3000\n"
		"  --loaders N          connections that load, 1 to 16 (LOADERS); the number of\n"
		"                       cores, at most 4\n" },
	{ COMMAND_HISTORY | COMMAND_MEND | COMMAND_PROMOTE | COMMAND_REVERT, "\nHow long:\n" },
	{ COMMAND_RUN | COMMAND_CHECK | COMMAND_VERIFY | COMMAND_HISTORY | COMMAND_MEND |
			COMMAND_PROMOTE | COMMAND_REVERT,
		"  --wait SECONDS       for a server that does not answer; 60\n" },
	{ COMMAND_RUN,
		"  --snapshot-wait SECONDS\n"
		"                       for older snapshots before a year is shown; 60\n"
		"\nWhat may pass:\n"
		"  --max-rejects SHARE  of a year's records, like 0.1% or 0.001; 0.1%. Ten are\n"
		"                       always allowed\n"
		"  --allow-shrink       publish an edition that lost a fifth of its rows\n" },
	{ COMMAND_HISTORY,
		"\nOptions of history:\n"
		"  --year YEAR          events about this year only\n"
		"  --run N              events of this run only\n"
		"  --limit N            the newest N events; with --rejects the first N records\n"
		"  --verify             is the history whole, and what the destination was told\n"
		"                       it is? Exit code 1: it is not\n"
		"  --rejects            the records that could not be loaded, as they are kept\n"
		"  --csv                with --rejects: as CSV, to be mended by hand (see mend)\n" },
	{ COMMAND_STATUS, "\nOptions of status:\n"
			  "  --watch              again every second, until interrupted\n" },
	{ COMMAND_STATUS | COMMAND_HISTORY,
		"  --json               for programs (status and history)\n" },
	{ COMMAND_HEALTH,
		"\nOptions of health:\n"
		"  --within SECONDS     how long it waits for a run at work to get on; 10\n" },
	{ COMMAND_SERVE,
		"\nOptions of serve:\n"
		"  --listen HOST:PORT   an address of this machine; 127.0.0.1:8080. Others than\n"
		"                       loopback let other machines look\n"
		"  --host NAME          it answers who asks for an address, localhost or this\n"
		"                       name; may be given several times (DVF_HOSTS: commas\n"
		"                       between)\n" },
	{ COMMAND_REPORT, "\nOptions of report:\n"
			  "  --html FILE          is replaced once the new one is whole\n"
			  "  --lang LANGUAGE      en or fr; en\n" },
	{ COMMAND_CLEAN, "\nOptions of clean:\n"
			 "  --dry-run            only tell what would be freed\n" },
	{ COMMAND_RUN | COMMAND_CHECK | COMMAND_STATUS | COMMAND_VERIFY | COMMAND_HISTORY |
			COMMAND_MEND,
		"\nStaging:\n"
		"  --staging            work on <database>_staging (SQLite: a file beside the\n"
		"                       live one) instead of the live one\n" },
	{ COMMAND_RUN, "  --promote            promote at the end, if every year is in\n"
		       "  --release            load editions again that a revert holds\n" },
	{ COMMAND_RUN | COMMAND_PROMOTE,
		"  --drop-year LIST     years that live serves and the next one shall not\n" },
	{ COMMAND_RUN | COMMAND_PROMOTE | COMMAND_REVERT,
		"  --drain SECONDS      for sessions to end before they are ended; 10\n"
		"  --carry              take over what people made in the live database\n"
		"  --drop-foreign       give that up\n" },
	{ COMMAND_PROMOTE | COMMAND_REVERT,
		"  --dry-run            only tell what would be done\n" },
	{ COMMAND_RUN,
		"\nLineage (never stops or delays a run; what goes wrong is a warning):\n"
		"  --openlineage TO     OpenLineage run events, a line each added to a file, or\n"
		"                       POSTed to an http(s) URL (OPENLINEAGE_URL); one without a\n"
		"                       path gets /api/v1/lineage. OPENLINEAGE_API_KEY or\n"
		"                       OPENLINEAGE_API_KEY_FILE: the server's bearer token;\n"
		"                       OPENLINEAGE_NAMESPACE: of our jobs, dvf-import;\n"
		"                       OPENLINEAGE_DISABLED=true: none, whatever else is set\n" },
	{ COMMAND_VERIFY,
		"\nHow sure:\n"
		"  --fast               claim less: rows and rejects of every chunk, unbroken\n"
		"                       source_row, the spool's hash if it is there; no values\n" },
	{ COMMAND_EVERY,
		"\nOutput:\n"
		"  --log-format FORMAT  text, json or logfmt (LOG_FORMAT); text on a terminal,\n"
		"                       else logfmt. The log goes to stderr\n"
		"  --help, --version\n" },
	{ COMMAND_RUN | COMMAND_CHECK,
		"\nSecrets can come from files: DATABASE_URL_FILE, POSTGRES_PASSWORD_FILE and\n"
		"DVF_SOURCE_URL_FILE name them. NO_COLOR or TERM=dumb: no live lines.\n" },
};

/* As each command really ends. */
static const struct {
	unsigned commands;
	const char *names;
	const char *text;
} exits[] = {
	{ COMMAND_RUN, "run",
		"  0 every year asked for is in; 1 none is, or it could not start; 2 some are;\n"
		"  3 refused, nothing changed; 64 wrong usage; 75 interrupted, run it again to\n"
		"  go on.\n" },
	{ COMMAND_STATUS, "status",
		"  0 shown; 1 the ledger could not be read; 3 there is none yet; 64 wrong usage.\n" },
	{ COMMAND_HISTORY, "history",
		"  0 shown, and with --verify whole; 1 it is not whole, or could not be read; 3\n"
		"  nothing was imported yet; 64 wrong usage.\n" },
	{ COMMAND_CHECK, "check",
		"  0 no line begins with fail; 3 one does; 1 it could not look; 64 wrong usage;\n"
		"  75 interrupted.\n" },
	{ COMMAND_VERIFY, "verify",
		"  0 every year is equal; 1 one is different; 3 one cannot be proved (its edition\n"
		"  is to be had no more, the year is not served, no connection) and none is\n"
		"  different; 64 wrong usage; 75 interrupted.\n" },
	{ COMMAND_PROMOTE | COMMAND_REVERT, "promote and revert",
		"  0 done, or there was nothing to do; 1 it could not be done; 3 refused for the\n"
		"  reasons named, nothing changed; 64 wrong usage; 75 interrupted.\n" },
	{ COMMAND_MEND, "mend",
		"  0 all were mended, or FILE has none; 1 none was, or that is not known; 3\n"
		"  refused, nothing changed; 64 wrong usage; 75 interrupted.\n" },
	{ COMMAND_CLEAN, "clean",
		"  0 done, or there was nothing to free; 1 a run is going on, or it could not be\n"
		"  done; 3 the ledger is not to be used, run first; 64 wrong usage.\n" },
	{ COMMAND_HEALTH, "health", "  0 work is done or goes on; 1 neither; 64 wrong usage.\n" },
	{ COMMAND_SERVE, "serve",
		"  0 ended by a signal; 1 it could not go on; 3 the address is not to be had; 64\n"
		"  wrong usage.\n" },
	{ COMMAND_REPORT, "report",
		"  0 written; 1 it could not be; 3 there is no ledger yet; 64 wrong usage.\n" },
};

static const char *about(unsigned command)
{
	switch (command) {
	case COMMAND_RUN:
		return run_about;
	case COMMAND_STATUS:
		return status_about;
	case COMMAND_HISTORY:
		return history_about;
	case COMMAND_CHECK:
		return check_about;
	case COMMAND_CLEAN:
		return clean_about;
	case COMMAND_VERIFY:
		return verify_about;
	case COMMAND_PROMOTE:
		return promote_about;
	case COMMAND_REVERT:
		return revert_about;
	case COMMAND_MEND:
		return mend_about;
	case COMMAND_HEALTH:
		return health_about;
	case COMMAND_SERVE:
		return serve_about;
	case COMMAND_REPORT:
		return report_about;
	default:
		return all_about;
	}
}

void help_print(unsigned command)
{
	fputs(about(command), stdout);
	bool every = command == COMMAND_EVERY;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if ((groups[i].commands & command) != 0 &&
			!(every && (groups[i].commands & ALONE) != 0))
			fputs(groups[i].text, stdout);
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		if ((exits[i].commands & command) != 0)
			printf("\nExit code%s%s:\n%s", every ? " of " : "",
				every ? exits[i].names : "", exits[i].text);
}

void help_version(void)
{
	puts("dvf-import " DVF_IMPORT_VERSION);
}

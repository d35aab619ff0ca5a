#include "stages/spool_sweep.h"

#include <dirent.h>
#include <string.h>

#include "stages/spool.h"
#include "state/base/log.h"

/* As spool_name writes it: a year, twelve digits of the edition, its ending. */
static bool is_spool_name(const char *file)
{
	return strspn(file, "0123456789") == 4 && file[4] == '-' &&
	       strspn(file + 5, "0123456789abcdef") == 12 &&
	       (strcmp(file + 17, ".csv") == 0 || strcmp(file + 17, ".csv.gz") == 0);
}

static bool sweep(const char *folder, const char *file, struct ledger *ledger, struct error *error)
{
	bool named = false;
	struct error said;
	if (!is_spool_name(file))
		return true;
	if (!ledger_spool_named(ledger, file, &named, error))
		return false;
	if (!named && !spool_remove(folder, file, NULL, &said))
		log_note(LOG_WARNING, 0, "%s", said.text);
	return true;
}

bool spool_sweep(const char *folder, struct ledger *ledger, struct error *error)
{
	bool done = true;
	DIR *listing = opendir(folder);
	if (listing == NULL)
		return true; /* it is made with the first download, which says what is wrong with it
			      */
	for (struct dirent *entry; done && (entry = readdir(listing)) != NULL;)
		done = sweep(folder, entry->d_name, ledger, error);
	closedir(listing);
	return done;
}

#include <stdio.h>
#include <string.h>

#include "stages/pipeline_work.h"
#include "stages/spool.h"
#include "stages/year.h"
#include "state/base/log.h"

/* A publish whose record was lost (a kill between the two, a new ledger) is told now. */
static bool tell_if_found(
	struct pipeline *pipeline, const struct edition_memory *served, struct error *error)
{
	int year = served->edition.year;
	bool told = false;
	if (!ledger_published_last(pipeline->ledger, pipeline->sink->uuid, year,
		    served->edition.sha256, &told, error))
		return false;
	if (told)
		return true;
	const struct field fields[] = { FIELD_T("destination", pipeline->sink->uuid),
		FIELD_T("edition", served->edition.sha256), FIELD_T("url", served->edition.url),
		FIELD_N("rows", served->rows), FIELD_N("rejects", served->rejects) };
	return ledger_event(pipeline->ledger, "year found published", year, fields, 5, error);
}

/* What the ledger and the destinations know; a spool that is gone from the disk is forgotten. */
static bool look_up(struct pipeline *pipeline, struct work *work, const char *shown,
	struct edition_memory *served, struct error *error)
{
	int year = work->progress->state.year;
	struct ahead_task *task = &work->task;
	bool *serving = &work->progress->serving;
	*serving = false;
	if ((pipeline->taken && !pipeline->sink->ops->published(
					pipeline->sink, year, served, serving, error)) ||
		!staging_look_back(pipeline, work, error) ||
		!ledger_spool_get(
			pipeline->ledger, year, shown, &work->spool, &work->has_spool, error) ||
		!ledger_part_get(
			pipeline->ledger, year, shown, &task->part, &task->has_part, error))
		return false;
	if (!work->has_spool || spool_there(pipeline->settings->fetch.spool_folder, &work->spool))
		return true;
	log_note(LOG_WARNING, year, "the spool %s is gone; it is fetched again if it is needed",
		work->spool.file);
	work->has_spool = false;
	return ledger_spool_drop(pipeline->ledger, year, shown, error);
}

/* Whether the destination has begun with the spool at hand, or has a verdict on it. */
static bool is_begun(
	struct pipeline *pipeline, const struct work *work, bool *begun, struct error *error)
{
	struct edition edition;
	struct edition_memory memory = { .stage = EDITION_PUBLISHED };
	bool found = false;
	*begun = false;
	if (!pipeline->taken || !work->has_spool)
		return true;
	year_edition(&work->spool, &edition);
	if (!pipeline->sink->ops->recall(pipeline->sink, &edition, &memory, &found, error))
		return false;
	*begun = found && memory.stage != EDITION_PUBLISHED;
	return true;
}

/* What the source is asked about, and what an answer of "unchanged" will mean. A spool that was not
 * begun with may be older than what is served, where another source or host brought that. */
static void decide(struct work *work, const char *shown, const struct edition *served, bool begun)
{
	bool serving = work->progress->serving;
	const struct edition *known = serving ? served : NULL;
	if (known == NULL && work->in_live)
		known = &work->lives.edition;
	bool known_from_here = known != NULL && strcmp(known->url, shown) == 0;
	work->task.has_have = work->has_spool || known_from_here;
	if (work->has_spool)
		work->task.have = work->spool.validators;
	else if (known_from_here)
		work->task.have = known->validators;
	bool same = serving && work->has_spool && strcmp(served->sha256, work->spool.sha256) == 0;
	bool live = work->has_spool ? staging_is_live(work, work->spool.sha256)
				    : !serving && known_from_here;
	work->copy_if_same = work->in_live && live && !same;
	bool differs = work->has_spool && !same && !live;
	work->refresh = differs && (known == NULL || begun);
	work->confirm = differs && !work->refresh;
}

/* What is known of a year before the source is asked. */
bool work_look_back(struct pipeline *pipeline, struct work *work, struct error *error)
{
	struct ahead_task *task = &work->task;
	struct edition_memory served = { .stage = EDITION_PUBLISHED };
	char shown[URL_MAX];
	source_url(&pipeline->settings->sources, work->progress->state.year, task->url);
	source_url_shown(task->url, shown);
	bool begun = false;
	if (!look_up(pipeline, work, shown, &served, error) ||
		!is_begun(pipeline, work, &begun, error))
		return false;
	if (!task->has_part)
		snprintf(task->part.url, sizeof(task->part.url), "%s", shown);
	decide(work, shown, &served.edition, begun);
	if (!work->progress->serving)
		return true;
	work->served = served;
	work->progress->state.rows = served.rows;
	work->progress->state.rejects = served.rejects;
	memcpy(work->progress->state.sha256, served.edition.sha256, sizeof(served.edition.sha256));
	return tell_if_found(pipeline, &served, error);
}

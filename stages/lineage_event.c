#include "stages/lineage_event.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "state/json.h"

#ifndef DVF_IMPORT_VERSION
#error "DVF_IMPORT_VERSION comes from the build"
#endif

#define PRODUCER "urn:dvf-import:" DVF_IMPORT_VERSION

static const char *const type_words[] = {
	[LINEAGE_START] = "START",
	[LINEAGE_COMPLETE] = "COMPLETE",
	[LINEAGE_FAIL] = "FAIL",
	[LINEAGE_ABORT] = "ABORT",
};

bool lineage_uuid(char id[static LINEAGE_UUID])
{
	struct timespec now;
	unsigned char bytes[16];
	char hex[33];
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	/* RFC 9562: 48 bits of time, version and variant, the rest random. */
	for (int i = 0; i < 6; i++)
		bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x70);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	snprintf(id, LINEAGE_UUID, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		hex + 20);
	return true;
}

static void time_now(char at[static 40])
{
	struct timespec now;
	struct tm utc;
	char second[32] = "";
	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc) != NULL)
		strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(at, 40, "%s.%03ldZ", second, now.tv_nsec / 1000000);
}

bool lineage_text_add(struct buf *json, const char *name, const char *text, struct error *error)
{
	return json_add_name(json, name, error) && json_add_text(json, text, error);
}

bool lineage_number_add(struct buf *json, const char *name, uint64_t number, struct error *error)
{
	return json_add_name(json, name, error) &&
	       buf_print(json, error, "%llu", (unsigned long long)number);
}

bool lineage_object_begin(struct buf *json, const char *name, struct error *error)
{
	return json_add_name(json, name, error) && buf_add(json, "{", 1, error);
}

bool lineage_facet_begin(struct buf *json, const char *name, const char *version,
	const char *schema, struct error *error)
{
	return lineage_object_begin(json, name, error) &&
	       lineage_text_add(json, "_producer", PRODUCER, error) &&
	       buf_print(json, error,
		       ",\"_schemaURL\":\"" LINEAGE_SPEC "facets/%s/%s.json#/$defs/%s\"", version,
		       schema, schema);
}

static bool engine_add(struct buf *json, struct error *error)
{
	return lineage_facet_begin(
		       json, "processing_engine", "1-1-1", "ProcessingEngineRunFacet", error) &&
	       lineage_text_add(json, "version", DVF_IMPORT_VERSION, error) &&
	       lineage_text_add(json, "name", "dvf-import", error) &&
	       lineage_text_add(json, "openlineageAdapterVersion", DVF_IMPORT_VERSION, error) &&
	       buf_add(json, "}", 1, error);
}

static bool parent_add(struct buf *json, const struct lineage_run *run, struct error *error)
{
	if (run->parent[0] == '\0')
		return true;
	return lineage_facet_begin(json, "parent", "1-0-1", "ParentRunFacet", error) &&
	       lineage_object_begin(json, "run", error) &&
	       lineage_text_add(json, "runId", run->parent, error) &&
	       buf_add(json, "}", 1, error) && lineage_object_begin(json, "job", error) &&
	       lineage_text_add(json, "namespace", run->job_namespace, error) &&
	       lineage_text_add(json, "name", LINEAGE_JOB, error) && buf_add(json, "}}", 2, error);
}

static bool message_add(struct buf *json, const char *message, struct error *error)
{
	if (message == NULL)
		return true;
	return lineage_facet_begin(json, "errorMessage", "1-0-1", "ErrorMessageRunFacet", error) &&
	       lineage_text_add(json, "message", message, error) &&
	       lineage_text_add(json, "programmingLanguage", "C", error) &&
	       buf_add(json, "}", 1, error);
}

static bool run_add(struct buf *json, const struct lineage_event *event, struct error *error)
{
	return lineage_object_begin(json, "run", error) &&
	       lineage_text_add(json, "runId", event->run->id, error) &&
	       lineage_object_begin(json, "facets", error) && engine_add(json, error) &&
	       parent_add(json, event->run, error) && message_add(json, event->message, error) &&
	       buf_add(json, "}}", 2, error);
}

static bool job_add(struct buf *json, const struct lineage_run *run, struct error *error)
{
	return lineage_object_begin(json, "job", error) &&
	       lineage_text_add(json, "namespace", run->job_namespace, error) &&
	       lineage_text_add(json, "name", run->job, error) && buf_add(json, "}", 1, error);
}

bool lineage_event_make(struct buf *json, const struct lineage_event *event, struct error *error)
{
	char at[40];
	time_now(at);
	return buf_add(json, "{", 1, error) &&
	       lineage_text_add(json, "eventType", type_words[event->type], error) &&
	       lineage_text_add(json, "eventTime", at, error) && run_add(json, event, error) &&
	       job_add(json, event->run, error) && lineage_datasets_add(json, event, error) &&
	       lineage_text_add(json, "producer", PRODUCER, error) &&
	       lineage_text_add(json, "schemaURL",
		       LINEAGE_SPEC "2-0-2/OpenLineage.json#/$defs/RunEvent", error) &&
	       buf_add(json, "}", 1, error);
}

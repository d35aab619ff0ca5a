#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "stages/columns.h"
#include "stages/lineage_event.h"
#include "state/json.h"

/* Types as a reader of the dataset finds them. The source is text; what it is read as is told. */
static const char *const types[] = {
	[COLUMN_CODE] = "text",
	[COLUMN_TEXT] = "text",
	[COLUMN_DATE] = "date",
	[COLUMN_SMALLINT] = "smallint",
	[COLUMN_INTEGER] = "integer",
	[COLUMN_PRICE] = "numeric(16,2)",
	[COLUMN_AREA] = "numeric(12,2)",
	[COLUMN_DEGREE] = "double precision",
};
static const char *const types_sqlite[] = {
	[COLUMN_CODE] = "TEXT",
	[COLUMN_TEXT] = "TEXT",
	[COLUMN_DATE] = "TEXT",
	[COLUMN_SMALLINT] = "INTEGER",
	[COLUMN_INTEGER] = "INTEGER",
	[COLUMN_PRICE] = "NUMERIC",
	[COLUMN_AREA] = "NUMERIC",
	[COLUMN_DEGREE] = "REAL",
};

static bool field_add(struct buf *json, unsigned position, const char *name, const char *type,
	struct error *error)
{
	return buf_add_text(json, position > 1 ? ",{" : "{", error) &&
	       lineage_text_add(json, "name", name, error) &&
	       lineage_text_add(json, "type", type, error) &&
	       lineage_number_add(json, "ordinal_position", position, error) &&
	       buf_add(json, "}", 1, error);
}

/* The forty columns, and for a table our two behind them. */
static bool schema_add(
	struct buf *json, const char *const *words, bool of_table, struct error *error)
{
	bool done = lineage_facet_begin(json, "schema", "1-2-0", "SchemaDatasetFacet", error) &&
		    json_add_name(json, "fields", error) && buf_add(json, "[", 1, error);
	for (unsigned i = 0; done && i < COLUMNS; i++)
		done = field_add(json, i + 1, columns[i].name, words[columns[i].type], error);
	if (done && of_table)
		done = field_add(json, COLUMNS + 1, "source_year", words[COLUMN_SMALLINT], error) &&
		       field_add(json, COLUMNS + 2, "source_row", words[COLUMN_INTEGER], error);
	return done && buf_add(json, "]}", 2, error);
}

/* What cannot stand in a URI as it is becomes %XX; what is encoded already stays. */
static bool uri_add(struct buf *uri, const char *text, struct error *error)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "-._~/:@!$&'()*+,;=%[]";
	bool done = true;
	for (const char *c = text; done && *c != '\0'; c++)
		done = strchr(plain, *c) != NULL
			       ? buf_add(uri, c, 1, error)
			       : buf_print(uri, error, "%%%02X", (unsigned)(unsigned char)*c);
	return done;
}

static bool datasource_add(struct buf *json, const char *name, const char *before, const char *path,
	struct error *error)
{
	struct buf uri = { 0 };
	bool done =
		uri_add(&uri, before, error) && uri_add(&uri, path, error) &&
		lineage_facet_begin(json, "dataSource", "1-0-1", "DatasourceDatasetFacet", error) &&
		lineage_text_add(json, "name", name, error) &&
		lineage_text_add(json, "uri", uri.bytes, error) && buf_add(json, "}", 1, error);
	buf_free(&uri);
	return done;
}

static bool version_add(struct buf *json, const char *version, struct error *error)
{
	return version[0] == '\0' ||
	       (lineage_facet_begin(
			json, "version", "1-0-1", "DatasetVersionDatasetFacet", error) &&
		       lineage_text_add(json, "datasetVersion", version, error) &&
		       buf_add(json, "}", 1, error));
}

static bool name_add(struct buf *json, const char *space, const char *name, struct error *error)
{
	return buf_add(json, "{", 1, error) && lineage_text_add(json, "namespace", space, error) &&
	       lineage_text_add(json, "name", name, error) &&
	       lineage_object_begin(json, "facets", error);
}

/* Records read, and the bytes they came in; which of them are empty is not counted. */
static bool input_figures_add(
	struct buf *json, const struct lineage_event *event, struct error *error)
{
	const struct lineage_figures *figures = event->figures;
	if (figures == NULL || figures->rows + figures->rejects == 0)
		return true;
	return lineage_object_begin(json, "inputFacets", error) &&
	       lineage_facet_begin(json, "dataQualityMetrics", "1-0-3",
		       "DataQualityMetricsInputDatasetFacet", error) &&
	       lineage_number_add(json, "rowCount", figures->rows + figures->rejects, error) &&
	       lineage_number_add(json, "bytes", event->edition->packed_size, error) &&
	       lineage_number_add(json, "fileCount", 1, error) &&
	       lineage_object_begin(json, "columnMetrics", error) && buf_add(json, "}}}", 3, error);
}

/* The table serves many years: its version is told for the one in question. */
static bool table_version_add(struct buf *json, const struct edition *edition, struct error *error)
{
	char version[SHA256_HEX + 16];
	snprintf(version, sizeof(version), "%d:%s", edition->year, edition->sha256);
	return version_add(json, version, error);
}

static bool table_names(
	struct buf *space, struct buf *name, const struct sink_place *place, struct error *error)
{
	if (place->server[0] == '\0')
		return buf_add_text(space, "file", error) &&
		       buf_add_text(name, place->database, error);
	return buf_print(space, error, "postgres://%s", place->server) &&
	       buf_print(name, error, "%s.%s.dvf", place->database, place->schema);
}

/* Its names and facets, to which the caller may add; then two braces are to be closed. */
static bool table_add(struct buf *json, const struct sink_place *place, struct error *error)
{
	bool local = place->server[0] == '\0';
	struct buf space = { 0 };
	struct buf name = { 0 };
	struct buf before = { 0 };
	bool done = table_names(&space, &name, place, error) &&
		    buf_print(&before, error, "%s%s", local ? "file://" : space.bytes,
			    local ? "" : "/") &&
		    name_add(json, space.bytes, name.bytes, error) &&
		    datasource_add(json, space.bytes, before.bytes, place->database, error) &&
		    schema_add(json, local ? types_sqlite : types, true, error);
	buf_free(&before);
	buf_free(&name);
	buf_free(&space);
	return done;
}

/* A URL is parted after its host: what is before names the source, the path the file in it. */
static bool source_add(struct buf *json, const struct lineage_event *event, struct error *error)
{
	char url[URL_MAX];
	char space[URL_MAX];
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(event->edition->url, "?#"),
		event->edition->url);
	bool local = strncasecmp(url, "file:", 5) == 0;
	const char *host = strstr(url, "://");
	const char *path = host != NULL ? host + 3 + strcspn(host + 3, "/") : url;
	snprintf(space, sizeof(space), "%.*s", local ? 4 : (int)(path - url), url);
	return name_add(json, space, path, error) && datasource_add(json, space, url, "", error) &&
	       version_add(json, event->edition->sha256, error) &&
	       schema_add(json, types, false, error) && buf_add(json, "}", 1, error) &&
	       input_figures_add(json, event, error) && buf_add(json, "}", 1, error);
}

static bool input_add(struct buf *json, const struct lineage_event *event, struct error *error)
{
	if (event->from == NULL)
		return source_add(json, event, error);
	return table_add(json, event->from, error) &&
	       table_version_add(json, event->edition, error) && buf_add(json, "}}", 2, error);
}

static bool column_metric_add(
	struct buf *json, const char *name, uint64_t rows, bool distinct, struct error *error)
{
	return lineage_object_begin(json, name, error) &&
	       lineage_number_add(json, "nullCount", 0, error) &&
	       (!distinct || lineage_number_add(json, "distinctCount", rows, error)) &&
	       lineage_number_add(json, "count", rows, error) && buf_add(json, "}", 1, error);
}

/* What constraints and checks of the table prove, so that no row has to be read again for it. */
static bool quality_add(struct buf *json, uint64_t rows, struct error *error)
{
	bool done = lineage_facet_begin(json, "dataQualityMetrics", "1-0-0",
			    "DataQualityMetricsDatasetFacet", error) &&
		    lineage_number_add(json, "rowCount", rows, error) &&
		    lineage_object_begin(json, "columnMetrics", error);
	for (unsigned i = 0; done && i < COLUMNS; i++)
		if (columns[i].required)
			done = column_metric_add(json, columns[i].name, rows, false, error);
	return done && column_metric_add(json, "source_year", rows, false, error) &&
	       column_metric_add(json, "source_row", rows, true, error) &&
	       buf_add(json, "}}", 2, error);
}

/* Only of a year that is in: before, the table has nothing of it. */
static bool output_figures_add(
	struct buf *json, const struct lineage_event *event, struct error *error)
{
	const struct lineage_figures *figures = event->figures;
	if (event->type != LINEAGE_COMPLETE || figures == NULL)
		return buf_add(json, "}", 1, error);
	return quality_add(json, figures->rows, error) && buf_add(json, "}", 1, error) &&
	       lineage_object_begin(json, "outputFacets", error) &&
	       lineage_facet_begin(json, "outputStatistics", "1-0-2",
		       "OutputStatisticsOutputDatasetFacet", error) &&
	       lineage_number_add(json, "rowCount", figures->rows, error) &&
	       (figures->plain_size == 0 ||
		       lineage_number_add(json, "size", figures->plain_size, error)) &&
	       buf_add(json, "}}", 2, error);
}

static bool output_add(struct buf *json, const struct lineage_event *event, struct error *error)
{
	return table_add(json, event->place, error) &&
	       (event->type != LINEAGE_COMPLETE ||
		       table_version_add(json, event->edition, error)) &&
	       output_figures_add(json, event, error) && buf_add(json, "}", 1, error);
}

bool lineage_datasets_add(struct buf *json, const struct lineage_event *event, struct error *error)
{
	if (event->edition == NULL)
		return true;
	bool done = json_add_name(json, "inputs", error) && buf_add(json, "[", 1, error) &&
		    input_add(json, event, error) && buf_add(json, "]", 1, error);
	if (!done || event->place == NULL)
		return done;
	return json_add_name(json, "outputs", error) && buf_add(json, "[", 1, error) &&
	       output_add(json, event, error) && buf_add(json, "]", 1, error);
}

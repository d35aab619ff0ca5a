#include "stages/lineage_left.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state/base/file.h"

#define FILE_NAME "openlineage.open"
#define NONE      "-"
#define LINE_ROOM 512

static bool path_make(const char *state_folder, const char *ending, char **path)
{
	if (asprintf(path, "%s/%s%s", state_folder, FILE_NAME, ending) == -1)
		*path = NULL;
	return *path != NULL;
}

static bool is_uuid(const char *text)
{
	return strlen(text) == LINEAGE_UUID - 1 &&
	       strspn(text, "0123456789abcdef-") == LINEAGE_UUID - 1;
}

/* "<id> <parent or -> <job> <namespace>": the last may hold blanks. */
static bool line_read(char *line, struct lineage_run *run)
{
	char *rest = line;
	line[strcspn(line, "\n")] = '\0';
	const char *id = strsep(&rest, " ");
	const char *parent = strsep(&rest, " ");
	const char *job = strsep(&rest, " ");
	if (parent == NULL || job == NULL || rest == NULL || !is_uuid(id) ||
		(strcmp(parent, NONE) != 0 && !is_uuid(parent)) || job[0] == '\0' ||
		strlen(job) >= sizeof(run->job) || rest[0] == '\0' ||
		strlen(rest) >= sizeof(run->job_namespace))
		return false;
	*run = (struct lineage_run){ 0 };
	snprintf(run->id, sizeof(run->id), "%s", id);
	snprintf(run->parent, sizeof(run->parent), "%s", is_uuid(parent) ? parent : "");
	snprintf(run->job, sizeof(run->job), "%s", job);
	snprintf(run->job_namespace, sizeof(run->job_namespace), "%s", rest);
	return true;
}

void lineage_left_read(const char *state_folder, struct lineage_runs *runs)
{
	char *path = NULL;
	char line[LINE_ROOM];
	runs->count = 0;
	FILE *file = path_make(state_folder, "", &path) ? fopen(path, "re") : NULL;
	while (file != NULL && runs->count < LINEAGE_OPEN_MAX &&
		fgets(line, sizeof(line), file) != NULL)
		if (line_read(line, &runs->items[runs->count]))
			runs->count++;
	if (file != NULL)
		(void)fclose(file);
	free(path);
}

static bool lines_write(int fd, const struct lineage_runs *runs)
{
	bool done = true;
	for (unsigned i = 0; done && i < runs->count; i++) {
		const struct lineage_run *run = &runs->items[i];
		done = dprintf(fd, "%s %s %s %s\n", run->id,
			       run->parent[0] != '\0' ? run->parent : NONE, run->job,
			       run->job_namespace) > 0;
	}
	return done;
}

void lineage_left_write(const char *state_folder, const struct lineage_runs *runs)
{
	char *path = NULL;
	char *fresh = NULL;
	if (!path_make(state_folder, "", &path) || !path_make(state_folder, ".new", &fresh))
		goto out;
	if (runs->count == 0) {
		(void)unlink(path);
		goto out;
	}
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool done = fd != -1 && lines_write(fd, runs);
	file_close(&fd);
	if (!done || rename(fresh, path) == -1)
		(void)unlink(fresh);
out:
	free(fresh);
	free(path);
}

#include "cmd/hosts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SEPARATORS ", "
#define LETTERS    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

bool hosts_add(struct hosts *hosts, const char *text, struct error *error)
{
	const char *at = text + strspn(text, SEPARATORS);
	for (; *at != '\0'; at += strspn(at, SEPARATORS)) {
		size_t size = strcspn(at, SEPARATORS);
		if (size >= HOST_SIZE || strspn(at, LETTERS) < size)
			return error_set(error, ERROR_USAGE,
				"'%.60s' is not the name of a host, like dvf.example.org", text);
		if (hosts->count == HOSTS_MOST)
			return error_set(error, ERROR_USAGE, "at most %d names", HOSTS_MOST);
		snprintf(hosts->names[hosts->count++], HOST_SIZE, "%.*s", (int)size, at);
		at += size;
	}
	return true;
}

/* Of "name:port" or "[address]:port" what is before the port; "": it is neither. */
static void without_port(const char *asked, char host[static HOST_SIZE])
{
	bool brackets = asked[0] == '[';
	const char *first = asked + brackets;
	size_t size = strcspn(first, brackets ? "]" : ":");
	const char *rest = first + size + (brackets && first[size] == ']');
	bool whole = !brackets || first[size] == ']';
	bool port = rest[0] == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1);
	host[0] = '\0';
	if (whole && size < HOST_SIZE && (rest[0] == '\0' || port))
		snprintf(host, HOST_SIZE, "%.*s", (int)size, first);
}

bool hosts_take(const struct hosts *hosts, const char *asked)
{
	unsigned char address[sizeof(struct in6_addr)];
	char host[HOST_SIZE];
	if (asked == NULL)
		return true;
	without_port(asked, host);
	if (asked[0] == '[')
		return inet_pton(AF_INET6, host, address) == 1;
	bool taken = strcasecmp(host, "localhost") == 0 || inet_pton(AF_INET, host, address) == 1;
	for (unsigned i = 0; !taken && host[0] != '\0' && i < hosts->count; i++)
		taken = strcasecmp(host, hosts->names[i]) == 0;
	return taken;
}

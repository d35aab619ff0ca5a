/* Sources that are not plain http: file:// and https. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/fetch_fixture.h"

#define SIZE 50000

static unsigned char *body;

static int body_begin(void **state)
{
	struct error error;
	(void)state;
	body = body_make(SIZE, 7);
	return fetch_start(&error) ? 0 : -1;
}

static int body_end(void **state)
{
	(void)state;
	free(body);
	fetch_end();
	return 0;
}

static void test_local_file(void **state)
{
	struct fetch_fixture *fixture = *state;
	char folder[] = "/tmp/fetch-local-XXXXXX";
	char path[64];
	char url[80];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a b.gz", folder);
	snprintf(url, sizeof(url), "file://%s/a%%20b.gz", folder);
	fixture->request.url = url;
	fixture_refuse(fixture, ERROR_GONE, "no such file");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, body, SIZE), SIZE);
	close(fd);
	fixture_expect(fixture, body, SIZE);
	assert_string_equal(fixture->spool.validators.last_modified, "");

	bool there = false;
	struct validators validators;
	assert_true(fetch_probe(&fixture->settings, url, &there, &validators, &fixture->error));
	assert_true(there);
	unlink(path);
	assert_true(fetch_probe(&fixture->settings, url, &there, &validators, &fixture->error));
	assert_false(there);
	snprintf(url, sizeof(url), "file://%s", folder);
	assert_false(fixture_fetch(fixture));
	rmdir(folder);
}

/* Runs `openssl s_server -HTTP`, which sends files as they are. 0: there is no openssl here. */
static pid_t secure_start(const char *folder, int port)
{
	char accept_at[32];
	char command[256];
	snprintf(command, sizeof(command),
		"cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -days 2 "
		"-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 >/dev/null 2>&1",
		folder);
	if (system(command) != 0)
		return 0;
	snprintf(accept_at, sizeof(accept_at), "127.0.0.1:%d", port);
	pid_t child = fork();
	if (child != 0)
		return child;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (chdir(folder) == 0)
		execlp("openssl", "openssl", "s_server", "-HTTP", "-quiet", "-accept", accept_at,
			"-cert", "c", "-key", "k", (char *)NULL);
	_exit(127);
}

/* https never falls to http, neither at once nor by way of a chain that began with http. */
static void test_https_is_not_left(void **state)
{
	struct fetch_fixture *fixture = *state;
	struct site unused;
	char url[64];
	char file[96];
	site_start(&unused);
	site_end(&unused);
	pid_t server = secure_start(fixture->folder, unused.port);
	if (server == 0)
		skip();
	snprintf(file, sizeof(file), "%s/x", fixture->folder);
	FILE *reply = fopen(file, "w");
	assert_non_null(reply);
	fprintf(reply, "HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:%d/y\r\n\r\n",
		fixture->other.port);
	fclose(reply);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/x", unused.port);
	fixture->request.url = url;
	fixture->settings.retries = 8;
	fixture->settings.backoff_ms = 50;
	fixture_refuse(fixture, ERROR_NETWORK, "certificate");
	assert_null(strstr(fixture->error.text, "tried"));

	snprintf(file, sizeof(file), "%s/c", fixture->folder);
	fixture->settings.ca_file = file;
	fixture_refuse(fixture, ERROR_NETWORK, "away from https");
	site_reply(&fixture->site, NULL, 0, "HTTP/1.1 302 Found\nLocation: %s\nContent-Length: 0\n",
		url);
	fixture->request.url = fixture->url;
	fixture_refuse(fixture, ERROR_NETWORK, "away from https");
	assert_int_equal(fixture->site.asked, 1);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	/* Connected to, perhaps, but nothing was asked there. */
	assert_string_equal(fixture->other.requests[0], "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_local_file),
		TEST(test_https_is_not_left),
	};
	setenv("no_proxy", "*", 1);
	return cmocka_run_group_tests(tests, body_begin, body_end);
}

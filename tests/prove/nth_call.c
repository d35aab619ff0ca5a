// nth-call: run a program and meet it at its n-th system call.
//
//   nth-call [-c CALLS] [-l LOG] [-k N | -s N | -e N:ERRNO | -E N:ERRNO] PROGRAM [ARGUMENT...]
//
//   -c  the calls to count, by name, separated by commas, but not what is written to stdout and
//       stderr; without it: all of them
//   -l  write a line a counted call: number, name, path or descriptor, offset, size of the file;
//       then "total N"
//   -k  SIGKILL the program as it makes the N-th, before the call is done
//   -s  SIGSTOP it there; SIGCONT lets it go on
//   -e  let the N-th fail with this errno; -E: the N-th and all that follow. Where the errno says
//       that a connection is lost, the socket is shut down as well
//
// Calls are counted over all threads, in the order they come, from the program's first instruction
// on: strace's when= counts each thread for itself, so it cannot say "the n-th". A seccomp filter
// hands every call to us before it is done (SECCOMP_RET_USER_NOTIF, Linux 5.5; seccomp_unotify(2));
// calls that are not counted run at full speed. Exit code: that of the program, 137 when it was
// killed.

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct plan {
	const char *calls; // NULL: all
	FILE *log;
	uint64_t kill_at; // 0: never
	int kill_with;
	uint64_t fail_at;
	bool fail_on; // the calls after it too
	int fail_with;
};

static void die(const char *what)
{
	fprintf(stderr, "nth-call: %s: %s\n", what, strerror(errno));
	exit(125);
}

static int errno_by_name(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} known[] = { { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EMFILE", EMFILE },
		{ "ENOMEM", ENOMEM }, { "EINTR", EINTR }, { "ECONNRESET", ECONNRESET },
		{ "ETIMEDOUT", ETIMEDOUT }, { "EPIPE", EPIPE }, { "EDQUOT", EDQUOT },
		{ "EACCES", EACCES }, { "EROFS", EROFS }, { "EAGAIN", EAGAIN } };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].number;
	fprintf(stderr, "nth-call: unknown error %s\n", name);
	exit(64);
}

static bool is_listed(const char *calls, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = calls; (at = strstr(at, name)) != NULL; at += length)
		if ((at == calls || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
			return true;
	return false;
}

// A filter that hands the wanted calls to us, and execve, at which the child waits until we have
// its listener. rt_sigreturn has no place to come back to and is left alone.
static scmp_filter_ctx filter_of(const struct plan *plan)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (filter == NULL)
		die("seccomp_init");
	for (int number = 0; number < 1024; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
		if (name != NULL && strcmp(name, "rt_sigreturn") != 0 &&
			(plan->calls == NULL || number == SCMP_SYS(execve) ||
				is_listed(plan->calls, name)) &&
			(errno = -seccomp_rule_add(filter, SCMP_ACT_NOTIFY, number, 0)) != 0)
			die("seccomp_rule_add");
		free(name);
	}
	return filter;
}

static void run_program(const struct plan *plan, char **words)
{
	scmp_filter_ctx filter = filter_of(plan);
	if ((errno = -seccomp_load(filter)) != 0)
		die("seccomp_load");
	execvp(words[0], words);
	die(words[0]);
}

// The descriptor on which the child's calls come: it is looked for in the child, for the child can
// tell us nothing any more once its calls wait for us.
static int listener_of(pid_t child)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	if (pidfd == -1)
		die("pidfd_open");
	for (int tries = 0; tries < 20000; tries++) {
		for (int number = 3; number < 64; number++) {
			char path[64], target[64] = "";
			snprintf(path, sizeof path, "/proc/%d/fd/%d", child, number);
			if (readlink(path, target, sizeof target - 1) > 0 &&
				strcmp(target, "anon_inode:seccomp notify") == 0) {
				int listener = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
				if (listener == -1)
					die("pidfd_getfd");
				close(pidfd);
				return listener;
			}
		}
		usleep(200);
	}
	errno = ETIMEDOUT;
	die("no listener");
	return -1;
}

static void read_text(pid_t pid, uint64_t address, char *out, size_t size)
{
	// piece by piece: the text may stand at the end of what is mapped
	for (size_t done = 0; done + 1 < size; done++) {
		struct iovec here = { out + done, 1 },
			     there = { (void *)(uintptr_t)(address + done), 1 };
		if (process_vm_readv(pid, &here, 1, &there, 1, 0) != 1)
			out[done] = '\0';
		if (out[done] == '\0')
			return;
	}
	out[size - 1] = '\0';
}

static int64_t position_of(pid_t pid, int number)
{
	char path[64];
	int64_t position = -1;
	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, number);
	FILE *info = fopen(path, "re");
	if (info != NULL) {
		if (fscanf(info, "pos:\t%" SCNd64, &position) != 1)
			position = -1;
		fclose(info);
	}
	return position;
}

// What the call is about: the path it names, or the file its descriptor is; where and how much it
// writes.
static void note(const struct plan *plan, const struct seccomp_notif *call, const char *name,
	uint64_t number)
{
	const uint64_t *arg = (const uint64_t *)call->data.args;
	pid_t pid = (pid_t)call->pid;
	char path[512] = "-", second[512] = "";
	int64_t offset = -1;
	uint64_t length = 0;
	if (is_listed(
		    "open,unlink,rename,link,symlink,mkdir,rmdir,readlink,stat,access,truncate,execve",
		    name)) {
		read_text(pid, arg[0], path, sizeof path);
	} else if (
		is_listed(
			"openat,unlinkat,renameat,renameat2,newfstatat,mkdirat,faccessat,faccessat2",
			name)) {
		read_text(pid, arg[1], path, sizeof path);
	} else if (
		is_listed(
			"read,pread64,readv,write,pwrite64,writev,ftruncate,fallocate,fsync,fdatasync,close,"
			"fstat,lseek,fcntl,flock,connect,sendto,recvfrom,sendmsg,recvmsg,getdents64,"
			"sync_file_range",
			name)) {
		char link[64];
		struct stat file;
		snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, (int)arg[0]);
		ssize_t size = readlink(link, path, sizeof path - 1);
		path[size > 0 ? size : 0] = '\0';
		if (is_listed("write", name))
			offset = position_of(pid, (int)arg[0]), length = arg[2];
		else if (is_listed("pwrite64", name))
			offset = (int64_t)arg[3], length = arg[2];
		else if (is_listed("ftruncate", name))
			offset = (int64_t)arg[1];
		else if (is_listed("fsync,fdatasync", name) && stat(link, &file) == 0)
			length = (uint64_t)file.st_size;
	}
	if (is_listed("rename,link,symlink", name))
		read_text(pid, arg[1], second, sizeof second);
	else if (is_listed("renameat,renameat2", name))
		read_text(pid, arg[3], second, sizeof second);
	fprintf(plan->log, "%" PRIu64 "\t%s\t%s\t%" PRId64 "\t%" PRIu64 "\t%s\n", number, name,
		path, offset, length, second);
}

static bool is_connection_lost(int error)
{
	return error == ECONNRESET || error == ETIMEDOUT || error == EPIPE;
}

// A connection on which one call failed for good is dead for the next one too.
static void cut_connection(pid_t thread, int number)
{
	char path[64];
	pid_t process = 0;
	snprintf(path, sizeof path, "/proc/%d/status", thread); // pidfd_open takes no thread
	FILE *status = fopen(path, "re");
	for (char line[256]; status != NULL && fgets(line, sizeof line, status) != NULL;)
		if (sscanf(line, "Tgid: %d", &process) == 1)
			break;
	if (status != NULL)
		fclose(status);
	int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
	int ours = pidfd == -1 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (ours != -1) {
		shutdown(ours, SHUT_RDWR); // what is no socket is left as it is
		close(ours);
	}
	if (pidfd != -1)
		close(pidfd);
}

static bool is_counted(const struct plan *plan, const struct seccomp_notif *call, const char *name)
{
	if (plan->calls == NULL)
		return true;
	bool is_said = strcmp(name, "write") == 0 && call->data.args[0] <= STDERR_FILENO;
	return is_listed(plan->calls, name) && !is_said;
}

// Answers calls until nobody who could make one is left; how many there were.
static uint64_t answer_calls(const struct plan *plan, pid_t child, int listener)
{
	struct seccomp_notif *call;
	struct seccomp_notif_resp *answer;
	uint64_t number = 0;
	bool has_begun = false;
	if ((errno = -seccomp_notify_alloc(&call, &answer)) != 0)
		die("seccomp_notify_alloc");
	for (;;) {
		struct pollfd wait = { listener, POLLIN, 0 };
		if (poll(&wait, 1, -1) == -1 && errno != EINTR)
			die("poll");
		if ((wait.revents & POLLIN) == 0) {
			if ((wait.revents & (POLLHUP | POLLERR)) != 0)
				break;
			continue;
		}
		memset(call, 0, sizeof *call);
		memset(answer, 0, sizeof *answer);
		if (seccomp_notify_receive(listener, call) != 0)
			continue; // it was killed while it waited
		answer->id = call->id;
		answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call->data.nr);
		// what the child calls until it has become the program is not the program's
		if (has_begun && is_counted(plan, call, name)) {
			number++;
			if (plan->log != NULL)
				note(plan, call, name, number);
			if (number == plan->kill_at)
				kill(child, plan->kill_with);
			if (plan->fail_at != 0 &&
				(number == plan->fail_at ||
					(plan->fail_on && number > plan->fail_at))) {
				answer->flags = 0;
				answer->error = -plan->fail_with;
				if (is_connection_lost(plan->fail_with))
					cut_connection((pid_t)call->pid, (int)call->data.args[0]);
			}
		}
		has_begun = has_begun || call->data.nr == SCMP_SYS(execve);
		free(name);
		seccomp_notify_respond(listener, answer);
	}
	seccomp_notify_free(call, answer);
	return number;
}

static uint64_t number_and_error(const char *text, int *error)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);
	if (*end != ':') {
		fprintf(stderr, "nth-call: %s is not N:ERRNO\n", text);
		exit(64);
	}
	*error = errno_by_name(end + 1);
	return number;
}

int main(int argc, char **argv)
{
	struct plan plan = { NULL, NULL, 0, SIGKILL, 0, false, 0 };
	int option, status;
	while ((option = getopt(argc, argv, "+c:l:k:s:e:E:")) != -1) {
		if (option == 'c')
			plan.calls = optarg;
		else if (option == 'l' && (plan.log = fopen(optarg, "we")) == NULL)
			die(optarg);
		else if (option == 'k' || option == 's')
			plan.kill_with = option == 'k' ? SIGKILL : SIGSTOP,
			plan.kill_at = strtoull(optarg, NULL, 10);
		else if (option == 'e' || option == 'E')
			plan.fail_on = option == 'E',
			plan.fail_at = number_and_error(optarg, &plan.fail_with);
		else if (option == '?')
			return 64;
	}
	if (optind == argc)
		return fputs("nth-call: no program\n", stderr), 64;
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	pid_t child = fork();
	if (child == -1)
		die("fork");
	if (child == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_program(&plan, argv + optind);
	}
	int listener = listener_of(child);
	uint64_t number = answer_calls(&plan, child, listener);
	if (waitpid(child, &status, 0) == -1)
		die("waitpid");
	if (plan.log != NULL) {
		fprintf(plan.log, "total %" PRIu64 "\n", number);
		fclose(plan.log);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

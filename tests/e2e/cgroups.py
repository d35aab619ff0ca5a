"""A memory cgroup of our own, v1 or v2: what a container's limit is to the program in it."""
import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time

V1, V2 = "/sys/fs/cgroup/memory", "/sys/fs/cgroup"


class Unavailable(Exception):
    """No memory cgroup can be made here; the text says why."""


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def fields(path):
    return {line.split()[0]: int(line.split()[1]) for line in read(path).splitlines()}


class MemoryGroup:
    """`wrapper` goes before the words of a program that is to live in it. No swap: what does not fit is killed.

    Samples what is in use while it is entered as a context; `peak` is the highest of it without the page cache,
    which the kernel takes back by itself: memory that a limit must really have."""

    number = 0

    def __init__(self, limit):
        MemoryGroup.number += 1
        name = f"dvf-import-test-{os.getpid()}-{MemoryGroup.number}"
        self.v1 = os.path.exists(f"{V1}/memory.stat")
        if not self.v1 and "memory" not in self.controllers():
            raise Unavailable("this system mounts no memory cgroup that we could use")
        self.path = os.path.join(V1 if self.v1 else V2, name)
        try:
            os.mkdir(self.path)
            self.set_limit(limit)
        except OSError as problem:
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
            raise Unavailable(f"no memory cgroup can be made here ({problem})") from None
        self.wrapper = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', f"{self.path}/cgroup.procs"]
        self.peak = 0
        self.sampling = None

    def cold(self, folder, program):
        """A wrapper that runs copies of the program and its libraries, made from inside: their pages are charged to
        this cgroup, as in a container of its own, not to whoever used those libraries first."""
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        files = [line.split()[2] for line in listed.splitlines() if "=> /" in line] + [program]
        name, copies = os.path.basename(program), shlex.quote(str(folder))
        script = (f'echo $$ > "$0" && shift && mkdir -p {copies} && cp -L {shlex.join(files)} {copies}'
                  f' && export LD_LIBRARY_PATH={copies} && exec {copies}/{name} "$@"')
        return ["sh", "-c", script, f"{self.path}/cgroup.procs"]

    @staticmethod
    def controllers():
        with contextlib.suppress(OSError):
            return read(f"{V2}/cgroup.subtree_control").split()
        return []

    def set_limit(self, limit):
        """Also while something runs in it; the kernel takes page cache back first."""
        self.limit = limit
        if not self.v1:
            write(f"{self.path}/memory.swap.max", 0)
            write(f"{self.path}/memory.max", limit)
            return
        write(f"{self.path}/memory.swappiness", 0)
        write(f"{self.path}/memory.limit_in_bytes", limit)

    def in_use(self):
        """Bytes charged to it but for the page cache."""
        stat = fields(f"{self.path}/memory.stat")
        if not self.v1:
            return stat["anon"] + stat.get("kernel", 0) + stat["shmem"]
        return stat["total_rss"] + stat["total_shmem"] + int(read(f"{self.path}/memory.kmem.usage_in_bytes"))

    def charged_most(self):
        """The kernel's own highest figure, page cache and all."""
        return int(read(f"{self.path}/" + ("memory.max_usage_in_bytes" if self.v1 else "memory.peak")))

    def oom_kills(self):
        return fields(f"{self.path}/" + ("memory.oom_control" if self.v1 else "memory.events"))["oom_kill"]

    def processes(self):
        return [int(pid) for pid in read(f"{self.path}/cgroup.procs").split()]

    def sample(self):
        while not self.sampling.wait(0.005):
            self.peak = max(self.peak, self.in_use())

    def __enter__(self):
        self.sampling = threading.Event()
        self.thread = threading.Thread(target=self.sample)
        self.thread.start()
        return self

    def __exit__(self, *problem):
        """Whoever is still in it (the test was interrupted) is ours and goes with it."""
        self.sampling.set()
        self.thread.join()
        end = time.monotonic() + 30
        while True:  # a process that was killed leaves it a moment later
            try:
                os.rmdir(self.path)
                return
            except OSError:
                if time.monotonic() > end:
                    raise
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

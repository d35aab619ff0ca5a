"""What one process, with all its children, and the server cost; and how rounds become a table.

Client: CPU seconds as wait4 has them (every descendant that was waited for), peak memory as the largest sum of the
VmHWM of the processes that live side by side, looked at every 10 ms: ru_maxrss will not do, for a child is born with
the size of this interpreter.
"""
import contextlib
import dataclasses
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
LOOK_S = 0.01


class Failed(Exception):
    """A contender did not do its work: said in the table instead of a figure."""


@dataclasses.dataclass
class Sample:
    """One turn. `extra`: what a case has to say besides."""
    wall: float
    client: float = None
    server: float = None
    peak: int = None
    extra: dict = dataclasses.field(default_factory=dict)


def cpu_of(pid, children=False):
    """CPU seconds of a process (and of its children that have ended); 0 when it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15 if children else 13]) / TICK
    return 0.0


def children_of(pid):
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
                found += [int(word) for word in children.read().split()]
    return found


def tree_of(pid):
    found = [pid]
    for one in found:
        found += children_of(one)
    return found


def memory_of(pid, name="VmHWM"):
    """A field of /proc/PID/status in bytes; 0 when the process is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(name + ":"):
                return int(line.split()[1]) << 10
    return 0


class Running:
    """A process that is being measured. `on_line(line)` is called with each line of stderr as it comes."""

    alive = []  # those nobody has waited for yet

    def __init__(self, words, folder, server=None, environment=None, on_line=None):
        self.words, self.server, self.on_line = words, server, on_line
        self.lines, self.peak, self.ended = [], 0, False
        self.out = tempfile.TemporaryFile(dir=folder)
        self.server_before = server.cpu() if server else 0
        self.began = time.monotonic()
        self.process = subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace")
        self.alive.append(self)
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.read, self.look)]
        for thread in self.threads:
            thread.start()

    def read(self):
        with contextlib.suppress(ValueError):
            for line in self.process.stderr:
                if self.on_line:
                    self.on_line(line)
                self.lines.append(line.rstrip("\n"))
                del self.lines[:-200]

    def look(self):
        while not self.ended:
            self.peak = max(self.peak, sum(memory_of(pid) for pid in tree_of(self.process.pid)))
            time.sleep(LOOK_S)

    def finish(self):
        """Waits; (exit code, Sample)."""
        _, status, usage = os.wait4(self.process.pid, 0)
        wall = time.monotonic() - self.began
        server = self.server.cpu() - self.server_before if self.server else None
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.ended = True
        self.alive.remove(self)
        for thread in self.threads:
            thread.join()
        self.process.stderr.close()
        return self.process.returncode, Sample(wall, usage.ru_utime + usage.ru_stime, server, self.peak)

    def said(self):
        self.out.seek(0)
        return self.out.read().decode("utf-8", "replace")


def run(words, folder, server=None, environment=None):
    """Runs to the end; its Sample. Failed when the exit code is not 0."""
    running = Running(words, folder, server, environment)
    code, sample = running.finish()
    sample.extra["said"] = running.said()
    sample.extra["lines"] = running.lines
    if code != 0:
        raise Failed(f"exit code {code}: " + (" ".join(running.lines[-3:]) or running.said()[-300:] or "nothing said"))
    return sample


def shell(text, folder, server=None, environment=None):
    """The same for a piece of bash; a failure anywhere in a pipe is one."""
    return run(["bash", "-c", "set -euo pipefail; " + text], folder, server, environment)


def in_turns(rounds, contenders):
    """{name: [Sample]} of {name: callable(round)}, one turn of each, then the next round. One that fails is not
    asked again: then it is {name: Failed}. But dvf-import must not fail."""
    found = {name: [] for name in contenders}
    for number in range(rounds):
        for name, turn in contenders.items():
            if isinstance(found[name], Failed):
                continue
            try:
                found[name].append(turn(number))
            except Failed as failure:
                if name.startswith("dvf-import"):
                    raise SystemExit(f"ops/bench: {name}: {failure}") from failure
                found[name] = failure
                print(f"    {name}: FAILED: {failure}", flush=True)
                continue
            print(f"    round {number + 1}: {name}: {found[name][-1].wall:.3f} s", flush=True)
    return found


def value_of(sample, name):
    return getattr(sample, name) if hasattr(sample, name) else sample.extra.get(name)


def median(samples, name="wall"):
    values = [value_of(sample, name) for sample in samples]
    return statistics.median(value for value in values if value is not None)


def spread(samples, name="wall", form="{:.2f}"):
    """"2.52 (2.34 to 2.68)"; "-" where it was not measured, or could not be."""
    if isinstance(samples, Failed):
        return "failed"
    values = [value for value in (value_of(sample, name) for sample in samples) if value is not None]
    if not values:
        return "-"
    text = form.format(statistics.median(values))
    low, high = form.format(min(values)), form.format(max(values))
    return text if low == high else f"{text} ({low} to {high})"


def mebi(samples, name="peak"):
    if isinstance(samples, Failed) or not [s for s in samples if value_of(s, name) is not None]:
        return "-"
    return f"{max(value_of(sample, name) for sample in samples if value_of(sample, name) is not None) / 2**20:.1f}"


def table(head, rows):
    """A table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def costs(found):
    """The table every comparison has."""
    return table(["", "wall s", "CPU s client", "CPU s server", "peak MiB client"],
                 [[name, spread(samples), spread(samples, "client"), spread(samples, "server"), mebi(samples)]
                  for name, samples in found.items()])


def ratios(ours, theirs, name="wall"):
    if isinstance(ours, Failed) or isinstance(theirs, Failed):
        return []
    return [value_of(a, name) / value_of(b, name) for a, b in zip(ours, theirs)]


def goal(what, values, most, form="{:.2f}"):
    """A row of the table of goals: the median, its spread, the goal, whether it is met."""
    if not values:
        return [what, "-", f"at most {form.format(most)}" if most else "-", "not measured: one of the two failed"]
    middle = statistics.median(values)
    shown = form.format(middle)
    if len(values) > 1:
        shown += f" ({form.format(min(values))} to {form.format(max(values))})"
    return [what, shown, "-" if most is None else f"at most {form.format(most)}",
            "" if most is None else "met" if middle <= most else "**not met**"]


def goals(rows):
    return table(["ratio, or figure", "median (spread)", "goal", ""], rows)


def failures(found):
    return [f"{name} failed: {re.sub(r'/[^ ]*/', '…/', str(samples))}" for name, samples in found.items()
            if isinstance(samples, Failed)]

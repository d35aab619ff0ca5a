"""The cases of ops/bench, and what they share."""
import argparse
import datetime
import importlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import cluster
import document
import measure
from importing import PROGRAM, ROOT
from years import Years

CASES = {"load": "load", "pgloader": "pgloader", "whole": "whole", "sqlite": "lite", "index": "index",
         "fetch": "fetch", "parse": "parse", "resume": "resume", "chunks": "chunks", "loaders": "loaders", "sizes": "sizes", "plot": "plot"}
WITHOUT_SERVER = ("sqlite", "fetch", "parse")
QUIET = 0.10


class Bench:
    """What a case is given. `folder()` is a new one each time; what is older than two is gone."""

    def __init__(self, args, work):
        self.args, self.work, self.made = args, work, []
        self.years = Years(args.data)
        self.cluster = self.pattern = None

    def start_server(self):
        self.cluster = cluster.Cluster(dict(setting.split("=", 1) for setting in self.args.set), self.work)
        self.cluster.start()
        self.pattern = cluster.Pattern(self.cluster, self.years, self.folder())

    def folder(self):
        if len(self.made) > 2:
            shutil.rmtree(self.made.pop(0), ignore_errors=True)
        self.made.append(tempfile.mkdtemp(prefix="turn-", dir=self.work))
        return self.made[-1]

    def options(self):
        return [word for option in self.args.option for word in option.split("=", 1)]

    @staticmethod
    def has(program):
        if shutil.which(program):
            return True
        print(f"    {program} is not installed: left out. Run ops/deps --bench", flush=True)
        return False


def whole(text):
    return int(text.replace("_", "").replace(",", ""))


def arguments(words):
    parser = argparse.ArgumentParser(description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--rows", type=whole, default=1_000_000)
    parser.add_argument("--rounds", type=whole, default=5)
    parser.add_argument("--years", type=whole, default=5)
    parser.add_argument("--data", default=os.path.join(ROOT, "build", "bench"))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--option", action="append", default=[], metavar="--NAME=VALUE")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    unknown = set(args.cases) - set(CASES)
    if unknown:
        parser.error(f"there is no case {', '.join(sorted(unknown))}; there are {' '.join(CASES)}")
    args.cases = args.cases or list(CASES)
    return args


def build():
    for words in (["./configure.py"], ["ninja"], ["ninja", "bench"]):
        done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"ops/bench: {' '.join(words)} failed:\n{done.stdout}")


def machine():
    """The class of machine, in a line."""
    def first(path, pattern):
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
        return found[1].strip() if found else "?"
    memory = int(first("/proc/meminfo", r"^MemTotal: +(\d+)")) / 2**20
    return (f"{os.cpu_count()} processors ({first('/proc/cpuinfo', r'^model name[^:]*:(.*)$')}), {memory:.0f} GiB, "
            f"{first('/etc/os-release', r'^PRETTY_NAME=.(.*).$')}, Linux {os.uname().release.split('-')[0]}")


def command():
    words = [word for word in sys.argv[1:] if word != "--write"]
    place = next((i for i, word in enumerate(words) if word == "--data"), None)
    if place is not None:
        del words[place:place + 2]
    return " ".join(["ops/bench", *[word for word in words if not word.startswith("--data=")]])


class Spent:
    """CPU seconds so far, of the whole machine and of ours."""

    def __init__(self, server):
        self.server, self.began = server, time.monotonic()
        self.all, self.ours = self.look()

    def look(self):
        with open("/proc/stat", encoding="ascii") as stat:
            user, nice, system, _, _, irq, softirq, steal = (int(word) for word in stat.readline().split()[1:9])
        spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return ((user + nice + system + irq + softirq + steal) / measure.TICK,
                sum(one.ru_utime + one.ru_stime for one in spent) + (self.server.cpu() if self.server else 0))

    def others(self):
        """The share of the processors that neither we nor our children nor our server took since then."""
        now, ours = self.look()
        return max(0.0, (now - self.all - ours + self.ours) / (time.monotonic() - self.began) / os.cpu_count())


def section(bench, name):
    """A case's part of the report, in Markdown."""
    case, before = importlib.import_module(CASES[name]), Spent(bench.cluster)
    print(f"\n{name}: {case.TITLE}", flush=True)
    parts = case.measured(bench)
    others = before.others()
    head = (f"{datetime.date.today()}, `{command()}`, "
            + ("" if name == "plot" else f"rounds in turns: {bench.args.rounds}; ") + machine()
            + ("" if name in WITHOUT_SERVER else f"; {bench.cluster.described()}"))
    head += f"; others took {others:.0%} of the processors meanwhile"
    if others > QUIET:
        head += ": **too much for these figures to count**"
    text = "\n\n".join([head + ".", *[part for part in parts if part]])
    print("\n" + text, flush=True)
    return text


def main(words):
    args = arguments(words)
    build()
    assert os.access(PROGRAM, os.X_OK)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server and nginx are ended, too
    work = tempfile.mkdtemp(prefix="dvf-bench-")
    bench = Bench(args, work)
    try:
        if set(args.cases) - set(WITHOUT_SERVER):
            bench.start_server()
        for name in args.cases:
            text = section(bench, name)
            if args.write:
                document.put(name, text)
    finally:
        for left in measure.Running.alive:
            left.process.kill()
        if bench.cluster is not None:
            bench.cluster.remove()
        shutil.rmtree(work, ignore_errors=True)

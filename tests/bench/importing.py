"""A run of dvf-import, with the moments at which it says that a stage begins."""
import os
import re
import time

import measure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PROGRAM = os.environ.get("DVF_IMPORT_PROGRAM") or os.path.join(ROOT, "build", "dvf-import")
STAGES = ("loading", "indexing", "checking", "publishing")


class Moment:
    """When a stage began: the clock, and what had been used by then."""

    def __init__(self, year, stage, client, server):
        self.year, self.stage, self.client, self.server = year, stage, client, server
        self.at, self.clock = time.monotonic(), time.time()


class Importing(measure.Running):
    """Begun at once; finish() or load() waits."""

    def __init__(self, to, folder, source, years, *options, server=None):
        self.moments, self.folder, self.state = [], folder, os.path.join(folder, "state")
        os.makedirs(folder, exist_ok=True)
        words = [PROGRAM, "run", "--to", to, "--state", self.state, "--source", source, "--years", years,
                 "--log-format", "logfmt", *map(str, options)]
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8"}
        super().__init__(words, folder, server, environment, self.line)

    def line(self, line):
        found = re.search(r' year=(\d+) msg="(\w+)"$', line.rstrip("\n"))
        if found and found[2] in STAGES:
            self.moments.append(Moment(int(found[1]), found[2], measure.cpu_of(self.process.pid),
                                       self.server.cpu() if self.server else None))

    def whole(self):
        """Waits for the end; a Sample of the whole run. Failed unless every year is in."""
        code, sample = self.finish()
        if code != 0:
            raise measure.Failed(f"exit code {code}: " + " ".join(self.lines[-3:]))
        sample.extra["said"] = self.said()
        plans = [re.search(r"(\d+ loaders?)[^:]*?, \d+ (chunks of \d+ rows or \d+ KiB)", line) for line in self.lines]
        sample.extra["plan"] = next((f"{plan[1]}, {plan[2]}" for plan in plans if plan), "")
        return sample

    def moment(self, stage, year=None):
        for moment in self.moments:
            if moment.stage == stage and year in (None, moment.year):
                return moment
        raise measure.Failed(f"no line of the log says '{stage}'")

    def between(self, first, end, whole):
        """The part of a run from one stage's beginning to another's. The peak is the whole run's."""
        a, b = self.moment(first), self.moment(end)
        return measure.Sample(b.at - a.at, b.client - a.client, b.server - a.server if self.server else None,
                              whole.peak, dict(whole.extra, whole=whole.wall, start=a.at - self.began))

    def load(self):
        """Waits for the end; the load alone, from the first byte inflated to the last commit."""
        whole = self.whole()
        return self.between("loading", "indexing", whole)


"""A liar, a destination and the program between them: what the proofs of the network share."""
import os
import re

import pytest

import program
import shapes
from liar import Liar

YEAR, ROWS = 2021, 300
RUN = ("--years", str(YEAR), "--retries", "0")
REMEDY = re.compile(r"run again|check the|correct the|must |put the right|install |fetch it again|free some|give "
                    r"|look at|wait for a mended|go around")


@pytest.fixture
def liar():
    made = Liar()
    yield made
    made.close()


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


@pytest.fixture(scope="session")
def editions(made_years, tmp_path_factory):
    """(older, newer): paths of two editions of the year with as many rows, of three gzip members each."""
    folder = tmp_path_factory.mktemp("editions")
    paths = []
    for seed in (1, 2):
        paths.append(str(folder / f"{seed}.csv.gz"))
        with open(paths[-1], "wb") as out:
            out.write(shapes.pack(shapes.plain_of(made_years(ROWS, YEAR, seed=seed)), members=3))
    return paths


class Scene:
    """`served`: {year: path of the edition that readers must see}; `words`: what every run is told besides RUN."""

    def __init__(self, proof, liar, destination, importer, editions, words=()):
        self.proof, self.liar, self.destination, self.importer = proof, liar, destination, importer
        self.older, self.newer = editions
        self.words, self.served = words, {}

    def begin(self, older):
        self.liar.tell(None)
        if older:
            self.liar.publish(bytes_of(self.older), '"a"')
            self.importer.run_well(*RUN, *self.words)
            self.served = {YEAR: self.older}
        self.begin_newer()

    def begin_newer(self):
        self.liar.publish(bytes_of(self.newer), '"b"', modified=1_700_000_060)

    def run(self, *more):
        return self.importer.run(*RUN, *self.words, *more)

    def cut(self, begun=None):
        """A first run that the network ends half way; `begun` changes what it is answered."""
        def half(talk):
            answer = talk.truth()
            answer = begun(talk, answer) if begun else answer
            talk.send(answer.cut(len(answer.body) * 5 // 9))
        self.liar.tell(half)
        result = self.run()
        assert result.code == program.NONE, f"the cut: {result}"
        self.right()

    def right(self):
        """Readers see the edition that is in, or nothing."""
        self.proof.compare(self.destination, self.served)

    def failed(self, result, says):
        """Exit code, what happened, where, what to do; and nobody reads anything else than before."""
        assert result.code == program.NONE, result
        told = [line for line in result.said.splitlines() if re.search(says, line)]
        assert told, f"does not say {says}: {result}"
        assert any(f"127.0.0.1:{self.liar.port}/latest" in line for line in told), f"where? {result}"
        assert any(REMEDY.search(line) for line in told), f"what to do? {result}"
        self.right()

    def came_in(self, result):
        assert result.code == program.ALL, result
        self.served = {YEAR: self.newer}
        self.right()

    def end(self):
        """An honest server and the same command: every row once, nothing left over, a whole history."""
        self.liar.tell(None)
        self.came_in(self.run())
        self.destination.tiles()
        assert self.destination.leftovers() == []
        spool = os.listdir(os.path.join(self.importer.state, "spool"))
        assert len(spool) == 1 and spool[0].endswith(".csv.gz"), f"left in the spool: {spool}"
        history = self.importer.call("history", "--verify")
        assert history.code == program.ALL, f"history: {history}"


@pytest.fixture
def scene(liar, make_destination, make_import, editions):
    """scene(proof, "sqlite" or "postgres", older): a Scene; `older`: an edition is served already."""
    def make(proof, kind, older, certificate=None, words=()):
        liar.certificate = certificate
        destination = make_destination(kind)
        importer = make_import(destination).with_(source=liar.source())
        made = Scene(proof, liar, destination, importer, editions, words)
        made.begin(older)
        return made
    return make

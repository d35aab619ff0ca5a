"""PostgreSQL, SIGKILLed as a whole while an import loads, indexes, checks, publishes: acknowledged asynchronous commits
are really lost. The same run goes on by itself when the server is back; killed, too, the next one does."""
import program
from met_server import MeetingProxy, Met, PHASES, SECONDS, SETTINGS, closing_all, freeze, messages, \
    thaw
from proof import how_many, random_source
from servers import wait_for

# How often in each phase: of 200 kills, or of the few that ops/test does.
TURNS = ("loading", "publishing", "indexing", "loading", "checking", "publishing", "loading", "indexing", "publishing",
         "loading")
FATES = ("goes on", "is frozen meanwhile", "is killed, too")


class Kill:
    """One crash: SIGKILL for the whole server at a message, and what becomes of the importer meanwhile."""

    def __init__(self, one, moment, fate):
        self.one, self.moment, self.fate = one, moment, fate
        self.process, self.acknowledged, self.undone = None, 0, 0
        self.counting = moment.phase == "loading"  # a publish that is frozen keeps the witness locked

    def act(self, _):
        if self.fate == "is frozen meanwhile":
            freeze(self.process)
            if self.counting:
                self.acknowledged = self.one.database.committed()
        elif self.fate == "is killed, too":
            self.process.kill()
        self.one.server.crash()

    def run(self, importer):
        """False: it ended before the moment came. How many messages a load has depends on how many chunks share one."""
        proxy, self.process = self.one.proxy, None
        proxy.meet(self.moment, self.act)
        self.one.server.hold_wal_writer()
        self.process = importer.start(*SETTINGS, "--wait", str(SECONDS))
        wait_for(lambda: proxy.met.is_set() or self.process.poll() is not None, SECONDS,
                 f"the import to come to {self.moment}")
        if not proxy.met.wait(20):
            result = importer.finish(self.process)
            assert result.code == program.ALL, str(result)
            return False
        self.one.server.start()
        if self.fate == "is frozen meanwhile" and self.counting:
            self.undone = self.acknowledged - self.one.database.committed()
            assert self.undone >= 0
        thaw(self.process)
        result = importer.finish(self.process, SECONDS)
        if self.fate != "is killed, too":
            assert result.code == program.ALL, f"it did not go on by itself: {result}"
            self.one.fair(result)
        self.one.partly()
        return True


def met(world, moment, fate):
    """The kill that came, at the moment or, where an import is over before, at an earlier one."""
    while True:
        one = world()
        proxy = MeetingProxy(one.server.port)
        kill = Kill(one, moment, fate)
        with closing_all(proxy):
            if kill.run(one.through(proxy)):
                return kill
        moment = Met(moment.phase, max(1, moment.number * 3 // 4), moment.moment, moment.after_s)


def test_the_server_is_killed(proof, world):
    """The first one is met in the middle of loading and must undo something, or the others prove nothing."""
    lengths = messages(world)
    rng = random_source()
    proofs = {phase: proof("server kills", f"SIGKILL of the server while {phase}") for phase in PHASES}
    undone = []
    for turn in range(how_many(200, few=2)):
        phase = TURNS[turn % len(TURNS)]
        moment = Met(phase, rng.randint(1, lengths[phase]), rng.choice(Met.MOMENTS), rng.uniform(0, 0.02))
        fate = rng.choice(FATES)
        if turn == 0:
            moment, fate = Met(phase, lengths[phase] // 2, "answered"), "is frozen meanwhile"
        with proofs[phase].point(f"{moment}; the import {fate}"):
            kill = met(world, moment, fate)
            kill.one.ends_right(proofs[phase])
            if fate == "is frozen meanwhile" and phase == "loading":
                undone.append(kill.undone)
    print(f"undone rows of acknowledged commits, where that could be seen: {undone}")
    assert undone[0] > 0, "the crash undid nothing: it proves nothing"

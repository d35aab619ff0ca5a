"""The network lies: what a server answers instead of the truth ends in the right year or in none."""
import gzip
import random
import re
import zlib

import pytest

import program
from lies import DAMAGED, IN, LIES, STAYS, half_of
from proof import chosen
from scene import YEAR, bytes_of, editions, liar, scene  # noqa: F401

FEW = {"sqlite": 3, "postgres": 1}  # a database made and dropped takes longer than most lies


def points(lies):
    return [(lie, older) for lie in lies for older in (False, True)]


def named(lie, older):
    return f"{lie.name}, {'an older edition is served' if older else 'nothing is served yet'}"


def tell(scene, lie, older, expected):  # noqa: F811
    """The lie, as often as it is asked for, and what must come of it."""
    if older and lie.older:
        expected = lie.older
    scene.liar.tell(lie.tell)
    result = scene.run(*lie.settings)
    if expected == IN:
        scene.came_in(result)
        assert lie.between == DAMAGED or not re.search(DAMAGED, result.said), f"a splice was believed: {result}"
    elif expected == STAYS:
        assert result.code == program.ALL, result
        scene.right()
    else:
        scene.failed(result, expected)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_lie_at_a_fresh_download(proof, scene, kind):  # noqa: F811
    cases = proof("network cases", f"a lie at a fresh download, into {kind}")
    for lie, older in chosen(points([lie for lie in LIES if lie.fresh]), f"fresh {kind}", few=FEW[kind]):
        with cases.point(named(lie, older)):
            here = scene(cases, kind, older)
            tell(here, lie, older, lie.fresh)
            here.end()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_lie_at_a_continued_download(proof, scene, kind):  # noqa: F811
    cases = proof("network cases", f"a lie at a continued download, into {kind}")
    for lie, older in chosen(points([lie for lie in LIES if lie.resumed]), f"resumed {kind}", few=FEW[kind]):
        with cases.point(named(lie, older)):
            here = scene(cases, kind, older)
            here.cut(lie.begun)
            tell(here, lie, older, lie.resumed)
            if not lie.begun:
                assert here.liar.ranges(), "the lie did not meet a Range request"
            here.end()


def test_a_lie_between_two_tries(proof, scene):  # noqa: F811
    """The first try of a run is cut, the second asks for the rest and is lied to."""
    cases = proof("network cases", "a lie at the second try of one run, into sqlite")
    for lie in chosen([lie for lie in LIES if lie.between], "between", few=1):
        with cases.point(lie.name):
            here = scene(cases, "sqlite", older=False)

            def cut_and_lie(talk, lie=lie, liar=here.liar):
                if len(liar.talks) > 1:
                    return lie.tell(talk)
                answer = talk.truth()
                return talk.send(half_of(lie.begun(talk, answer) if lie.begun else answer))
            here.liar.tell(cut_and_lie)
            result = here.importer.run("--years", str(YEAR), "--retries", "1", *lie.settings)
            assert lie.begun or here.liar.ranges(), "the lie did not meet a Range request"
            if lie.between == IN:
                here.came_in(result)
            else:
                here.failed(result, lie.between)
            here.end()


def test_a_lie_that_passes(proof, scene):  # noqa: F811
    """Told once; the same run asks again."""
    cases = proof("network cases", "a lie that is told once, into sqlite")
    for lie, older in chosen(points([lie for lie in LIES if lie.passes]), "passes", few=1):
        with cases.point(named(lie, older)):
            here = scene(cases, "sqlite", older)
            here.liar.tell(lie.tell, times=1)
            here.came_in(here.importer.run("--years", str(YEAR), "--retries", "2", *lie.settings))
            assert len(here.liar.talks) >= 2
            here.end()


def inflates_to(packed, plain):
    """Whether Python's gzip takes this for that text: a flip in a time stamp harms nobody."""
    try:
        return gzip.decompress(packed) == plain
    except (OSError, EOFError, zlib.error):
        return False


@pytest.mark.parametrize("continued", [False, True], ids=["fresh", "continued"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_flipped_bit(proof, scene, editions, kind, continued):  # noqa: F811
    """One bit of the body on its way, under the right length and the right ETag: in each of the first ten bytes, in
    each of the last eight, and anywhere."""
    cases = proof("network cases", f"a flipped bit, {'continued' if continued else 'fresh'}, into {kind}")
    packed = bytes_of(editions[1])
    plain = gzip.decompress(packed)
    rng = random.Random(20211126)
    bits = [8 * byte + rng.randrange(8) for byte in (*range(10), *range(len(packed) - 8, len(packed)))]
    bits += rng.sample(range(80, 8 * len(packed) - 64), 100 - len(bits))
    for bit in chosen(sorted(bits), f"flip {kind} {continued}", few=1):
        with cases.point(f"bit {bit % 8} of byte {bit // 8} of {len(packed)}"):
            flipped = bytearray(packed)
            flipped[bit // 8] ^= 1 << bit % 8
            here = scene(cases, kind, older=bit % 2 == 1)
            if continued:
                here.cut(lambda talk, answer, flipped=flipped: talk.truth(bytes(flipped)))
            here.liar.tell(lambda talk, flipped=flipped: talk.send(talk.truth(bytes(flipped))))
            result = here.run()
            if inflates_to(flipped, plain):
                here.came_in(result)
            else:
                here.failed(result, "gzip|CRC|damaged|length|behind")
            here.end()

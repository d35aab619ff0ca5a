"""What a server may answer instead of the truth, and what must come of it."""
import gzip
import socket
import struct
import time
import zlib

from liar import Answer

IN = "in"        # the lie is seen through in the same run, and the year comes in
STAYS = "stays"  # the server says that nothing changed; an older edition goes on serving


class Lie:
    """`fresh`, `resumed`: what comes of it at a new download, and at the Range request of a continued one: IN, or a
    pattern that must be found in what is said; None: it makes no sense there. `older`: both of them where an older
    edition is served, if that differs. `between`: `resumed` at a second try of one run, if that differs; None: not told
    there. `begun`: how the first half was answered, before the cut. `passes`: an honest server that is asked again gets
    the year in without another run."""

    def __init__(self, name, tell, fresh, resumed, older=None, between=..., begun=None, settings=(),
                 passes=False):
        self.name, self.tell, self.fresh, self.resumed, self.older = name, tell, fresh, resumed, older
        self.between = resumed if between is ... else between
        self.begun, self.settings, self.passes = begun, settings, passes


def told(change):
    """A lie that changes what an honest server would have sent."""
    def tell(talk):
        talk.send(change(talk, talk.truth()))
    return tell


def at_range(change):
    """A lie about ranges only."""
    def tell(talk):
        answer = talk.truth()
        talk.send(change(talk, answer) if answer.status == 206 else answer)
    return tell


def refusal(status, reason, *headers, body=b"no"):
    return lambda talk: talk.send(Answer(status, [("Content-Length", len(body)), *headers], body, reason))


def page(content):
    """200 or 206, as asked, with this instead of the file."""
    return lambda talk: talk.send(talk.whole(content))


def dropped(size):
    return told(lambda talk, answer: answer.cut(size))


def half_of(answer):
    return answer.cut(len(answer.body) // 2)


def reset(talk):
    """Half of it, and then a reset instead of an end."""
    talk.send(half_of(talk.truth()))
    talk.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    talk.connection.close()


def stalled(talk):
    talk.send(half_of(talk.truth()))
    talk.wait(30)


def silent(talk):
    talk.wait(30)


def slow_headers(talk):
    """Never silent for long, and never done: another header every fifth of a second."""
    talk.write(b"HTTP/1.1 200 Fine\r\n")
    number = 0
    while not talk.wait(0.2) and number < 150:
        talk.write(b"X-%d: wait\r\n" % number)
        number += 1


def slow_interim(talk):
    """The same with interim responses, each whole in itself."""
    number = 0
    while not talk.wait(0.2) and number < 150:
        talk.write(b"HTTP/1.1 103 Early Hints\r\nX-%d: wait\r\n\r\n" % number)
        number += 1


def byte_by_byte(talk):
    answer = talk.truth()
    content = answer.head() + answer.body
    for at in range(len(content)):
        talk.write(content[at:at + 1])
        if at % 4000 == 0:
            time.sleep(0.001)  # so that they do not all wait in one buffer


def flood(talk):
    talk.write(b"HTTP/1.1 200 Fine\r\n")
    for number in range(1 << 15):
        talk.write(b"X-%d: %s\r\n" % (number, b"flood" * 20))


def one_long_header(talk):
    talk.write(b"HTTP/1.1 200 Fine\r\nX-Long: ")
    for _ in range(1 << 9):
        talk.write(b"flood" * 2000)


def interim_flood(talk):
    for number in range(1 << 15):
        talk.write(b"HTTP/1.1 103 Early Hints\r\nX-%d: %s\r\n\r\n" % (number, b"flood" * 10))


def http_1_0(talk):
    answer = talk.truth().without("Content-Length")
    talk.write(answer.head().replace(b"HTTP/1.1", b"HTTP/1.0") + answer.body)


def moved(where):
    """302 to what `where` makes of the Talk."""
    return lambda talk: talk.send(Answer(302, [("Location", where(talk)), ("Content-Length", 0)], reason="Found"))


def round_and_round(talk):
    number = int(talk.path.rpartition("?")[2]) if "?" in talk.path else 0
    talk.send(Answer(302, [("Location", f"{talk.path.partition('?')[0]}?{number + 1}"), ("Content-Length", 0)]))


def ranged(text):
    """This Content-Range; {first}, {last}, {size} are the right ones."""
    def change(talk, answer):
        size = len(talk.file.packed)
        return answer.having(("Content-Range", text.format(
            first=talk.first, last=size - 1, size=size, early=talk.first - 1, late=talk.first + 1, more=size + 1)))
    return at_range(change)


def starting(step):
    """An honest 206, of another range than was asked for."""
    return at_range(lambda talk, answer: talk.rest(talk.first + step))


def unasked(talk):
    """A 206 to whoever did not ask for a range."""
    talk.send(talk.rest(talk.first if talk.first is not None else 10))


def trailers(talk, answer):
    chunked = answer.chunked()
    chunked.body = chunked.body[:-2] + (b"ETag: \"trailer\"\r\nContent-Length: 5\r\n"
                                        b"Content-Range: bytes 0-4/5\r\n\r\n")
    return chunked


def other_bytes(talk, answer):
    """The right length, bytes of another file."""
    answer.body = bytes(byte ^ 0x55 for byte in answer.body)
    return answer


def truncated(talk):
    talk.send(talk.truth(talk.file.packed[:len(talk.file.packed) * 2 // 3]))


def first_member(packed):
    """Where the first of several gzip members ends."""
    one = zlib.decompressobj(31)
    one.decompress(packed)
    return len(packed) - len(one.unused_data)


def garbage_behind(talk):
    talk.send(talk.truth(talk.file.packed + b"garbage"))


def zeros_behind(talk):
    talk.send(talk.truth(talk.file.packed + bytes(700)))


def packed_twice(talk):
    packed = gzip.compress(talk.file.packed, mtime=0)
    talk.send(talk.truth(packed).having(("Content-Encoding", "gzip")))


XML = (b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
       b"<Message>The specified key does not exist.</Message></Error>")
HTML = b"<!DOCTYPE html><html><body>Maintenance, back soon</body></html>" * 30
NETWORK = "network failed"
SHORT = r"network failed: .*(closed|transfer).*\d+ (out of \d+ )?bytes remaining|end of response|Empty reply|reset"
DAMAGED = "damaged|CRC|length is|behind a gzip member"
CUT = ("--stall", "1")
WEAK = ("ETag", 'W/"weak"')

LIES = (
    Lie("dropped at once", lambda talk: None, NETWORK, NETWORK, passes=True),
    Lie("dropped in the headers", lambda talk: talk.write(talk.truth().head()[:40]), NETWORK, NETWORK, passes=True),
    Lie("dropped before the body", dropped(0), SHORT, SHORT, passes=True),
    # every byte is progress, and progress is asked for more: thousands of tries
    Lie("dropped after a byte", dropped(1), SHORT, SHORT, between=None, passes=True),
    Lie("dropped half way", told(lambda talk, answer: half_of(answer)), SHORT, SHORT, passes=True),
    Lie("dropped before the last byte", told(lambda talk, answer: answer.cut(len(answer.body) - 1)), SHORT, SHORT,
        passes=True),
    Lie("dropped at a member's end", told(lambda talk, answer: answer.cut(
        first_member(talk.file.packed) - (talk.first or 0))), SHORT, SHORT, passes=True),
    Lie("reset half way", reset, NETWORK, NETWORK, passes=True),
    Lie("stalled half way", stalled, "nothing came for 1 s", "nothing came for 1 s", settings=CUT, passes=True),
    Lie("never answers", silent, "nothing came for 1 s", "nothing came for 1 s", settings=CUT, passes=True),
    Lie("very slow headers", slow_headers, "headers", "headers", settings=CUT, passes=True),
    Lie("very slow interim answers", slow_interim, "headers", "headers", settings=CUT, passes=True),
    Lie("one byte at a time", byte_by_byte, IN, IN),
    Lie("206 to the whole", unasked, r"\(206\) although the whole", IN),
    Lie("206 that starts early", starting(-1), None, IN),
    Lie("206 that starts late", starting(1), None, IN),
    Lie("206 of the whole file", at_range(lambda talk, answer: talk.rest(0)), None, IN),
    Lie("Content-Range early", ranged("bytes {early}-{last}/{size}"), None, IN),
    Lie("Content-Range late", ranged("bytes {late}-{last}/{size}"), None, IN),
    Lie("Content-Range of another total", ranged("bytes {first}-{last}/{more}"), None, IN),
    Lie("Content-Range beyond the total", ranged("bytes {first}-{more}/{size}"), None, IN),
    Lie("Content-Range without a total", ranged("bytes {first}-{last}/*"), None, IN),
    Lie("Content-Range that is none", ranged("records 1-2/3"), None, IN),
    Lie("Content-Range with a number too long", ranged("bytes {first}-99999999999999999999/{size}"), None, IN),
    Lie("206 without Content-Range", at_range(lambda talk, answer: answer.without("Content-Range")), None, IN),
    Lie("206 longer than its range", at_range(lambda talk, answer: other_bytes(talk, answer.having(
        ("Content-Length", len(answer.body) * 2)))), None, IN),
    Lie("206 in chunks, longer than its range", at_range(lambda talk, answer: Answer(
        206, answer.headers, answer.body + b"more").chunked()), None, "more than it announced", between=IN),
    Lie("200 to a range", lambda talk: talk.send(talk.whole()), IN, IN),
    Lie("416", refusal(416, "Range Not Satisfiable"), "416", "416"),
    Lie("416 to a range", at_range(lambda talk, answer: Answer(416, [("Content-Length", 0)])), None, IN),
    Lie("304 of this file", told(lambda talk, answer: Answer(304, talk.validators())), "304", "304", older="304"),
    Lie("304 of whatever", told(lambda talk, answer: Answer(304)), "304", "304", older=STAYS),
    Lie("304 to a range", at_range(lambda talk, answer: Answer(304, talk.validators())), None, IN),
    Lie("another ETag half way, same length", at_range(lambda talk, answer: other_bytes(talk, answer.having(
        ("ETag", '"c"')))), None, IN),
    Lie("another Last-Modified half way, same length, no ETag", at_range(lambda talk, answer: other_bytes(
        talk, answer.without("ETag").having(("Last-Modified", "Wed, 15 Nov 2023 00:00:00 GMT")))), None, IN,
        begun=lambda talk, answer: answer.without("ETag")),
    Lie("206 full of other bytes, same ETag", at_range(other_bytes), None, IN, between=DAMAGED),
    Lie("206 full of HTML, same ETag", at_range(lambda talk, answer: Answer(
        206, answer.headers, (HTML * 20)[:len(answer.body)])), None, IN, between=DAMAGED),
    Lie("weak ETag", told(lambda talk, answer: answer.without("Last-Modified").having(WEAK)), IN, IN,
        begun=lambda talk, answer: answer.without("Last-Modified").having(WEAK)),
    Lie("no validators", told(lambda talk, answer: answer.without("ETag", "Last-Modified")), IN, IN,
        begun=lambda talk, answer: answer.without("ETag", "Last-Modified")),
    Lie("validators that go half way", at_range(lambda talk, answer: answer.without("ETag", "Last-Modified")),
        None, IN),
    Lie("ETag of 4000 characters", told(lambda talk, answer: answer.having(("ETag", f'"{"e" * 4000}"'))), IN, IN,
        begun=lambda talk, answer: answer.having(("ETag", f'"{"e" * 4000}"'))),
    Lie("chunked without length", told(lambda talk, answer: answer.chunked()), IN, IN,
        begun=lambda talk, answer: answer.chunked()),
    Lie("chunked without the final chunk", told(lambda talk, answer: answer.chunked(final=False)), NETWORK, IN,
        passes=True),
    Lie("chunked with trailers that lie", told(trailers), IN, IN),
    Lie("chunked with a size that is none", told(lambda talk, answer: Answer(
        answer.status, answer.without("Content-Length").having(("Transfer-Encoding", "chunked")).headers,
        b"zz\r\n" + answer.body)), NETWORK, NETWORK, passes=True),
    Lie("HTTP/1.0 without length", http_1_0, "neither how long", IN),
    Lie("two lengths", told(lambda talk, answer: Answer(answer.status, [
        *answer.headers, ("Content-Length", 7)], answer.body)), "Content-Length", "Content-Length"),
    Lie("length that is none", told(lambda talk, answer: answer.having(("Content-Length", "many"))),
        "Content-Length", "Content-Length"),
    Lie("length over 2^63", told(lambda talk, answer: answer.having(("Content-Length", "99999999999999999999"))),
        "Content-Length|too large|exceeded", "Content-Length|too large|exceeded"),
    Lie("length of 8 EiB", told(lambda talk, answer: answer.having(("Content-Length", str(2**63 - 1)))),
        "bytes more", "bytes more"),
    Lie("shorter length than the body", told(lambda talk, answer: answer.having(
        ("Content-Length", len(answer.body) - 9))), "ends in the middle", "ends in the middle"),
    Lie("empty body", page(b""), "nothing", "nothing"),
    Lie("204", lambda talk: talk.send(Answer(204)), "204", "204"),
    Lie("302 to another port", moved(lambda talk: talk.to_other()), IN, IN),
    Lie("302 round and round", round_and_round, "redirects", "redirects"),
    Lie("302 to itself", moved(lambda talk: talk.path), "redirects", "redirects"),
    Lie("302 without a Location", lambda talk: talk.send(Answer(302, [("Content-Length", 0)])), "redirect", "redirect"),
    Lie("302 to a file of ours", moved(lambda talk: "file:///etc/passwd"), "file.*not supported|disabled",
        "file.*not supported|disabled"),
    Lie("302 to what is no URL", moved(lambda talk: "http://[::1"), "URL", "URL"),
    Lie("401", refusal(401, "Unauthorized"), "401.*password", "401.*password"),
    Lie("403", refusal(403, "Forbidden", body=XML), "403", "403", passes=True),
    Lie("404", refusal(404, "Not Found"), "404", "404", older=STAYS),
    Lie("410", refusal(410, "Gone"), "410", "410", older=STAYS),
    Lie("500", refusal(500, "Internal Server Error", body=HTML), "500 Internal", "500 Internal", passes=True),
    Lie("503 with Retry-After", refusal(503, "Busy", ("Retry-After", "1")), "503 Busy", "503 Busy", passes=True),
    Lie("503 with a Retry-After that is none", refusal(503, "Busy", ("Retry-After", "soon")), "503", "503",
        passes=True),
    Lie("429 with Retry-After", refusal(429, "Slowly", ("Retry-After", "1")), "429 Slowly", "429 Slowly", passes=True),
    Lie("XML error with 200", page(XML), "XML error .NoSuchKey", "XML error .NoSuchKey"),
    Lie("HTML with 200", page(HTML), "HTML page", "HTML page"),
    Lie("JSON with 200", page(b'{"error": "try later"}'), "JSON", "JSON"),
    Lie("one byte with 200", page(b"\x1f"), "not a gzip", "not a gzip"),
    Lie("gzip magic and nothing else", page(b"\x1f\x8b"), "ends in the middle", "ends in the middle"),
    Lie("gzip of nothing", page(gzip.compress(b"", mtime=0)), "empty|header", "empty|header"),
    Lie("gzip of a page", page(gzip.compress(HTML, mtime=0)), "column|CSV|header", "column|CSV|header"),
    Lie("truncated gzip", truncated, "ends in the middle", "ends in the middle"),
    Lie("garbage behind the last member", garbage_behind, "behind", "behind"),
    Lie("zeros behind the last member", zeros_behind, IN, IN),
    Lie("Content-Encoding: gzip on top", packed_twice, "Content-Encoding", "Content-Encoding"),
    Lie("Content-Encoding: gzip without it", told(lambda talk, answer: answer.having(("Content-Encoding", "gzip"))),
        "Content-Encoding", "Content-Encoding"),
    Lie("packed twice", lambda talk: talk.send(talk.whole(gzip.compress(talk.file.packed, mtime=0))),
        "header|column|CSV|gzip", "header|column|CSV|gzip"),
    Lie("flood of headers", flood, "headers", "headers"),
    Lie("one header of 5 MB", one_long_header, "header", "header"),
    Lie("flood of interim answers", interim_flood, "headers", "headers"),
    Lie("no HTTP at all", lambda talk: talk.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 9), "HTTP", "HTTP"),
)

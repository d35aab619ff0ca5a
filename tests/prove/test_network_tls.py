"""Certificates that must not be believed, and ways from https to somewhere else."""
import socket
import subprocess

import pytest

from liar import Liar
from lies import IN, half_of, moved
from proof import chosen
from scene import editions, liar, scene  # noqa: F401

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
LEAVES = {  # name: (subjectAltName, what the key may do, days)
    "good": ("IP:127.0.0.1", "serverAuth", "30"),
    "other host": ("DNS:elsewhere.example", "serverAuth", "30"),
    "other address": ("IP:127.0.0.2", "serverAuth", "30"),
    "expired": ("IP:127.0.0.1", "serverAuth", "-1"),
    "for clients only": ("IP:127.0.0.1", "clientAuth", "30"),
}


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


class Authority:
    """Signs what it is told; `file` is its certificate."""

    def __init__(self, folder):
        self.folder, self.file = folder, str(folder / "authority.pem")
        self.sign_itself("authority", "/CN=An authority for tests")

    def sign_itself(self, name, subject, *extensions):
        """Key and certificate in one file."""
        path = str(self.folder / f"{name}.pem")
        openssl("req", "-x509", *KEY, "-days", "30", "-subj", subject, *extensions, "-keyout",
                path + ".key", "-out", path + ".crt")
        return self.together(path)

    def sign(self, name):
        names, usage, days = LEAVES[name]
        path = str(self.folder / f"{name}.pem")
        with open(path + ".ext", "w", encoding="ascii") as extensions:
            extensions.write(f"subjectAltName={names}\nextendedKeyUsage={usage}\n")
        openssl("req", "-new", *KEY, "-subj", "/CN=127.0.0.1", "-keyout", path + ".key", "-out", path + ".csr")
        openssl("x509", "-req", "-in", path + ".csr", "-CA", self.file, "-CAkey", self.file, "-days", days, "-extfile",
                path + ".ext", "-out", path + ".crt")
        return self.together(path)

    @staticmethod
    def together(path):
        with open(path, "w", encoding="ascii") as both:
            for part in (".key", ".crt"):
                with open(path + part, encoding="ascii") as one:
                    both.write(one.read())
        return path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """{name: file of key and certificate}; "authority" is the one that --ca-file names."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    made = {name: authority.sign(name) for name in LEAVES}
    made["unknown authority"] = stranger.sign("good")
    made["self-signed"] = authority.sign_itself("self", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    made["authority"] = authority.file
    return made


@pytest.fixture
def plain_other():
    """A second server; the test says with which certificate."""
    made = Liar()
    yield made
    made.close()


def with_certificate(name):
    def lie(liar, certificates, other):  # noqa: F811
        liar.certificate = certificates[name]
    return lie


def plain(liar, certificates, other):  # noqa: F811
    """No TLS where https was asked for."""
    liar.certificate = None


def to_http(liar, certificates, other):  # noqa: F811
    liar.tell(moved(lambda talk: talk.to_other()))


def to_https_of(name):
    def lie(liar, certificates, other):  # noqa: F811
        other.certificate, other.file = certificates[name], liar.file
        liar.tell(moved(lambda talk: f"https://127.0.0.1:{other.port}{talk.path}"))
    return lie


def to_https_and_back(liar, certificates, other):  # noqa: F811
    """https, https on another port, http."""
    to_https_of("good")(liar, certificates, other)
    other.tell(moved(lambda talk: talk.to_other()))


def torn(liar, certificates, other):  # noqa: F811
    """Half of the file, and the connection is closed without TLS's own good-bye."""
    def lie(talk):
        talk.send(half_of(talk.truth()))
        socket.socket(fileno=talk.connection.detach()).close()
    liar.tell(lie)


NOT_BELIEVED = "certificate is not accepted"
CASES = {
    **{f"certificate: {name}": (with_certificate(name), NOT_BELIEVED) for name in (
        "self-signed", "other host", "other address", "expired", "for clients only", "unknown authority")},
    "no TLS at all": (plain, "no secure connection"),
    "https to http": (to_http, "leads away from https"),
    "https to https to http": (to_https_and_back, "leads away from https"),
    "https to https, self-signed": (to_https_of("self-signed"), NOT_BELIEVED),
    "https to https, expired": (to_https_of("expired"), NOT_BELIEVED),
    "https to https, good": (to_https_of("good"), IN),
    "no HTTP behind TLS": (lambda liar, certificates, other: liar.tell(  # noqa: F811
        lambda talk: talk.write(b"220 mail.example ESMTP\r\n")), "HTTP"),
    "torn": (torn, "network failed"),
}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_tls(proof, scene, kind, certificates, plain_other):  # noqa: F811
    cases = proof("network cases", f"https, into {kind}")
    points = [(name, older, continued) for name in CASES for older in (False, True) for continued in (False, True)]
    for name, older, continued in chosen(points, f"tls {kind}", few=1):
        lie, expected = CASES[name]
        with cases.point(f"{name}, older edition {older}, continued {continued}"):
            here = scene(cases, kind, older, certificates["good"], ("--ca-file", certificates["authority"]))
            if continued:
                here.cut()
            here.liar.tell(None)
            plain_other.tell(None)
            lie(here.liar, certificates, plain_other)
            result = here.run()
            if expected == IN:
                here.came_in(result)
            else:
                here.failed(result, expected)
            here.liar.certificate = certificates["good"]
            here.end()


def test_a_redirect_from_http_to_a_bad_certificate(proof, scene, certificates, plain_other):  # noqa: F811
    cases = proof("network cases", "http redirected to https")
    for name in chosen(["self-signed", "expired", "other host", "good"], "to https", few=1):
        with cases.point(name):
            here = scene(cases, "sqlite", older=True)
            to_https_of(name)(here.liar, certificates, plain_other)
            result = here.run("--ca-file", certificates["authority"])
            if name == "good":
                here.came_in(result)
            else:
                here.failed(result, NOT_BELIEVED)
            here.end()

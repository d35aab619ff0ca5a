"""The arrows between the layers, read from the #includes: cmd -> stages -> state -> state/base."""
import os
import re
import subprocess

import pytest

import program

LAYERS = ["state/base", "state", "stages", "cmd"]  # each may include itself and those before it
LIBRARIES = {
    "curl/": r"stages/fetch[a-z_]*\.[ch]",
    "zlib.h": r"stages/inflate[a-z_]*\.[ch]",
    "libpq-fe.h": r"stages/(pg[a-z_]*|sink_postgres[a-z_]*)\.[ch]",
    "sqlite3.h": r"(state/db(_query|_private)?|stages/sink_sqlite[a-z_]*)\.[ch]",
    "microhttpd.h": r"cmd/http\.c",
    "openssl/": r"state/base/(sha256|libcrypto)\.c",
}
GENERATED = {"stages_sql.h": "stages", "state_sql.h": "state", "page_files.h": "cmd"}
FUNCTION_LINES = 50


def sources():
    """Every C file of the program, as a path below the root."""
    found = []
    for folder in ("cmd", "stages", "state"):
        for place, _, names in os.walk(os.path.join(program.ROOT, folder)):
            found += [os.path.relpath(os.path.join(place, name), program.ROOT)
                      for name in names if name.endswith((".c", ".h"))]
    return sorted(found)


def layer_of(path):
    for layer in LAYERS:  # state/base before state
        if path.startswith(layer + "/"):
            return layer
    raise AssertionError(f"{path} is in no layer")


def text_of(path):
    with open(os.path.join(program.ROOT, path), encoding="utf-8") as file:
        return file.read()


def includes_of(path):
    """(the bracket, the name) of every #include."""
    return re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', text_of(path), re.MULTILINE)


def without_comments_and_strings(text):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def test_there_are_sources():
    assert len(sources()) > 30


def test_includes_go_one_way():
    wrong = []
    for path in sources():
        for bracket, name in includes_of(path):
            if bracket == "<":
                continue
            if name in GENERATED:
                if not path.startswith(GENERATED[name] + "/"):
                    wrong.append(f"{path} includes {name}")
                continue
            if not os.path.isfile(os.path.join(program.ROOT, name)):
                wrong.append(f"{path} includes {name}, which is not written from the root or not there")
            elif LAYERS.index(layer_of(name)) > LAYERS.index(layer_of(path)):
                wrong.append(f"{path} ({layer_of(path)}) includes {name} ({layer_of(name)})")
    assert wrong == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_stay_in_their_files(library):
    users = [path for path in sources()
             if any(bracket == "<" and name.startswith(library) for bracket, name in includes_of(path))]
    assert users, f"nobody includes {library}: the rule is out of date"
    assert [path for path in users if not re.fullmatch(LIBRARIES[library], path)] == []


def test_only_cmd_prints_or_exits():
    """Outside cmd/ nothing writes to stdout or stderr and nothing ends the process."""
    speaking = re.compile(r"(?<![\w.>])(printf|puts|putchar|perror|exit|_exit|abort|quick_exit)\s*\("
                          r"|(?<!\w)(stdout|stderr)(?!\w)")
    wrong = []
    for path in sources():
        if path.startswith("cmd/"):
            continue
        for match in speaking.finditer(without_comments_and_strings(text_of(path))):
            wrong.append(f"{path}: {match.group(0)}")
    assert wrong == []


def test_build_names_every_source():
    """build.ninja is the table of contents: no C file that it does not name, none that is not there."""
    named = set(re.findall(r"(?<![\w./$])((?:cmd|stages|state)/[\w/]+\.c)\b", text_of("build.ninja")))
    there = {path for path in sources() if path.endswith(".c")}
    assert named == there


def test_no_sql_has_a_backslash():
    """What it means in a literal depends on standard_conforming_strings, which is the user's to set."""
    wrong = []
    for place, _, names in os.walk(os.path.join(program.ROOT, "stages", "sql", "postgres")):
        for name in names:
            with open(os.path.join(place, name), encoding="utf-8") as file:
                wrong += [f"{name}: {line.strip()}" for line in file if "\\" in line.split("--")[0]]
    assert wrong == []


def functions():
    """(lines, path, name) of every function, by ctags."""
    out = subprocess.run(["ctags", "-x", "--_xformat=%{input}\t%{name}\t%{line}\t%{end}", "--kinds-C=f",
                          "--language-force=C", *[path for path in sources() if path.endswith(".c")]],
                         cwd=program.ROOT, capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        path, name, first, end = line.split("\t")
        yield int(end) - int(first) + 1, path, name


def test_functions_are_short():
    lengths = sorted(functions(), reverse=True)
    assert len(lengths) > 100
    assert [entry for entry in lengths if entry[0] > FUNCTION_LINES] == []
    assert lengths[len(lengths) // 2][0] < 20


def test_no_note_to_self_is_left():
    wrong = [path for path in sources() if re.search(r"\b(TO" "DO|FIX" r"ME|X{3})\b", text_of(path))]
    assert wrong == []

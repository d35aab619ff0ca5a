"""What the documents show can be typed: every command is there, with the options it is shown with."""
import glob
import os
import re
import subprocess

import program

PAGES = ["README.md", *(os.path.join("docs", name) for name in sorted(os.listdir(os.path.join(program.ROOT, "docs")))
                        if name.endswith(".md"))]


def text_of(page):
    with open(os.path.join(program.ROOT, page), encoding="utf-8") as file:
        return file.read()


def commands():
    """(page, command, options) of everything that looks like a call of the program."""
    for page in PAGES:
        for line in re.findall(r"^ {4}.*$|`[^`\n]+`", text_of(page), re.MULTILINE):
            call = re.search(r"(?<![\w-])(?:build/)?dvf-import +([a-z]+)([^#|>`]*)", line)
            if call:
                yield page, call.group(1), re.findall(r"(?<=\s)--[a-z-]+", call.group(2))


def test_commands_of_the_documents():
    seen = list(commands())
    assert len(seen) > 40
    known, wrong = {}, []
    for page, command, options in seen:
        if command not in known:
            done = subprocess.run([program.PATH, command, "--help"], capture_output=True, text=True)
            known[command] = done.stdout if done.returncode == 0 else None
        if known[command] is None:
            wrong.append(f"{page}: there is no command {command}")
            continue
        wrong += [f"{page}: {command} knows no {option}" for option in options
                  if not re.search(re.escape(option) + r"(?![a-z-])", known[command])]
    assert wrong == []


def anchors_of(path):
    """What GitHub makes of the headings: small letters, blanks to hyphens, without punctuation."""
    with open(path, encoding="utf-8") as file:
        headings = re.findall(r"^#+ +(.*)$", file.read(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_of_the_documents():
    wrong = []
    for page in [*PAGES, "tests/README.md"]:
        folder = os.path.dirname(os.path.join(program.ROOT, page))
        for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text_of(page)):
            path = os.path.join(folder, target) if target else os.path.join(program.ROOT, page)
            if "://" in target:
                continue
            if not os.path.exists(path):
                wrong.append(f"{page}: {target} is not there")
            elif anchor and anchor not in anchors_of(path):
                wrong.append(f"{page}: {target} has no heading {anchor}")
    assert wrong == []


def test_scripts_the_documents_name():
    """ops/... is there, may be run, and knows the options it is shown with. Not run here: they install and build."""
    wrong, seen = [], 0
    for page in [*PAGES, "tests/README.md"]:
        for line in re.findall(r"^ {4}.*$|`[^`\n]+`", text_of(page), re.MULTILINE):
            for name, words in re.findall(r"(?<![\w/])ops/([a-z-]+)(?![\w/-]|\.\w)([^#|`&]*)", line):
                path = os.path.join(program.ROOT, "ops", name)
                seen += 1
                if not os.access(path, os.X_OK):
                    wrong.append(f"{page}: ops/{name} cannot be run")
                    continue
                wrong += [f"{page}: ops/{name} knows no {option}" for option in re.findall(r"(?<=\s)--[a-z-]+", words)
                          if option not in text_of(os.path.join("ops", name))]
    assert wrong == [] and seen > 15


def test_documents_that_belong_together():
    """The French page shows the commands of the English one; every column is told of where columns are told of."""
    def calls(page):
        return re.findall(r"^ {4}((?:[A-Z_]+=\S+ )?(?:build/dvf-import|ops/)[^#\n]*?)\s*(?:#.*)?$", text_of(page), re.MULTILINE)

    french = calls("docs/README.fr.md")
    assert len(french) > 10 and [call for call in french if call not in calls("README.md")] == []
    names = re.findall(r'\.name = "(\w+)"', text_of("stages/columns.c"))
    assert len(names) == 40
    told = re.findall(r"^\| \d+ \| `(\w+)` \|", text_of("docs/DATA.md"), re.MULTILINE)
    assert told == [*names, "source_year", "source_row"]


def messages_of_the_program():
    """Every text in the sources, the pieces of each put together, as one line."""
    texts = []
    for path in sorted(glob.glob(os.path.join(program.ROOT, "*", "**", "*.[ch]"), recursive=True)):
        if os.path.relpath(path, program.ROOT).split(os.sep)[0] not in ("cmd", "stages", "state"):
            continue
        source = text_of(os.path.relpath(path, program.ROOT))
        source = re.sub(r'"\s*PRI[udx]64\s*"', "llu", source)
        texts += re.findall(r'"((?:[^"\\\n]|\\.)*)"', re.sub(r'"\s*\n\s*"', "", source))
    for path in glob.glob(os.path.join(program.ROOT, "stages", "sql", "*", "*.sql")):
        texts += re.findall(r"'((?:[^'\n]|'')*)'", text_of(os.path.relpath(path, program.ROOT)))
    return [text for text in texts if " " in text]


def test_messages_of_troubleshooting_are_said():
    """What stands in the first column of a table headed "message" is a text of the program; … is what differs."""
    texts, wrong, seen = messages_of_the_program(), [], 0
    for table in re.findall(r"^\| (?:message|what you see) \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text_of("docs/TROUBLESHOOTING.md"),
                            re.MULTILINE):
        for row in table.splitlines():
            cell = row.split(" | ")[0]
            if "said by" in cell:
                continue
            for message in re.findall(r"`([^`]+)`", cell):
                if " " not in message:
                    continue
                seen += 1
                pattern = re.compile(".*".join(re.escape(part) for part in message.split("…")))
                if not any(pattern.search(text) for text in texts):
                    wrong.append(message)
    assert wrong == [] and seen > 40


def test_tests_the_durability_table_names():
    """Each row names a test that runs."""
    table = text_of("docs/DURABILITY.md")
    for name in set(re.findall(r"\btest_[a-z_]+", table)):
        paths = [os.path.join(program.ROOT, "tests", *place) for place in
                 (("e2e", name + ".py"), ("prove", name + ".py"), ("unit", name + ".c"))]
        assert any(os.path.exists(path) for path in paths), name

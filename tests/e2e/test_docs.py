"""What the documents show can be typed: every command is there, with the options it is shown with."""
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


def test_links_of_the_documents():
    wrong = []
    for page in [*PAGES, "tests/README.md"]:
        folder = os.path.dirname(os.path.join(program.ROOT, page))
        for target in re.findall(r"\]\(([^)#]+)\)", text_of(page)):
            if "://" not in target and not os.path.exists(os.path.join(folder, target)):
                wrong.append(f"{page}: {target} is not there")
    assert wrong == []


def test_tests_the_durability_table_names():
    """Each row names a test that runs."""
    table = text_of("docs/DURABILITY.md")
    for name in set(re.findall(r"\btest_[a-z_]+", table)):
        paths = [os.path.join(program.ROOT, "tests", *place) for place in
                 (("e2e", name + ".py"), ("prove", name + ".py"), ("unit", name + ".c"))]
        assert any(os.path.exists(path) for path in paths), name

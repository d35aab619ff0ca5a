"""The man pages say what --help says, --help what the program takes, and the ledger's page what the ledger is."""
import os
import re
import socket
import sqlite3
import subprocess

import pytest

import program

VALUES = {"--to": "sqlite:x.sqlite", "--source": "file:///x/{year}.csv.gz", "--openlineage": "x.json"}


def page(name):
    with open(os.path.join(program.ROOT, "docs", "man", name), encoding="utf-8") as file:
        return file.read()


def section(text, title):
    return re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", text, re.MULTILINE | re.DOTALL).group(1)


def help_of(*command):
    done = subprocess.run([program.PATH, *command, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def commands():
    listed = help_of().split("\nCommands:\n")[1].split("\n'dvf-import ")[0]
    return re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)


def options_of_help(*command):
    """{option: whether it has a value}"""
    found = {}
    for line in help_of(*command).splitlines():
        if re.match(r"  --[a-z]", line):
            for option, value in re.findall(r"(?:^  |, )(--[a-z-]+)( [A-Z]\S*)?", line):
                found[option] = bool(value)
    return found


def options_of_page():
    """{option: the commands it goes with}"""
    found = {}
    for names, taken_by in re.findall(r"^\.It (Fl -.*)\n\.Pq (.*)$", section(page("dvf-import.1"), "OPTIONS"),
                                      re.MULTILINE):
        taking = commands() if taken_by == "every command" else taken_by.split(" , ")
        for name in re.findall(r"Fl (-[a-z-]+)", names):
            found.setdefault("-" + name, set()).update(taking)
    return found


def test_commands_of_the_page():
    assert len(commands()) >= 12
    assert re.findall(r"^\.It Cm (\S+)$", section(page("dvf-import.1"), "COMMANDS"), re.MULTILINE) == commands()


def test_options_of_the_page():
    by_help = {}
    for command in commands():
        for option in options_of_help(command):
            by_help.setdefault(option, set()).add(command)
    assert len(by_help) >= 40
    assert options_of_page() == by_help


def test_help_is_what_the_program_takes(tmp_path):
    """Each option with each command: it goes with those whose --help names it, and with no other."""
    every = options_of_help()
    wrong = []
    for command in commands():
        named = options_of_help(command)
        for option, has_value in every.items():
            if option in ("--help", "--version", "--log-format"):
                continue
            words = [command, option, *([VALUES.get(option, "1")] if has_value else [])]
            words += ["x.csv"] if command == "mend" else []
            words += ["--html", "x"] if command == "report" and option != "--html" else []
            # After what does not go together, the first thing that is found wrong.
            done = subprocess.run([program.PATH, *words, "--log-format", "none"], capture_output=True, text=True,
                                  cwd=tmp_path, env=program.clean_environment(tmp_path))
            assert done.returncode == program.USAGE, str(done)
            taken = f"{option} does not go with {command}" not in done.stderr
            assert not taken or "'none' is not text" in done.stderr, str(done)
            if taken != (option in named):
                wrong.append(f"{command} {option}: the program {'takes' if taken else 'refuses'} it")
    assert wrong == [] and os.listdir(tmp_path) == []


def test_variables_of_the_page():
    told = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", section(page("dvf-import.1"), "ENVIRONMENT")))
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", help_of()))
    assert len(named) > 15
    assert named - told == set()


def test_exit_codes_of_the_page():
    told = re.findall(r"^\.It (\d+)$", section(page("dvf-import.1"), "EXIT STATUS"), re.MULTILINE)
    assert told == [str(code) for code in (program.ALL, program.NONE, program.SOME, program.REFUSED, program.USAGE,
                                           program.INTERRUPTED)]


def exit_codes_of_help(text):
    told = re.findall(r"^Exit code(?: of ([a-z ]+))?:\n((?:  .*\n)+)", text, re.MULTILINE)
    return {names: sorted(int(code) for code in re.findall(r"(?<!\S)(\d+)\s", codes)) for names, codes in told}


def test_exit_codes_of_help():
    """Each command's own, and of every command, by its name, the same."""
    whole = {}
    for names, codes in exit_codes_of_help(help_of()).items():
        whole |= {name: codes for name in names.split(" and ")}
    assert whole == {command: exit_codes_of_help(help_of(command))[""] for command in commands()}
    assert whole["run"] == [0, 1, 2, 3, 64, 75] and whole["health"] == [0, 1, 64]


def test_help_of_every_command_is_told_once():
    """No option twice, and no line that goes on with what only one command says."""
    options = re.findall(r"^  (--[a-z-]+ \S*)", help_of(), re.MULTILINE)
    assert [option for option in options if options.count(option) > 1 and option != "--dry-run "] == []
    assert "It is asked" not in help_of()
    assert "It is asked" in help_of("promote") and "It is asked" in help_of("verify")


def test_exit_codes_without_a_ledger(tmp_path):
    """Those that only look say what their help says of a folder where nothing was imported."""
    for words, code in ((["status"], program.REFUSED), (["history"], program.REFUSED), (["clean"], program.ALL),
                        (["report", "--html", "x.html"], program.REFUSED)):
        done = subprocess.run([program.PATH, *words], capture_output=True, text=True, cwd=tmp_path,
                              env=program.clean_environment(tmp_path))
        assert done.returncode == code and code in exit_codes_of_help(help_of(words[0]))[""], str(done)


def test_exit_code_of_a_taken_port(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run([program.PATH, "serve", "--listen", f"127.0.0.1:{taken.getsockname()[1]}"],
                              capture_output=True, text=True, cwd=tmp_path, env=program.clean_environment(tmp_path))
    assert done.returncode == program.REFUSED and "cannot listen there" in done.stderr, str(done)


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The folder a run leaves."""
    home = tmp_path_factory.mktemp("state-page")
    subprocess.run(["/usr/bin/python3", os.path.join(program.ROOT, "ops", "make-years"), "--years", "2023",
                    "--rows", "300", "--quiet", str(home)], check=True)
    importer = program.Import(home, f"sqlite:{home}/x.sqlite", f"file://{home}/latest/csv/{{year}}/full.csv.gz")
    importer.run_well("--years", "2023")
    return importer.state


def test_tables_of_the_state_page(state):
    told = {}
    for table, text in re.findall(r"^\.Ss (\S+)\n(.*?)(?=^\.Ss |\Z)", section(page("dvf-import-state.5"), "TABLES"),
                                  re.MULTILINE | re.DOTALL):
        told[table] = sorted(column for names in re.findall(r"^\.It Va (.*)$", text, re.MULTILINE)
                             for column in names.split(" , "))
    ledger = sqlite3.connect(f"file:{state}/state.sqlite?mode=ro", uri=True)
    tables = [name for name, in ledger.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"
                                               " AND name NOT LIKE 'sqlite%'")]
    there = {table: sorted(name for name, in ledger.execute("SELECT name FROM pragma_table_info(?)", (table,)))
             for table in tables}
    ledger.close()
    assert told == there


def test_files_of_the_state_page(state):
    told = re.sub(r" Ns (?:Ar|Pa)? ?(?:- Ns )?", "", section(page("dvf-import-state.5"), "FILES"))
    left = [name for name in os.listdir(state)
            if not re.search(rf"^\.It Pa .*\b{re.escape(name)}\b", told, re.MULTILINE)]
    assert left == []


def test_example_of_the_state_page(state):
    """The statement is run as it stands there."""
    example = re.search(r"sqlite3 (-readonly state\.sqlite) \"(.*?)\"", page("dvf-import-state.5"), re.DOTALL)
    done = subprocess.run(["sqlite3", *example.group(1).split(), example.group(2)], capture_output=True, text=True,
                          cwd=state, check=True)
    assert re.fullmatch(r"\S+Z\|2023\|[0-9a-f]{64}\n", done.stdout), done.stdout

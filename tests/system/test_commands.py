"""The command line is what the contracts say: every command, every option, and help for each."""

from __future__ import annotations

import json
import re

import click
import pytest
from click.testing import CliRunner

from ewarung_city.__main__ import cli as city
from ewarung_pos.__main__ import cli as till
from tests.system.kit import run

pytestmark = pytest.mark.system

TILL_COMMANDS = {
    "run": "--data-dir",
    "demo": "--headless --redemptions --seed --data-dir --resume --edc --city --code --screens --json",
    "simulate-edc": "--pty --listen --faults --families",
    "doctor": "--data-dir --json",
    "verify": "--data-dir --json",
    "export": "--from --data-dir --json",
    "backup": "--data-dir --json",
    "restore": "--data-dir --json",
    "enrol": "--city --code --key --data-dir",
    "rekey": "--key --data-dir",
}
CITY_COMMANDS = {
    "serve": "--database --listen",
    "init": "--database",
    "import-families": "--json",
    "import-kiosks": "--json",
    "grant": "--json",
    "enrol": "--json",
    "report": "--period --out --json",
    "verify": "--json",
}


def helped(program: click.Group, *command: str) -> str:
    done = CliRunner().invoke(program, [*command, "--help"], prog_name="program", terminal_width=120)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(("program", "commands"), [(till, TILL_COMMANDS), (city, CITY_COMMANDS)], ids=["till", "city"])
def test_every_command_explains_itself_and_its_options(program: click.Group, commands: dict[str, str]) -> None:
    listed = re.findall(r"^  ([a-z][a-z-]+)  +(\S.*)$", helped(program).partition("Commands:")[2], re.MULTILINE)
    assert set(commands) <= {name for name, _ in listed}
    assert all(len(what) > 10 for _, what in listed)
    for command, options in commands.items():
        text = helped(program, command)
        missing = [option for option in options.split() if not re.search(rf"{option}\b", text)]
        assert not missing, f"{command}: {missing}"


def test_the_programs_answer_to_help_and_version() -> None:
    assert "Commands:" in run("--help").stdout
    assert re.search(r"\d+\.\d+", run("--version").stdout)


@pytest.mark.parametrize(
    "words",
    [
        ["demo", "--redemptions", "0"],
        ["demo", "--nope"],
        ["simulate-edc"],
        ["simulate-edc", "--pty", "x", "--listen", "tcp://127.0.0.1:1"],
        ["nope"],
        ["verify", "/nope"],
        ["export"],
        ["export", "out.jsonl", "--from", "0"],
        ["enrol"],
    ],
)
def test_wrong_use_exits_with_2_and_says_what(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_the_simulator_listens_on_this_machine_only() -> None:
    done = run("simulate-edc", "--listen", "tcp://0.0.0.0:7002", timeout=20)
    assert done.returncode == 2
    assert "127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_speaks_to_a_machine_on_the_last_line() -> None:
    done = run("doctor", "--json", "--data-dir", "/nonexistent/till")
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["checks"]
    assert all(set(line) == {"state", "what", "meaning", "do"} for line in found["checks"])

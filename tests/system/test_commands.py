"""The command line is what the contracts say: every command, every option, and help for each."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ewarung_city.__main__ import cli as city
from ewarung_pos.commands import cli as till
from ewarung_pos.commands import run_command
from ewarung_pos.config import load_config
from ewarung_pos.errors import ConfigError, LedgerKeyWrong
from ewarung_pos.ledger.backup import back_up
from ewarung_pos.ports import DeviceKind, DeviceRole, FoundDevice
from ewarung_pos.practice import demo
from ewarung_pos.practice.sandbox import Sandbox
from ewarung_pos.ui.text import trouble_of
from tests.new_ledger import new_ledger
from tests.system.kit import demo_command, refused, run
from tests.till_kit import till_kit

pytestmark = pytest.mark.system

TILL_COMMANDS = {
    "run": "--data-dir",
    "demo": "--headless --redemptions --seed --data-dir --resume --edc --city --code --screens --json",
    "simulate-edc": "--pty --listen --faults --families --lost-after",
    "simulate-printer": "--listen --faults --papers --cpl",
    "simulate-reader": "--stripe --chip --families --faults --every --seed",
    "doctor": "--data-dir --bundle --try --propose --json",
    "verify": "--data-dir --json",
    "export": "--from --data-dir --json",
    "import": "--data-dir --json",
    "backup": "--data-dir --json",
    "restore": "--data-dir --json --older",
    "enrol": "--city --code --key --data-dir",
    "rekey": "--key --data-dir",
}
ENGLISH = {"the", "expected", "empty", "with", "not", "is", "and", "failed", "error", "missing"}
CITY_COMMANDS = {
    "serve": "--database --listen --workers --metrics-token --log-level",
    "init": "--database --distributed",
    "import-families": "--map --sheet --snapshot --source --out --check --json",
    "import-kiosks": "--json",
    "grant": "--json",
    "enrol": "--json",
    "reset-pin": "--json",
    "bundle": "import state",
    "officer": "add key list lock passphrase renew rescue unlock",
    "family": "--as --passphrase-file --reason --period --json",
    "report": "--period --out --officer --since --family --as --json",
    "verify": "--audit-head --json",
    "simulate": "--kiosks --days --faults --seed --families --database --workers --folder --json",
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
    ("words", "named"),
    [
        (["demo", "--redemptions", "0"], "--redemptions tidak bisa dipakai; beri bilangan bulat mulai 1 sampai 5000"),
        (["demo", "--seed", "x"], "--seed tidak bisa dipakai; beri bilangan bulat."),
        (["demo", "--redemption", "1"], "`ewarung-pos demo` tidak mengenal pilihan --redemption. Mungkin maksudnya"),
        (["demo", "--nope"], "`ewarung-pos demo` tidak mengenal pilihan --nope."),
        (["demo", "--seed"], "--seed dipakai tanpa nilai"),
        (["demo", "--code", "ABCD"], "beri --city URL juga"),
        (["demo", "--data-dir", "{tmp}/words"], "--data-dir tidak bisa dipakai; beri folder, bukan berkas"),
        (["simulate-edc"], "--pty LINK dan --listen"),
        (["simulate-edc", "--pty", "x", "--listen", "tcp://127.0.0.1:1"], "--pty LINK dan --listen"),
        (["simulate-edc", "--pin", "ask"], "--pin tidak bisa dipakai; beri salah satu dari auto, face"),
        (["simulate-edc", "--pty", "x", "--faults", "/none"], "--faults tidak bisa dipakai; beri berkas yang ada"),
        (["simulate-printer"], "`ewarung-pos simulate-printer` memerlukan --listen"),
        (["simulate-printer", "--listen", "tcp://127.0.0.1:1", "--cpl", "42"], "beri salah satu dari 32, 48"),
        (["simulate-printer", "--listen", "tcp://127.0.0.1:1", "--papers", "{tmp}/words"], "beri folder, bukan berkas"),
        (["simulate-reader"], "--stripe LINK dan --chip"),
        (["simulate-reader", "--stripe", "x", "--chip", "127.0.0.1:1"], "--stripe LINK dan --chip"),
        (
            ["simulate-reader", "--stripe", "x", "--every", "0"],
            "--every tidak bisa dipakai; beri bilangan bulat mulai 1",
        ),
        (["nope"], "`ewarung-pos` tidak mengenal perintah 'nope'"),
        (["verify", "/none"], "PATH"),
        (["verify", "--data-dir", ".", "."], "PATH dan --data-dir"),
        (["export"], "`ewarung-pos export` memerlukan OUT.jsonl"),
        (["export", "out.jsonl", "--from", "0"], "--from tidak bisa dipakai; beri bilangan bulat mulai 1"),
        (["enrol"], "`ewarung-pos enrol` memerlukan --city"),
        (["report"], "`ewarung-pos report` memerlukan salah satu perintahnya"),
        (["backup", "stick", "words"], "`ewarung-pos backup` tidak memerlukan 'words'"),
    ],
)
def test_a_command_that_is_not_understood_is_answered_in_the_words_of_the_till(
    tmp_path: Path, words: list[str], named: str
) -> None:
    (tmp_path / "words").write_text("these are words\n")
    told = refused(run(*(word.format(tmp=tmp_path) for word in words), timeout=30), 2)
    assert named in told
    assert "--help`" in told
    assert not ENGLISH & set(re.findall(r"[a-z]+", told.replace(str(tmp_path), "").lower()))


@pytest.mark.parametrize(
    "words",
    [
        ["{first}", "verify"],
        ["{first}", "verify", "--json"],
        ["{first}", "export", "{tmp}/out.jsonl"],
        ["{first}", "backup", "{tmp}/stick"],
        ["{first}", "report", "pdp"],
        ["--data-dir", "{tmp}/other", "verify", "{first}"],
    ],
    ids=" ".join,
)
def test_where_the_data_lives_may_be_said_before_the_command(
    tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is nearer to the command holds; the environment is the farthest."""
    monkeypatch.setenv("EWARUNG_DATA_DIR", str(tmp_path / "environment"))
    split = [part.format(tmp=tmp_path, first=f"--data-dir {tmp_path}/first") for part in words]
    with pytest.raises(ConfigError) as refused:
        run_command([word for part in split for word in part.split()])
    assert f"{tmp_path}/first" in refused.value.detail


def test_a_ledger_is_verified_with_the_key_that_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names this machine's kiosk; a ledger that lies beside its own key is another's."""

    def verified(*words: str | Path) -> object:
        with pytest.raises(SystemExit) as ended:
            run_command(["verify", *map(str, words)])
        return ended.value.code

    kiosk, other, stick = (tmp_path / name for name in ("kiosk", "other", "stick"))
    for folder, key in ((kiosk, bytes(32)), (other, b"k" * 32)):
        folder.mkdir()
        new_ledger(folder, key)
        (folder / "ledger.key").write_text(key.hex())
        (folder / "ledger.key").chmod(0o600)
    stick.mkdir()
    copy = Path(back_up(kiosk / "ledger.db", bytes(32), stick).path)
    monkeypatch.setenv("EWARUNG_DATA_DIR", str(kiosk))
    assert verified() == 0
    assert verified(copy) == 0
    assert verified(other / "ledger.db") == 0
    monkeypatch.delenv("EWARUNG_DATA_DIR")
    assert verified(copy, "--data-dir", kiosk) == 0
    with pytest.raises(LedgerKeyWrong):
        run_command(["verify", str(other / "ledger.db"), "--data-dir", str(kiosk)])


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--data-dir", "{tmp}", "verify", "{tmp}"], "PATH dan --data-dir"),
        (["--data-dir", ".", "simulate-edc", "--pty", "{tmp}/x"], "`ewarung-pos simulate-edc` tidak mengenal pilihan"),
        (["--json", "verify"], "`ewarung-pos` tidak mengenal pilihan --json"),
    ],
)
def test_an_option_before_a_command_that_it_is_not_for_is_refused(
    tmp_path: Path, words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([word.format(tmp=tmp_path) for word in words]) == 2
    assert named in capsys.readouterr().err


def test_the_simulator_listens_on_this_machine_only() -> None:
    done = run("simulate-edc", "--listen", "tcp://0.0.0.0:7002", timeout=90)
    assert done.returncode == 2
    assert "127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_proposes_a_configuration_for_what_is_plugged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = FoundDevice(DeviceKind.USB_PRINTER, DeviceRole.PRINTER, "0416:5011", "POS58")
    monkeypatch.setattr("ewarung_pos.devices.search.MachineSearch.look", lambda _: (printer,))
    done = CliRunner().invoke(till, ["doctor", "--propose", "--data-dir", str(tmp_path)])
    assert done.exit_code == 0, done.output
    (tmp_path / "config.toml").write_text(done.stdout)
    assert load_config(tmp_path / "config.toml", {}).receipt_printer.port == "0416:5011"
    assert "Ditemukan: printer USB: POS58 (0416:5011)" in done.stderr
    done = CliRunner().invoke(till, ["doctor", "--propose", "--json", "--data-dir", str(tmp_path)])
    told = json.loads(done.stdout.splitlines()[-1])
    assert ([each["place"] for each in told["found"]], told["settings"]) == (["0416:5011"], []), "set up by now"


def test_doctor_speaks_to_a_machine_on_the_last_line() -> None:
    done = run("doctor", "--json", "--data-dir", "/nonexistent/till")
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["checks"]
    assert all(set(line) == {"state", "what", "meaning", "do"} for line in found["checks"])


# --- options: named with their value and what was expected ------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["simulate-edc", "--listen", "tcp://127.0.0.1:99999"], ["--listen", "99999", "0 sampai 65534"]),
        (["simulate-edc", "--listen", "tcp://127.0.0.1:65535"], ["--listen", "65535", "0 sampai 65534"]),
        (["simulate-edc", "--listen", "tcp://127.0.0.1:²"], ["--listen", "²"]),
        (["simulate-edc", "--pty", "/nonexistent/dir/x"], ["--pty", "/nonexistent/dir/x"]),
        (["simulate-edc", "--pty", "{tmp}/x", "--faults", "{tmp}/words"], ["--faults", "{tmp}/words", "simulators.md"]),
        (["simulate-edc", "--pty", "{tmp}/x", "--faults", "{tmp}/rule.json"], ["--faults", "explode"]),
        (["simulate-edc", "--pty", "{tmp}/x", "--families", "{tmp}/words"], ["--families", "{tmp}/words"]),
        (["simulate-edc", "--pty", "{tmp}/x", "--journal", "{tmp}/words"], ["--journal", "{tmp}/words"]),
        (["simulate-printer", "--listen", "tcp://192.0.2.1:9100"], ["--listen", "192.0.2.1", "127.0.0.1"]),
        (
            ["simulate-printer", "--listen", "tcp://127.0.0.1:0", "--faults", "{tmp}/rule.json"],
            ["--faults", "'explode' pada 'sale' tidak dikenal printer"],
        ),
        (["simulate-reader", "--stripe", "{tmp}/words"], ["--stripe", "{tmp}/words", "tautan"]),
        (
            ["simulate-reader", "--stripe", "{tmp}/x", "--faults", "{tmp}/rule.json"],
            ["'explode' pada 'sale' tidak dikenal pembaca gesek"],
        ),
        (
            ["simulate-reader", "--chip", "127.0.0.1:1", "--faults", "{tmp}/rule.json"],
            ["'explode' pada 'sale' tidak dikenal kartu chip"],
        ),
        (["simulate-reader", "--chip", "127.0.0.1:1"], ["--chip", "'127.0.0.1:1'", "tidak ada yang meminta", "pcscd"]),
        (["simulate-reader", "--chip", "192.0.2.1:35963"], ["--chip", "192.0.2.1", "127.0.0.1:35963"]),
        (["simulate-reader", "--stripe", "{tmp}/x", "--families", "{tmp}/words"], ["--families", "{tmp}/words"]),
        (["demo", "--headless", "--data-dir", "{tmp}/d", "--edc", "foo://x"], ["--edc", "foo://x", "/dev/ttyACM0"]),
        (["demo", "--headless", "--data-dir", "{tmp}/d", "--city", "ftp://x", "--code", "A"], ["--city", "ftp://x"]),
        (["enrol", "--data-dir", "{tmp}/d", "--city", "kota", "--code", "A"], ["--city", "'kota'", "https://"]),
        (["verify", "/etc"], ["/etc", "Tidak ada buku catatan di sana", "ledger.db"]),
        (["verify", "--data-dir", "{tmp}/none"], ["{tmp}/none", "Tidak ada kios di sini", "--data-dir"]),
        (["demo", "--headless", "--resume", "--data-dir", "{tmp}/none"], ["--resume", "{tmp}/none"]),
    ],
)
def test_a_bad_option_is_named_with_its_value_and_what_was_expected(
    tmp_path: Path, words: list[str], named: list[str]
) -> None:
    (tmp_path / "words").write_text("these are words\n")
    (tmp_path / "rule.json").write_text('[{"on": "sale", "do": "explode"}]')
    told = refused(run(*(word.format(tmp=tmp_path) for word in words), timeout=90), 2)
    assert "config.toml" not in told
    assert "/dev/pts" not in told
    assert not ENGLISH & set(re.findall(r"[a-z]+", told.replace(str(tmp_path), "").lower()))
    for part in named:
        assert part.format(tmp=tmp_path) in told
    assert not (tmp_path / "none").exists()


def test_a_command_that_is_cut_off_does_not_say_that_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy may be in place, a code used and a key moved before Ctrl+C comes."""

    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ewarung_pos.kiosk.copies.restore_ledger", cut_off)
    (tmp_path / "copy.db").touch()
    assert run_command(["restore", str(tmp_path / "copy.db")]) == 3
    told = capsys.readouterr().err
    assert "diubah" not in told
    assert [line.partition(":")[0] for line in told.split("\n") if line][1:] == ["Yang sudah aman", "Lakukan sekarang"]


def test_enrolling_without_a_line_asks_for_the_line_and_changes_nothing(tmp_path: Path) -> None:
    """The counter's word for a missing line is to serve on, which a kiosk that is not enrolled cannot."""
    place = ["--city", "http://127.0.0.1:9", "--code", "ABCD-EFGH-JKMN-PQRS", "--key", "file"]
    told = refused(run("enrol", *place, "--data-dir", str(tmp_path / "till"), timeout=30), 3)
    assert "daftarkan lagi" in told
    assert "Layani terus" not in told
    assert not list((tmp_path / "till").glob("*"))


def test_a_kiosk_is_not_approved_without_its_digits() -> None:
    done = CliRunner().invoke(city, ["approve", "EW-0001"])
    assert done.exit_code == 2
    assert "DIGITS" in done.output


# --- no kiosk there, or no ledger -------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["verify", "export {tmp}/out.jsonl", "backup {tmp}/stick", "report pdp"])
def test_where_there_is_no_kiosk_nobody_is_asked_for_a_key(tmp_path: Path, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        run_command([*words.format(tmp=tmp_path).split(), "--data-dir", str(tmp_path)])
    said = trouble_of(refused.value)
    assert (said.title, refused.value.detail, refused.value.exit_code) == ("Tidak ada kios di sini", str(tmp_path), 2)
    assert "--data-dir" in said.now
    assert "kunci" not in f"{said.happened} {said.now}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["verify", "restore"])
def test_a_copy_is_not_opened_where_there_is_neither_kiosk_nor_key(tmp_path: Path, command: str) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(bytes(4096))
    with pytest.raises(ConfigError) as refused:
        run_command([command, str(copy), "--data-dir", str(tmp_path / "till")])
    said = trouble_of(refused.value)
    assert (said.title, refused.value.exit_code) == ("Tidak ada kios di sini", 2)
    assert refused.value.detail == str(tmp_path / "till")
    assert "ledger.key" in said.now
    assert not (tmp_path / "till").exists()


@pytest.mark.parametrize(
    "content", [b"", b"surat belanja\n", b"SQLite format 3\0" + bytes(4080)], ids=["nothing", "words", "other program"]
)
@pytest.mark.parametrize(
    "words", ["verify {file}", "verify {file} --data-dir {kiosk}", "restore {file} --data-dir {kiosk}"]
)
def test_a_file_that_is_no_ledger_is_called_so_and_not_a_ledger_without_its_key(
    kiosk: Path, tmp_path: Path, words: str, content: bytes
) -> None:
    file = tmp_path / "letter.db"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        run_command(words.format(file=file, kiosk=kiosk).split())
    said = trouble_of(refused.value)
    assert (said.title, refused.value.exit_code) == ("Berkas itu bukan buku catatan", 2)
    assert refused.value.detail == str(file)
    assert "ewarung-pos backup" in said.now


@pytest.mark.parametrize("command", ["verify", "restore"])
def test_a_file_that_the_kiosks_key_does_not_open_is_not_taken_for_the_kiosks(
    kiosk: Path, tmp_path: Path, command: str
) -> None:
    """Only its own key tells a ledger from noise: the key here is not called wrong."""
    file = tmp_path / "noise.db"
    file.write_bytes(bytes(range(256)) * 16)
    with pytest.raises(LedgerKeyWrong) as refused:
        run_command([command, str(file), "--data-dir", str(kiosk)])
    said = trouble_of(refused.value)
    assert (said.title, refused.value.exit_code) == ("Berkas itu bukan buku kios ini", 2)
    assert "Pasang kembali" not in said.now


# --- a window needs a display -----------------------------------------------------------------------------------------


@pytest.fixture
def kiosk(tmp_path: Path) -> Path:
    """A till that was enrolled once."""
    folder = tmp_path / "kiosk"
    folder.mkdir()
    till_kit(folder, families=2).ledger.close()
    (folder / "ledger.key").write_text("00" * 32)
    (folder / "ledger.key").chmod(0o600)
    return folder


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
@pytest.mark.parametrize(
    ("display", "named"),
    [
        ({}, "DISPLAY"),
        ({"DISPLAY": ":97"}, "DISPLAY=:97"),
        ({"WAYLAND_DISPLAY": "wayland-97", "XDG_RUNTIME_DIR": "/nonexistent"}, "WAYLAND_DISPLAY=wayland-97"),
        ({"QT_QPA_PLATFORM": "nonsense"}, "Tidak ada layar"),
    ],
)
def test_without_a_display_the_window_says_so(kiosk: Path, display: dict[str, str], named: str) -> None:
    told = refused(run("run", "--data-dir", str(kiosk), timeout=90, **{"QT_QPA_PLATFORM": ""} | display), 2)
    assert named in told
    assert "demo --headless" in told
    assert "qt.qpa" not in told


def test_a_display_that_lets_nobody_in_leaves_the_practice_without_a_window(tmp_path: Path) -> None:
    done = run(
        "demo",
        "--redemptions",
        "2",
        "--seed",
        "7",
        "--data-dir",
        str(tmp_path / "till"),
        QT_QPA_PLATFORM="",
        DISPLAY=":97",
    )
    assert done.returncode == 0, done.stderr
    assert "Tercatat: struk 0001" in done.stdout


def test_a_morning_announces_what_goes_wrong_in_words_and_names_its_papers(tmp_path: Path) -> None:
    done = run(*demo_command(tmp_path / "till", 9))
    assert done.returncode == 0, done.stderr
    announced = re.findall(r"^-- (.+?)(?:: struk \d+)? --$", done.stdout, re.MULTILINE)
    assert len(announced) >= 5
    assert all(re.fullmatch(r"[A-Z][A-Za-z ]+", words) for words in announced)
    assert done.stdout.count("struk-struk lain tidak ditampilkan") == 1
    papers = [Path(line.strip()) for line in done.stdout.splitlines() if line.endswith(".pdf")]
    assert papers
    assert all(paper.is_file() for paper in papers)
    assert re.search(r"\(\.\.\. \d+ struk lain di folder papers\)", done.stdout)


def test_a_practice_with_a_window_says_where_its_data_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ewarung_pos.ui.qt_till.show_till", lambda *_: 0)
    sandbox = Sandbox(tmp_path, edc="", city="", code="", seed=1, face=True)
    assert demo._window(tmp_path, sandbox) == 0
    assert capsys.readouterr().out == f"Data latihan: {tmp_path}\n"

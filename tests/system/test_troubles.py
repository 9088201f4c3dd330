"""What a person can meet: each with a sentence, one next step and the documented exit code, and nothing lost."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ewarung_pos.devices.simulated.edc import spawn
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock
from ewarung_pos.sync.embedded import EmbeddedCity
from tests.system.kit import (
    alive,
    book,
    demo_command,
    heard,
    morning,
    offspring,
    other_connection,
    paper_is_backed,
    refused,
    run,
    said,
    same_at_the_city,
    same_money,
    started,
)
from tests.till_kit import till_kit

pytestmark = pytest.mark.system

_TOLD = re.compile(r"Tercatat: struk (\d+)")


@pytest.fixture
def kiosk(tmp_path: Path) -> Path:
    """A till that was enrolled once: an encrypted ledger and its key file."""
    folder = tmp_path / "kiosk"
    folder.mkdir()
    kit = till_kit(folder, families=2)
    kit.ledger.close()
    (folder / "ledger.key").write_text("00" * 32)
    (folder / "ledger.key").chmod(0o600)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in (".db", ".key", ".toml")}


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ("[card_reader]\nbaudrate = 12\n", "card_reader.baudrate", "12", "9600"),
        ("[kiosk]\nwarna = 1\n", "kiosk.warna", "1", "text_scale"),
        ('[receipt_printer]\ndriver = "escpos-network"\nport = "a"\n', "receipt_printer.port", "'a'", "HOST:PORT"),
        ("[city]\nurl = 'http://kota.example'\n", "city.url", "http://kota.example", "https://"),
        ("kiosk = 3\n", "kiosk", "3", "tabel [kiosk]"),
        ("[kiosk\n", "config.toml", "", ""),
    ],
)
def test_wrong_configuration_names_key_value_and_expectation(
    kiosk: Path, text: str, key: str, value: str, expected: str
) -> None:
    (kiosk / "config.toml").write_text(text)
    before = contents(kiosk)
    told = refused(run("run", "--data-dir", str(kiosk)), 2)
    assert key in told
    assert value in told
    assert expected in told
    assert contents(kiosk) == before


def test_doctor_reports_what_it_can_beside_a_port_of_no_known_kind(kiosk: Path) -> None:
    (kiosk / "config.toml").write_text(
        '[card_reader]\ndriver = "ecr"\nport = "foo://x"\n[payment_terminal]\ndriver = "ecr"\n'
    )
    done = run("doctor", "--data-dir", str(kiosk), "--json")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    checks = {check["what"]: check for check in json.loads(done.stdout.splitlines()[-1])["checks"]}
    assert checks["ledger"]["state"] == "ok"
    assert checks["perangkat"]["state"] == "stop"
    assert "foo" in checks["perangkat"]["meaning"]


def test_doctor_says_in_words_what_is_away_and_what_to_do(kiosk: Path) -> None:
    (kiosk / "config.toml").write_text(
        '[city]\nurl = "http://127.0.0.1:9"\n'
        '[card_reader]\ndriver = "ecr"\nport = "/dev/nope"\n[payment_terminal]\ndriver = "ecr"\n'
        '[receipt_printer]\ndriver = "escpos-network"\nport = "127.0.0.1:9"\n'
    )
    done = run("doctor", "--data-dir", str(kiosk), "--json")
    assert done.returncode == 1
    checks = {check["what"]: check for check in json.loads(done.stdout.splitlines()[-1])["checks"]}
    for what in ("EDC", "printer", "kota"):
        assert checks[what]["meaning"].endswith("."), checks[what]
        assert " " in checks[what]["do"]
        assert "_" not in checks[what]["meaning"] + checks[what]["do"]
    assert (checks["EDC"]["state"], checks["printer"]["state"], checks["kota"]["state"]) == ("stop", "look", "look")


def test_doctor_says_that_papers_come_without_their_logo(kiosk: Path) -> None:
    (kiosk / "config.toml").write_text(f'[receipt_printer]\nlogo = "{kiosk / "ledger.key"}"\n')
    checks = json.loads(run("doctor", "--data-dir", str(kiosk), "--json").stdout.splitlines()[-1])["checks"]
    (said,) = (check for check in checks if check["what"] == "logo struk")
    assert (said["state"], "tanpa logo" in said["meaning"], "PNG" in said["do"]) == ("look", True, True)


def test_doctor_says_what_it_saw_of_an_edc_on_the_network(kiosk: Path) -> None:
    def looked(url: str, certificate: str, secret: str) -> dict[str, dict[str, str]]:
        (kiosk / "config.toml").write_text(
            f'[payment_terminal]\ndriver = "poselink"\nurl = "{url}"\ncertificate = "{certificate}"\n'
        )
        (kiosk / "poselink.key").write_text(f"{secret}\n")
        (kiosk / "poselink.key").chmod(0o600)
        done = run("doctor", "--data-dir", str(kiosk), "--json")
        assert secret not in done.stdout + done.stderr
        checks = json.loads(done.stdout.splitlines()[-1])["checks"]
        assert any("not_found" in check["do"] for check in checks)
        return {check["what"]: check for check in checks}

    with spawn(listen="wss://127.0.0.1:0") as simulator:
        url, _, certificate = simulator.url.partition("#")
        fine = looked(url, certificate, "ewarung-latihan")["EDC"]
        assert (fine["state"], "Transaction not found" in fine["meaning"]) == ("ok", True)
        stranger = looked(url, "ab" * 32, "ewarung-latihan")["EDC"]
        assert (stranger["state"], certificate in stranger["meaning"]) == ("stop", True)
        assert "kunci POSe Link" in looked(url, certificate, "another-secret")["EDC"]["do"]
    assert "Wi-Fi" in looked("wss://127.0.0.1:9", certificate, "ewarung-latihan")["EDC"]["do"]


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_a_key_of_the_edc_that_others_can_read_is_named_with_its_mode_and_not_as_a_wrong_value(
    command: str, kiosk: Path
) -> None:
    file = kiosk / "poselink.key"
    file.write_text("k\n")
    file.chmod(0o644)
    (kiosk / "config.toml").write_text(
        f'[payment_terminal]\ndriver = "poselink"\nurl = "wss://127.0.0.1:9"\ncertificate = "{"ab" * 32}"\n'
    )
    done = run(command, "--data-dir", str(kiosk))
    told = done.stdout if command == "doctor" else refused(done, 2)
    for part in (str(file), "izinnya 644", "chmod 600"):
        assert part in told
    assert "nilai dalam config.toml" not in told
    assert "[stop] ledger" not in told


@pytest.mark.parametrize(
    ("reader", "state", "said"),
    [
        ('driver = "none"', "look", "Tanpa pembaca kartu (driver"),
        ('driver = "pcsc"', "stop", "pcscd"),
        ('driver = "stripe-serial"\nport = "/dev/nope"', "stop", "tidak tersambung"),
        ('driver = "stripe-keyboard"\nport = "/dev/input/nope"', "stop", "tidak tersambung"),
        ('driver = "stripe-keyboard"', "ok", "Mengetik di jendela"),
    ],
)
def test_doctor_says_what_it_saw_of_the_card_reader(kiosk: Path, reader: str, state: str, said: str) -> None:
    (kiosk / "config.toml").write_text(f"[card_reader]\n{reader}\n")
    done = run("doctor", "--data-dir", str(kiosk), "--json", PCSCLITE_CSOCK_NAME=str(kiosk / "no-pcscd"))
    checks = {check["what"]: check for check in json.loads(done.stdout.splitlines()[-1])["checks"]}
    found = checks["pembaca kartu"]
    assert (found["state"], said in found["meaning"]) == (state, True), found
    assert found["do"].endswith(".")


def test_doctor_says_of_what_is_not_set_what_that_means_and_calls_nothing_ready_that_is_not_there(kiosk: Path) -> None:
    (kiosk / "config.toml").write_text('[card_reader]\ndriver = "none"\n[payment_terminal]\ndriver = "none"\n')
    done = run("doctor", "--data-dir", str(kiosk), "--json")
    checks = {check["what"]: check for check in json.loads(done.stdout.splitlines()[-1])["checks"]}
    assert "PDF" in checks["printer"]["meaning"]
    assert "siap" not in checks["printer"]["meaning"]
    for what, section in (("pembaca kartu", "card_reader"), ("EDC", "payment_terminal")):
        assert 'driver = "none"' in checks[what]["meaning"]
        assert "Minta petugas" not in checks[what]["do"], "who set it so on purpose has nobody to ask"
        assert f"[{section}]" in checks[what]["do"]


@pytest.mark.parametrize("tries", [(), ("--try", "print")])
def test_doctor_beside_an_open_till_says_once_that_the_devices_are_its(kiosk: Path, tries: tuple[str, ...]) -> None:
    held = InstanceLock(kiosk / LOCK_FILE)  # as the open till has it
    try:
        done = run("doctor", "--data-dir", str(kiosk), "--json", *tries)
    finally:
        held.release()
    told = json.loads(done.stdout.splitlines()[-1])["checks"]
    assert len({check["what"] for check in told}) == len(told), "nothing is said twice"
    checks = {check["what"]: check for check in told}
    assert (checks["ledger"]["state"], "utuh" in checks["ledger"]["meaning"]) == ("ok", True)
    assert ("Kasir sedang terbuka" in checks["perangkat"]["meaning"], "Atur" in checks["perangkat"]["do"]) == (
        True,
        True,
    )
    expected = ("stop", 1) if tries else ("look", 0)
    assert (checks["perangkat"]["state"], done.returncode) == expected, "what was asked for and not done is no success"


def test_doctor_says_the_same_of_a_missing_kiosk_wherever_it_is_looked_for(tmp_path: Path) -> None:
    found = []
    for folder in (tmp_path, tmp_path / "none", tmp_path / "no" / "parent" / "either"):
        done = run("doctor", "--data-dir", str(folder), "--json")
        checks = json.loads(done.stdout.splitlines()[-1])["checks"]
        found.append((done.returncode, [(check["what"], check["state"]) for check in checks]))
    assert found[0] == found[1] == found[2]
    assert found[0][0] == 0


def test_wrong_variable_in_the_environment_is_named_too(kiosk: Path) -> None:
    told = refused(run("run", "--data-dir", str(kiosk), EWARUNG_CARD_READER_PARITY="X"), 2)
    assert "card_reader.parity: 'X'" in told


@pytest.mark.parametrize("command", ["run", "demo", "verify", "backup"])
@pytest.mark.parametrize("spoiled", ["foreign file", "newer version", "wrong key", "no key", "exposed key"])
def test_a_ledger_that_cannot_be_used_is_left_as_it_is(kiosk: Path, spoiled: str, command: str) -> None:
    if spoiled == "foreign file":
        (kiosk / "ledger.db").write_bytes(b"not a ledger" * 400)
    elif spoiled == "newer version":
        with other_connection(kiosk) as connection:
            connection.execute("PRAGMA user_version = 99")
    elif spoiled == "wrong key":
        (kiosk / "ledger.key").write_text("ff" * 32)
    elif spoiled == "no key":
        (kiosk / "ledger.key").unlink()
    else:
        if sys.platform == "win32":
            pytest.skip("no modes")
        (kiosk / "ledger.key").chmod(0o644)
    before = contents(kiosk)
    words = {
        "run": ["run", "--data-dir", str(kiosk)],
        "demo": demo_command(kiosk, 2, "--resume"),
        "verify": ["verify", str(kiosk)],
        "backup": ["backup", str(kiosk.parent / "copy"), "--data-dir", str(kiosk)],
    }[command]
    refused(run(*words), 2)
    assert contents(kiosk) == before
    assert not (kiosk / "city").exists()


def test_a_torn_file_is_said_to_be_torn_by_page_and_not_in_the_words_of_the_engine(kiosk: Path) -> None:
    with (kiosk / "ledger.db").open("r+b") as file:
        for page in range(6, 16):
            file.seek(page * 4096 + 100)
            file.write(bytes(64))
    done = run("verify", str(kiosk))
    assert done.returncode == 1, done.stderr
    assert "Berkas" in done.stdout
    assert "btreeInitPage" not in done.stdout
    assert "None" not in done.stdout
    assert "{" not in done.stdout
    assert done.stdout.count("Lakukan sekarang:") == 1
    assert len(done.stdout.splitlines()) < 12


def test_no_kiosk_yet_and_no_such_folder(tmp_path: Path) -> None:
    told = refused(run("run", "--data-dir", str(tmp_path)), 2)
    assert "enrol" in told or "Daftarkan" in told
    refused(run("demo", "--headless", "--resume"), 2)
    (tmp_path / "file").write_text("")
    refused(run(*demo_command(tmp_path / "file" / "till", 2)), 2)


def test_a_folder_in_use_is_not_begun_anew(kiosk: Path) -> None:
    before = contents(kiosk)
    told = refused(run(*demo_command(kiosk, 2)), 2)
    assert "--resume" in told
    assert contents(kiosk) == before


def test_practice_keeps_its_hands_off_a_real_kiosk(kiosk: Path) -> None:
    before = contents(kiosk)
    told = refused(run(*demo_command(kiosk, 2, "--resume")), 2)
    assert "kios sungguhan" in told
    assert contents(kiosk) == before


@pytest.mark.parametrize(("code", "exit_code"), [("ABCD", 3), ("", 2)])
def test_no_city_no_kiosk(tmp_path: Path, code: str, exit_code: int) -> None:
    more = ["--code", code] if code else []
    refused(run(*demo_command(tmp_path / "till", 2, "--city", "http://127.0.0.1:1", *more)), exit_code)
    assert not (tmp_path / "till" / "ledger.db").exists()
    assert not list((tmp_path / "till").glob("enrolling-*"))
    assert not list((tmp_path / "till").glob("*.key"))


def test_a_second_till_stays_away_and_ctrl_c_ends_the_first_cleanly(tmp_path: Path) -> None:
    folder, words = tmp_path / "till", tmp_path / "words"
    with started(*demo_command(folder, 200), said_in=words) as first:
        assert heard(words, "struk 0003")
        before = contents(folder)["config.toml"]
        told = refused(run(*demo_command(folder, 2, "--resume")), 2)
        assert "sudah berjalan" in told
        refused(run("run", "--data-dir", str(folder)), 2)
        assert contents(folder)["config.toml"] == before
        serving = len(_TOLD.findall(words.read_text()))
        assert heard(words, f"struk {serving + 2:04d}"), "the first till serves on"
        children = offspring(first.pid)
        assert len(children) == 2
        first.send_signal(signal.SIGINT)
        assert first.wait(90) == 3
        assert not alive(children)
    text = words.read_text()
    assert "Traceback" not in text
    assert text.count("Lakukan sekarang:") == 1
    assert "--resume" in text.partition("Lakukan sekarang:")[2]
    assert {int(number) for number in _TOLD.findall(text)} <= set(book(folder).receipts)
    assert said(folder)["ok"]
    assert not (folder / "edc").is_symlink()


def test_the_city_dies_in_the_middle_of_the_day_which_is_closed_without_it(tmp_path: Path) -> None:
    folder, words = tmp_path / "till", tmp_path / "words"
    city = EmbeddedCity(tmp_path / "city")
    city.start()
    try:
        command = demo_command(folder, 8, "--city", city.url, "--code", city.code)
        with started(*command, said_in=words) as demo:
            assert heard(words, "struk 0003")
            city.stop()
            assert demo.wait(90) == 0, words.read_text()[-2000:]
        held = book(folder)
        assert len(held.facts("DayClosed")) == 1
        assert held.facts("DayClosed")[0]["totals"]["redemptions"] == 8
        report = said(folder)
        assert report["ok"]
        assert report["acked_seq"] < report["entries"] - 10
        city = EmbeddedCity(tmp_path / "city")
        city.start()
        summary, _ = morning(folder, 8, "--resume", "--city", city.url)
    finally:
        city.stop()
    assert summary["acked_seq"] == summary["entries"] - 1
    (folder / "city").symlink_to(tmp_path / "city")
    same_at_the_city(folder)
    same_money(folder, folder / "edc-journal.jsonl")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """4 MB, to be made larger with `grow`."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], check=False)
    if made.returncode:
        pytest.skip("this machine allows no mounts")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def grow(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=60m", str(place)], check=True)


def test_full_disk_nothing_is_acknowledged_that_is_not_there(small_disk: Path, tmp_path: Path) -> None:
    folder, journal = small_disk / "till", tmp_path / "bank.jsonl"
    with spawn(pty=tmp_path / "edc", journal=journal) as terminal:
        done = run(*demo_command(folder, 60, "--edc", terminal.url))
        # Said where it was met: at the counter, or by the morning that gave up.
        assert "Disk penuh" in refused(done, 3) + done.stdout
        told = [int(number) for number in _TOLD.findall(done.stdout)]
        assert told
        report = said(folder)
        assert report["ok"], report["problems"]
        assert set(told) <= set(book(folder).receipts)
        paper_is_backed(folder)
        grow(small_disk)
        summary, more = morning(folder, len(told) + 4, "--resume", "--edc", terminal.url)
    told += [int(number) for number in _TOLD.findall(more)]
    held = book(folder)
    assert len(told) == len(set(told))
    assert held.receipts == list(range(1, len(held.receipts) + 1))
    assert summary["receipts_printed"] == len(held.receipts)
    same_money(folder, journal)
    same_at_the_city(folder)


def test_no_room_at_all_is_said_before_anything_begins(small_disk: Path) -> None:
    with (small_disk / "filler").open("wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(65536))
    assert "Disk penuh" in refused(run(*demo_command(small_disk / "till", 2)), 3)
    assert not list((small_disk / "till").iterdir())

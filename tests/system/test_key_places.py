"""Where the key lives, from the command line: enrol there, be told what it means, move it, and be asked for it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ewarung_pos.sync.embedded import EmbeddedCity
from tests.system.kit import TILL, refused, run, surroundings

pytestmark = pytest.mark.system

PASSPHRASE = "beras lima kilo, minyak dua"
NO_TPM = {"EWARUNG_TCTI": "swtpm:path=/nowhere/tpm", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"}


@pytest.fixture
def city(tmp_path: Path) -> Iterator[EmbeddedCity]:
    with EmbeddedCity(tmp_path / "city", kiosk="EW-0001", log=tmp_path / "city.log") as city:
        yield city


def till(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(*words, timeout=110, **{**NO_TPM, **environment})


def checks(folder: Path, **environment: str) -> dict[str, dict[str, str]]:
    done = till("doctor", "--json", "--data-dir", str(folder), **environment)
    assert "Traceback" not in done.stderr
    return {line["what"]: line for line in json.loads(done.stdout.splitlines()[-1])["checks"]}


def at_a_terminal(words: list[str], *typed: str) -> tuple[int, str]:
    """A command on a pseudo-terminal of its own; each line is typed once it was asked for."""
    ours, its = os.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *TILL, *words], stdin=its, stdout=its, stderr=its, env=surroundings(**NO_TPM)
    )
    os.close(its)
    said, left = b"", list(typed)
    with os.fdopen(ours, "rb", buffering=0) as screen:
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while piece := screen.read(4096):
                said += piece
                if left and said.endswith(b": "):
                    os.write(ours, f"{left.pop(0)}\n".encode())
        code = process.wait(timeout=60)
    assert not left
    return code, said.decode()


def test_a_kiosk_without_anything_better_says_that_its_key_is_weakly_kept(city: EmbeddedCity, tmp_path: Path) -> None:
    folder = tmp_path / "kiosk"
    done = till("enrol", "--city", city.url, "--code", city.code, "--data-dir", str(folder))
    assert done.returncode == 0, done.stderr
    assert "berkas kunci. Paling lemah:" in done.stdout
    found = checks(folder)["kunci"]
    assert found["state"] == "look"
    assert "Paling lemah" in found["meaning"]
    assert "rekey" in found["do"]


def test_a_passphrase_from_enrolment_to_another_place(city: EmbeddedCity, tmp_path: Path) -> None:
    folder, file = tmp_path / "kiosk", tmp_path / "passphrase"
    file.touch(0o600)
    file.write_text(PASSPHRASE)
    given = {"EWARUNG_PASSPHRASE_FILE": str(file)}
    where = ["--data-dir", str(folder)]
    done = till("enrol", "--city", city.url, "--code", city.code, *where, **given)
    assert done.returncode == 0, done.stderr
    assert "kata sandi" in done.stdout.splitlines()[0]
    assert {path.name for path in folder.iterdir()} >= {"ledger.db", "ledger.key.json"}
    assert not (folder / "ledger.key").exists()
    assert checks(folder, **given)["kunci"]["state"] == "ok"

    said = refused(till("verify", str(folder)), 2)  # nobody to ask
    assert "Kata sandi diperlukan" in said
    code, said = at_a_terminal(["verify", str(folder)], "salah", PASSPHRASE)
    assert code == 0
    assert "Kata sandi salah. Coba lagi" in said
    assert "Buku catatan utuh" in said
    assert PASSPHRASE not in said

    said = refused(till("rekey", "--key", "tpm", *where, **given), 2)
    assert "Tempat kunci tidak tersedia" in said
    code, said = at_a_terminal(["rekey", "--key", "file", *where], PASSPHRASE)
    assert code == 0
    assert "berkas kunci. Paling lemah:" in said
    assert {"ledger.key", "ledger.key.json"} & {path.name for path in folder.iterdir()} == {"ledger.key"}
    assert till("verify", str(folder)).returncode == 0
    assert "Kios belum didaftarkan" in refused(till("rekey", "--key", "file", "--data-dir", str(tmp_path)), 2)


def test_a_place_that_is_not_there_is_said_before_the_city_is_asked(city: EmbeddedCity, tmp_path: Path) -> None:
    folder = tmp_path / "kiosk"
    words = ["enrol", "--city", city.url, "--code", city.code, "--data-dir", str(folder), "--key"]
    for place in ("tpm", "os"):
        assert "Tempat kunci tidak tersedia" in refused(till(*words, place), 2)
    assert list(folder.iterdir()) == []
    assert till(*words, "file").returncode == 0  # the code was not spent

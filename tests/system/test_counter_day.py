"""The whole product in processes of its own: the scripted morning, other people's EDC wires, sudden death, bad luck."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3 as plain
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlcipher3.dbapi2 as sqlite

from ewarung_pos.devices.simulated.edc import Spawned, spawn

TILL = [sys.executable, "-m", "ewarung_pos"]
SUMMARY = {
    "redemptions",
    "refused",
    "reversed",
    "in_doubt_resolved",
    "receipts_printed",
    "entries",
    "ledger_head",
    "acked_seq",
    "overspend",
    "edc_approved",
    "data_dir",
}


def run(*arguments: str, timeout: float = 150) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DISPLAY", "EWARUNG"))}
    return subprocess.run(
        [*TILL, *arguments], capture_output=True, text=True, timeout=timeout, env=environment, check=False
    )


def morning(folder: Path, redemptions: int, *more: str) -> tuple[dict[str, Any], str]:
    done = run(
        "demo",
        "--headless",
        "--redemptions",
        str(redemptions),
        "--seed",
        "7",
        "--data-dir",
        str(folder),
        "--json",
        *more,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return summary, done.stderr


def said(path: Path) -> dict[str, Any]:
    done = run("verify", str(path), "--json")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == (0 if report["ok"] else 1)
    return report


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("morning") / "till"
    return folder, morning(folder, 120)[0]


def test_a_morning_of_120_families_ends_with_the_summary(served: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = served
    assert set(summary) == SUMMARY
    assert summary["redemptions"] == 120
    assert summary["overspend"] == 0
    assert summary["reversed"] == 2
    assert summary["in_doubt_resolved"] >= 1
    assert summary["receipts_printed"] == 122
    assert summary["acked_seq"] == summary["entries"] - 1, "only the city's last acknowledgement is not with the city"
    assert len(list((folder / "print").glob("*.bin"))) >= 122
    assert len(list((folder / "papers").glob("*.pdf"))) >= 122
    report = said(folder)
    assert report["ok"]
    assert report["head"] == summary["ledger_head"]


def test_the_city_holds_the_same_head_and_the_same_day(served: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = served
    checked = subprocess.run(
        [sys.executable, "-m", "ewarung_city", "verify", "--data-dir", str(folder / "city"), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(checked.stdout.splitlines()[-1])["ok"] is True
    key = (folder / "ledger.key").read_text().strip()
    with Tamperer(folder / "ledger.db", key) as db:
        rows = db.execute("SELECT seq, hash FROM ledger_entry ORDER BY seq").fetchall()
    with contextlib.closing(plain.connect(folder / "city" / "city.db")) as city:
        held = city.execute("SELECT seq, hash FROM entry WHERE device = 'EW-0001' ORDER BY seq").fetchall()
        flags = city.execute('SELECT DISTINCT reason FROM "case"').fetchall()
    assert [(seq, bytes(digest)) for seq, digest in held] == [(seq, bytes(digest)) for seq, digest in rows[:-1]]
    assert held[-1][0] == summary["acked_seq"]
    assert ("DAY_DIFFERS",) not in flags, "the city's own totals equal the Z report"


def test_one_changed_byte_of_any_kind_of_entry_is_found_and_named(served: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = served
    key = (folder / "ledger.key").read_text().strip()
    with Tamperer(folder / "ledger.db", key) as db:
        kinds = dict(db.execute("SELECT kind, max(seq) FROM ledger_entry GROUP BY kind").fetchall())
    assert len(kinds) >= 10
    for seq in kinds.values():
        with Tamperer(folder / "ledger.db", key) as db:
            triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _sql in triggers:
                db.execute(f'DROP TRIGGER "{name}"')
            (body,) = db.execute("SELECT payload FROM ledger_entry WHERE seq = ?", (seq,)).fetchone()
            body = bytes(body)
            place = body.index(b'"instant":') + 12
            changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
            db.execute("UPDATE ledger_entry SET payload = ? WHERE seq = ?", (changed, seq))
            for _name, sql in triggers:
                db.execute(sql)
            db.commit()
        report = said(folder)
        assert (report["ok"], report["first_bad_seq"]) == (False, seq)
        with Tamperer(folder / "ledger.db", key) as db:
            for name, _sql in triggers:
                db.execute(f'DROP TRIGGER "{name}"')
            db.execute("UPDATE ledger_entry SET payload = ? WHERE seq = ?", (body, seq))
            for _name, sql in triggers:
                db.execute(sql)
            db.commit()
    assert said(folder)["ok"]


class Tamperer:
    """A second connection that knows the key."""

    def __init__(self, path: Path, key: str) -> None:
        self._db = sqlite.connect(str(path))
        self._db.execute(f"PRAGMA key = \"x'{key}'\"")
        for setting in ("cipher_page_size = 2048", "cipher_hmac_algorithm = HMAC_SHA256"):
            self._db.execute(f"PRAGMA {setting}")

    def __enter__(self) -> Any:
        return self._db

    def __exit__(self, *_: object) -> None:
        self._db.close()


FAULTS = {
    "none": [],
    "answers": [
        {"on": "sale", "nth": 1, "do": "split"},
        {"on": "sale", "nth": 2, "do": "glue_ack"},
        {"on": "sale", "nth": 3, "do": "drop_response"},
        {"on": "sale", "nth": 4, "do": "wrong_amount"},
        {"on": "sale", "nth": 5, "do": "bad_lrc"},
    ],
    "wires": [
        {"on": "sale", "nth": 1, "do": "nak", "count": 2},
        {"on": "sale", "nth": 2, "do": "hangup_after_ack"},
        {"on": "sale", "nth": 3, "do": "duplicate_response"},
        {"on": "sale", "nth": 4, "do": "silence"},
        {"on": "sale", "nth": 5, "do": "host_timeout"},
    ],
}


@pytest.fixture(params=["pty", "tcp"])
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    started: list[Spawned] = []

    def start(faults: list[dict[str, object]], families: Path) -> tuple[Spawned, Path]:
        script = tmp_path / "faults.json"
        script.write_text(json.dumps(faults))
        journal = tmp_path / "bank.jsonl"
        where: dict[str, Any] = {"pty": tmp_path / "edc"} if request.param == "pty" else {"listen": "tcp://127.0.0.1:0"}
        found = spawn(**where, faults=script, families=families, journal=journal)
        started.append(found)
        return found, journal

    yield start
    for one in started:
        one.stop()


@pytest.mark.parametrize("faults", FAULTS)
def test_another_process_s_terminal_and_the_ledger_agree_to_the_rupiah(
    foreign: Any, tmp_path: Path, faults: str
) -> None:
    from ewarung_pos.practice.cards import sample_file

    terminal, journal = foreign(FAULTS[faults], sample_file("families.csv"))
    summary, _ = morning(tmp_path / "till", 14, "--edc", terminal.url)
    assert summary["redemptions"] == 14
    bank = [json.loads(line) for line in journal.read_text().splitlines()]
    approved = [row for row in bank if row["moved"]]
    net = sum(row["amount"] * {"sale": 1, "void": -1}.get(row["kind"], 0) for row in approved)
    assert net == summary["edc_approved"] > 0
    assert said(tmp_path / "till")["ok"]


def test_killed_and_resumed_nothing_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "till"
    log = tmp_path / "said"
    begin = ("demo", "--headless", "--redemptions", "30", "--seed", "3", "--json")
    for life in (4.0, 2.5, 3.5):
        options = ["--resume"] if (folder / "ledger.db").exists() else []
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*TILL, *begin, "--data-dir", str(folder), *options],
                stdout=subprocess.DEVNULL,
                stderr=out,
            )
            time.sleep(life)
            process.kill()
            process.wait()
    options = ["--resume"] if (folder / "ledger.db").exists() else []
    summary, last = morning(folder, 30, *options)
    told = [int(n) for n in re.findall(r"Tercatat: struk (\d+)", log.read_text() + last)]
    assert len(told) == len(set(told))
    assert summary["redemptions"] == 30
    assert max(told) <= summary["receipts_printed"]
    assert said(folder)["ok"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [("unknown key", 2), ("bad value", 2), ("foreign file", 2), ("wrong key", 2), ("no ledger", 2)],
)
def test_a_broken_kiosk_says_what_is_wrong_and_what_to_do(tmp_path: Path, spoil: str, code: int) -> None:
    if spoil == "unknown key":
        (tmp_path / "config.toml").write_text("[kiosk]\nwarna = 1\n")
    elif spoil == "bad value":
        (tmp_path / "config.toml").write_text("[card_reader]\nbaudrate = 12\n")
    elif spoil == "foreign file":
        (tmp_path / "ledger.db").write_bytes(b"not a ledger" * 400)
        (tmp_path / "ledger.key").write_text("00" * 32)
        (tmp_path / "ledger.key").chmod(0o600)
    elif spoil == "wrong key":
        from tests.till_kit import till_kit

        till_kit(tmp_path, families=2).ledger.close()
        (tmp_path / "ledger.key").write_text("ff" * 32)
        (tmp_path / "ledger.key").chmod(0o600)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    done = run("run", "--data-dir", str(tmp_path))
    assert done.returncode == code
    assert "Lakukan sekarang:" in done.stderr
    assert "Traceback" not in done.stderr
    for name, content in before.items():
        assert (tmp_path / name).read_bytes() == content

"""An export is whole or not there, is signed by the device, and holds every entry's own bytes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import KioskEnrolled, genesis
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.errors import ChainBroken, ConfigError, LedgerCorrupt, LedgerFull, PosError
from ewarung_pos.ledger import export as exporting
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.export import export
from ewarung_pos.ledger.verify import verify
from ewarung_pos.services.reverse import ReversalReason
from tests.integration.ledger.kiosk import IDENTITY, names
from tests.till_kit import DEVICE_KEY, LEDGER_KEY, TillKit, till_kit

PUBLIC = Ed25519PrivateKey.from_private_bytes(DEVICE_KEY).public_key()


@pytest.fixture
def till(tmp_path: Path) -> Iterator[TillKit]:
    kit = till_kit(tmp_path, families=3)
    kit.open_shop()
    yield kit
    kit.ledger.close()


@pytest.fixture
def stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stick")


def sold(till: TillKit, packs: int = 1) -> str:
    """Rice as ration and salt for cash, to a family with a ration; returns the entry."""
    family = till.family("JATAH")
    basket = Basket().with_packs("beras-medium-5", packs, Tender.RATION, "JATAH")
    basket = basket.with_packs("garam-250", 2, Tender.CASH)
    return till.redeem.redeem(family.card, basket, HolderPresence.SELF, "siti").entry.id


def parts(out: Path) -> tuple[dict[str, Any], list[bytes], dict[str, Any]]:
    header, *entries, trailer = out.read_bytes().splitlines(keepends=True)
    return json.loads(header), entries, json.loads(trailer)


def kept(till: TillKit) -> list[tuple[int, bytes, bytes]]:
    return [(row.seq, row.body, row.hash) for row in till.ledger.read().sealed(0, 10_000, 10**9)]


def as_kept(entries: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Body and hash of each line, cut out of it as the document says."""
    assert all(line.startswith(b'{"entry":') and line[-76:-67] == b',"hash":"' for line in entries)
    return [(line[9:-76], bytes.fromhex(line[-67:-3].decode())) for line in entries]


def test_every_entry_stands_there_byte_for_byte_between_header_and_trailer(till: TillKit, stick: Path) -> None:
    till.reverse.reverse(sold(till, 2), ReversalReason.WRONG_GOODS, "siti", "yuni")
    sold(till)
    done = export(till.data_dir / "ledger.db", LEDGER_KEY, stick / "out.jsonl")
    header, entries, trailer = parts(stick / "out.jsonl")
    assert as_kept(entries) == [(body, digest) for _, body, digest in kept(till)]
    assert all(json.loads(line)["entry"]["seq"] == seq for seq, line in enumerate(entries, start=1))
    head = till.ledger.read().head()
    assert (done.last_seq, done.head, done.entries) == (head.seq, head.hash, head.seq)
    assert done.size == (stick / "out.jsonl").stat().st_size
    assert header | {"app_version": ""} == {
        "app_version": "",
        "city_key": "00" * 32,
        "device": "EW-0001",
        "device_key": PUBLIC.public_bytes_raw().hex(),
        "epoch": 1,
        "first_seq": 1,
        "format": "ewarung-ledger",
        "prev_hash": genesis("EW-0001", 1).hex(),
        "version": 2,
    }
    PUBLIC.verify(bytes.fromhex(trailer["signature"]), f"export|EW-0001|1|1|{head.seq}|{head.hash}".encode())
    before = (stick / "out.jsonl").read_bytes().rpartition(b'{"commodities"')[0]
    assert trailer["digest"] == hashlib.sha256(before).hexdigest()
    assert trailer["counts"] == {
        "DayOpened": 1,
        "KioskEnrolled": 1,
        "Redeemed": 2,
        "Reversed": 1,
        "StateReceived": 1,
        "StockReceived": 1,
    }
    assert {"product": "beras-medium-5", "received": 50, "redeemed": 3, "reversed": 2, "adjusted": 0} in trailer[
        "products"
    ]
    assert {"commodity": "beras", "unit": "g", "ration": 5000, "purse": 0, "cash": 0} in trailer["commodities"]
    prices = {product.code: product.price.amount for product in till.ledger.read().catalogue().products}
    assert trailer["rupiah"] == {"ration": prices["beras-medium-5"], "purse": 0, "cash": 2 * prices["garam-250"]}
    report = verify(stick / "out.jsonl")
    assert (report.ok, report.entries, report.head, report.device) == (True, head.seq, head.hash, "EW-0001")


def test_an_export_from_a_later_entry_on_begins_with_the_hash_before_it(till: TillKit, stick: Path) -> None:
    sold(till)
    rows = kept(till)
    done = export(till.data_dir / "ledger.db", LEDGER_KEY, stick / "tail.jsonl", first_seq=4)
    header, entries, trailer = parts(stick / "tail.jsonl")
    assert (done.first_seq, done.entries, trailer["entries"]) == (4, len(rows) - 3, len(rows) - 3)
    assert (header["first_seq"], header["prev_hash"]) == (4, rows[2][2].hex())
    assert as_kept(entries) == [(body, digest) for _, body, digest in rows[3:]]
    PUBLIC.verify(bytes.fromhex(trailer["signature"]), f"export|EW-0001|1|4|{len(rows)}|{rows[-1][2].hex()}".encode())
    assert verify(stick / "tail.jsonl").ok


def test_the_till_goes_on_while_it_is_exported(till: TillKit, stick: Path) -> None:
    path = till.data_dir / "ledger.db"
    with till.ledger.write() as uow:
        uow.put_setting("open", "unit of work")
        first = export(path, LEDGER_KEY, stick / "first.jsonl")
    sold(till)
    second = export(path, LEDGER_KEY, stick / "second.jsonl")
    assert (first.last_seq, second.last_seq) == (second.last_seq - 1, till.ledger.read().head().seq)


def test_what_is_committed_during_an_export_is_not_in_it(
    till: TillKit, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = exporting._entry
    served: list[str] = []

    def meanwhile(seq: int, payload: bytes) -> Any:
        if seq == 3 and not served:
            served.append(sold(till))
        return whole(seq, payload)

    monkeypatch.setattr(exporting, "_entry", meanwhile)
    before = till.ledger.read().head()
    done = export(till.data_dir / "ledger.db", LEDGER_KEY, stick / "out.jsonl")
    assert served
    assert (done.last_seq, done.head) == (before.seq, before.hash)
    assert verify(stick / "out.jsonl").ok


@pytest.mark.skipif(sys.platform == "win32", reason="no modes")
def test_only_its_owner_can_read_it(till: TillKit, stick: Path) -> None:
    export(till.data_dir / "ledger.db", LEDGER_KEY, stick / "out.jsonl")
    assert (stick / "out.jsonl").stat().st_mode & 0o777 == 0o600


def refused(till: TillKit, out: Path, first_seq: int = 1) -> PosError:
    with pytest.raises(PosError) as caught:
        export(till.data_dir / "ledger.db", LEDGER_KEY, out, first_seq)
    return caught.value


@pytest.mark.parametrize("taken", ["an export", "a folder", "a link to nowhere"])
def test_nothing_is_ever_overwritten(till: TillKit, stick: Path, taken: str) -> None:
    out = stick / "out.jsonl"
    if taken == "an export":
        export(till.data_dir / "ledger.db", LEDGER_KEY, out)
    elif taken == "a folder":
        out.mkdir()
    else:
        out.symlink_to(stick / "nowhere")
    held = out.read_bytes() if out.is_file() else b""
    error = refused(till, out)
    assert (type(error), error.reason) == (ConfigError, "export_exists")
    assert names(stick) == ["out.jsonl"]
    assert not held or out.read_bytes() == held


def test_a_file_that_appears_meanwhile_is_left_alone(
    till: TillKit, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = stick / "out.jsonl"
    monkeypatch.setattr(os, "fsync", lambda _: out.write_text("somebody's"))
    assert refused(till, out).reason == "export_exists"
    assert (names(stick), out.read_text()) == (["out.jsonl"], "somebody's")


@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        (errno.ENOSPC, LedgerFull, "export"),
        (errno.EDQUOT, LedgerFull, "export"),
        (errno.EIO, ConfigError, "export_file"),
    ],
)
def test_a_disk_that_fails_leaves_nothing(
    till: TillKit, stick: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[PosError], reason: str
) -> None:
    def failing(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    error = refused(till, stick / "out.jsonl")
    assert (type(error), error.reason) == (kind, reason)
    assert names(stick) == []


def test_a_folder_that_is_not_there_is_said(till: TillKit, stick: Path) -> None:
    error = refused(till, stick / "gone" / "out.jsonl")
    assert (type(error), error.reason) == (ConfigError, "export_file")


def test_a_folder_that_goes_away_is_said(till: TillKit, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pulled(_: int) -> None:
        for path in stick.iterdir():
            path.unlink()
        stick.rmdir()
        stick.write_text("a file now")

    monkeypatch.setattr(os, "fsync", pulled)
    assert refused(till, stick / "out.jsonl").reason == "export_file"


def test_an_interruption_leaves_nothing(till: TillKit, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export(till.data_dir / "ledger.db", LEDGER_KEY, stick / "out.jsonl")
    assert names(stick) == []


@pytest.mark.parametrize("first_seq", [0, -1, 5, 99])
def test_it_begins_with_an_entry_that_is_there(till: TillKit, stick: Path, first_seq: int) -> None:
    error = refused(till, stick / "out.jsonl", first_seq)
    assert (type(error), error.reason) == (ConfigError, "export_from")
    assert names(stick) == []


def touched(till: TillKit, *statements: str) -> None:
    """What somebody does who holds the key: guards away, then whatever he likes."""
    connection = connect(till.data_dir / "ledger.db", LEDGER_KEY)
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("PRAGMA foreign_keys = OFF")
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger_entry WHERE seq = 3",
        "DELETE FROM ledger_entry WHERE seq = 1",
        "UPDATE ledger_entry SET payload = CAST(replace(CAST(payload AS TEXT), 'SJ-1', 'SJ-2') AS BLOB) WHERE seq = 4",
        "UPDATE ledger_entry SET prev_hash = zeroblob(32) WHERE seq = 3",
        "UPDATE ledger_entry SET hash = zeroblob(32) WHERE seq = 4",
        "UPDATE ledger_entry SET kind = 'DayClosed' WHERE seq = 3",
        "UPDATE ledger_entry SET payload = (SELECT payload FROM ledger_entry WHERE seq = 2) WHERE seq = 1",
        "UPDATE ledger_entry SET payload = x'7b7d' WHERE seq = 1",
        "UPDATE identity SET epoch = 2",
    ],
)
def test_what_does_not_hold_together_is_not_signed(till: TillKit, stick: Path, statement: str) -> None:
    touched(till, statement)
    error = refused(till, stick / "out.jsonl")
    assert (type(error), error.reason, error.exit_code) == (ChainBroken, "before_export", 1)
    assert names(stick) == []


def test_entries_of_another_epoch_are_not_exported_as_this_one(till: TillKit, stick: Path) -> None:
    """The chain holds, because it is read from a later entry on; the entries themselves say whose they are."""
    touched(till, "UPDATE identity SET epoch = 2")
    assert refused(till, stick / "out.jsonl", 3).reason == "before_export"


def test_a_gap_before_the_first_exported_entry_is_found(till: TillKit, stick: Path) -> None:
    touched(till, "DELETE FROM ledger_entry WHERE seq = 2")
    assert refused(till, stick / "out.jsonl", 3).reason == "before_export"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM secret WHERE name = 'device_key'",
        "UPDATE secret SET value = zeroblob(32) WHERE name = 'device_key'",
        "UPDATE secret SET value = x'00' WHERE name = 'device_key'",
    ],
)
def test_without_the_devices_key_nothing_is_signed(till: TillKit, stick: Path, statement: str) -> None:
    touched(till, statement)
    error = refused(till, stick / "out.jsonl")
    assert (type(error), error.reason) == (LedgerCorrupt, "no_device_key")
    assert names(stick) == []


def test_a_till_without_a_kiosk_has_nothing_to_export(opened: Callable[..., Any], tmp_path: Path, stick: Path) -> None:
    ledger = opened(create=True)
    key = bytes(range(32))
    with pytest.raises(ConfigError) as caught:
        export(tmp_path / "ledger.db", key, stick / "out.jsonl")
    assert caught.value.reason == "not_enrolled"
    with ledger.write() as uow:
        uow.set_identity(IDENTITY)
    with pytest.raises(ConfigError) as caught:
        export(tmp_path / "ledger.db", key, stick / "out.jsonl")
    assert caught.value.reason == "export_from"
    with ledger.write() as uow:
        uow.append(KioskEnrolled("Melati", "3374010001", "00" * 32, "00" * 32, "0.1.0"))
    with pytest.raises(LedgerCorrupt):
        export(tmp_path / "ledger.db", key, stick / "out.jsonl")
    assert names(stick) == []

"""The ledger for anyone to check: every entry's own bytes in one text file, which docs/ledger-format.md explains.

JSON Lines: a header, one line for each entry, a trailer that the device signs. Everything comes from one snapshot, so
a till may go on serving; nothing is signed that does not hold together.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec

from ewarung_pos import __version__
from ewarung_pos.domain.journal import (
    Entry,
    Fact,
    KioskEnrolled,
    Redeemed,
    Reversed,
    StockAdjusted,
    StockReceived,
    decode,
    genesis,
    link,
)
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.errors import ChainBroken, ConfigError, LedgerCorrupt, LedgerFull
from ewarung_pos.ledger.engine import Connection, check_owner, connect, translated
from ewarung_pos.ledger.keys import sync_directory

__all__ = [
    "FORMAT",
    "VERSION",
    "CommodityTotal",
    "Exported",
    "Header",
    "ProductTotal",
    "Tally",
    "TenderTotal",
    "Trailer",
    "entry_line",
    "export",
    "trailer_text",
]

FORMAT = "ewarung-ledger"
"""First word of every export."""

VERSION = 2
"""Of the format; a reader knows no other."""

_ENTRIES = "SELECT seq, payload, prev_hash, hash, kind FROM ledger_entry WHERE seq >= ? ORDER BY seq"
_LINE = msgspec.json.Encoder(order="sorted")


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """First line: whose entries follow, and what they follow.

    Keys are Ed25519 public keys (hex) as the epoch's first entry names them; `prev_hash` is the hash (hex) before the
    first exported entry. `app_version` is the exporting program's, for information.
    """

    app_version: str
    city_key: str
    device: str
    device_key: str
    epoch: int
    first_seq: int
    format: str
    prev_hash: str
    version: int


class ProductTotal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the exported entries did to one product, in packs; `adjusted` may be negative."""

    product: str
    received: int
    redeemed: int
    reversed: int
    adjusted: int


class CommodityTotal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was handed out of one commodity for each tender, net of reversals, in base units of `unit`."""

    commodity: str
    unit: str
    ration: int
    purse: int
    cash: int


class TenderTotal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rupiah net of reversals: ration at its price, purse as the EDC approved and voided it, cash."""

    ration: int
    purse: int
    cash: int


class Trailer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Last line: where the entries end, what they add up to, and the device's signature (hex) over `trailer_text`.

    `digest` is SHA-256 (hex) of every byte before this line; `entries` is their number, `counts` theirs by kind.
    """

    commodities: tuple[CommodityTotal, ...]
    counts: dict[str, int]
    digest: str
    entries: int
    head: str
    last_seq: int
    products: tuple[ProductTotal, ...]
    rupiah: TenderTotal
    signature: str


class Exported(msgspec.Struct, frozen=True):
    """What was written: `head` is hex, `size` bytes."""

    path: str
    device: str
    epoch: int
    first_seq: int
    last_seq: int
    entries: int
    head: str
    size: int


class Tally:
    """Adds up what a trailer states, entry by entry. Memory grows with products and kinds alone."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._products: dict[str, list[int]] = {}
        self._commodities: dict[tuple[str, str], dict[Tender, int]] = {}
        self._rupiah = dict.fromkeys(Tender, 0)
        self.entries = 0

    def add(self, fact: Fact) -> None:
        """One entry's."""
        self.count(type(fact).__name__)
        match fact:
            case Redeemed():
                self._goods(fact, 1)
                self._rupiah[Tender.PURSE] += fact.purse.amount if fact.purse else 0
            case Reversed():
                self._goods(fact, -1)
                self._rupiah[Tender.PURSE] -= fact.void.amount if fact.void else 0
            case StockReceived():
                for delivered in fact.lines:
                    self._product(delivered.product)[0] += delivered.packs
            case StockAdjusted():
                for counted in fact.lines:
                    self._product(counted.product)[3] += counted.difference

    def count(self, kind: str) -> None:
        """An entry of which no more is known than its kind."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self.entries += 1

    def _goods(self, fact: Redeemed | Reversed, sign: int) -> None:
        for line in fact.lines:
            self._product(line.product)[1 if sign > 0 else 2] += line.packs
            held = self._commodities.setdefault((line.commodity, line.unit.value), dict.fromkeys(Tender, 0))
            held[line.tender] += sign * line.amount
            if line.tender is not Tender.PURSE:
                self._rupiah[line.tender] += sign * line.total.amount

    def _product(self, product: str) -> list[int]:
        return self._products.setdefault(product, [0, 0, 0, 0])

    def trailer(self, digest: str, last_seq: int, head: str, signature: str) -> Trailer:
        """The trailer of what was added so far."""
        return Trailer(
            commodities=tuple(
                CommodityTotal(*key, held[Tender.RATION], held[Tender.PURSE], held[Tender.CASH])
                for key, held in sorted(self._commodities.items())
            ),
            counts=dict(sorted(self._counts.items())),
            digest=digest,
            entries=self.entries,
            head=head,
            last_seq=last_seq,
            products=tuple(ProductTotal(product, *packs) for product, packs in sorted(self._products.items())),
            rupiah=TenderTotal(self._rupiah[Tender.RATION], self._rupiah[Tender.PURSE], self._rupiah[Tender.CASH]),
            signature=signature,
        )


def entry_line(body: bytes, digest: bytes) -> bytes:
    """The line of an entry: its canonical bytes verbatim, and the hash that chains them."""
    return b'{"entry":' + body + b',"hash":"' + digest.hex().encode() + b'"}\n'


def trailer_text(header: Header, last_seq: int, head: str) -> bytes:
    """What the device signs. With a word in front: a day's seal is signed as well, and must not end an export there."""
    return f"export|{header.device}|{header.epoch}|{header.first_seq}|{last_seq}|{head}".encode()


def export(path: Path, key: bytes, out: Path, first_seq: int = 1) -> Exported:
    """Write the entries from `first_seq` on to a new file, durably; nothing is left under its name before it is whole.

    Args:
        path: the ledger's file; it may be in use.
        key: 32 raw bytes.
        out: where to; must not be there, whatever it is.
        first_seq: 1 for all of them. Only a whole export lets a reader check balances and stock.

    Raises:
        ConfigError: `out` is there already (`export_exists`) or cannot be written (`export_file`), `first_seq` is not
            in the journal (`export_from`), or the ledger cannot be used.
        ChainBroken: the entries do not hold together (`before_export`): `verify` says what is wrong.
        LedgerCorrupt: damaged, or the device's key is not in it (`no_device_key`).
        LedgerFull: no room for it.
    """
    connection = connect(path, key, query_only=True)
    try:
        with translated():
            check_owner(connection)
            connection.execute("BEGIN")
            header, signing = _header(connection, first_seq)
            with _draft(out) as file:
                return _write(connection, file, header, signing, out)
    finally:
        connection.close()


def _header(connection: Connection, first_seq: int) -> tuple[Header, bytes]:
    """The header, and the private key that belongs to the public one in it."""
    identity = connection.execute("SELECT device, epoch FROM identity").fetchone()
    if identity is None:
        raise ConfigError("no entries yet", reason="not_enrolled")
    device, epoch = identity
    before = connection.execute("SELECT hash FROM ledger_entry WHERE seq = ?", (first_seq - 1,)).fetchone()
    (last,) = connection.execute("SELECT max(seq) FROM ledger_entry").fetchone()
    if not 1 <= first_seq <= (last or 0):
        raise ConfigError(f"{first_seq}: the journal has 1 to {last or 0}", reason="export_from")
    first = connection.execute("SELECT payload FROM ledger_entry WHERE seq = 1").fetchone()
    began = _entry(1, first[0] if first else b"").fact
    if not isinstance(began, KioskEnrolled) or (first_seq > 1 and before is None):
        raise ChainBroken("the epoch does not begin with its enrolment, or has a gap", reason="before_export")
    kept = connection.execute("SELECT value FROM secret WHERE name = 'device_key'").fetchone()
    if kept is None or _public(kept[0]) != began.device_key:
        raise LedgerCorrupt("the device's private key is not in the ledger", reason="no_device_key")
    seed = before[0] if before else genesis(device, epoch)
    header = Header(
        app_version=__version__,
        city_key=began.city_key,
        device=device,
        device_key=began.device_key,
        epoch=epoch,
        first_seq=first_seq,
        format=FORMAT,
        prev_hash=seed.hex(),
        version=VERSION,
    )
    return header, kept[0]


def _write(connection: Connection, file: BinaryIO, header: Header, signing: bytes, out: Path) -> Exported:
    digest = sha256()
    size = 0

    def put(line: bytes) -> None:
        nonlocal size
        file.write(line)
        digest.update(line)
        size += len(line)

    put(_LINE.encode(header) + b"\n")
    tally = Tally()
    head = bytes.fromhex(header.prev_hash)
    expected = header.first_seq
    for seq, payload, prev_hash, kept, kind in connection.execute(_ENTRIES, (header.first_seq,)):
        if seq != expected or prev_hash != head or link(head, payload) != kept:
            raise ChainBroken(f"entry {expected}", reason="before_export")
        entry = _entry(seq, payload)
        told = (entry.seq, entry.device, entry.epoch, type(entry.fact).__name__)
        if told != (seq, header.device, header.epoch, kind):
            raise ChainBroken(f"entry {seq} stands where another should", reason="before_export")
        tally.add(entry.fact)
        put(entry_line(payload, kept))
        head, expected = kept, seq + 1
    last = expected - 1
    signature = _signed(signing, trailer_text(header, last, head.hex()))
    put(_LINE.encode(tally.trailer(digest.hexdigest(), last, head.hex(), signature)) + b"\n")
    return Exported(
        os.fspath(out), header.device, header.epoch, header.first_seq, last, tally.entries, head.hex(), size
    )


def _entry(seq: int, payload: bytes) -> Entry:
    try:
        return decode(payload)
    except msgspec.DecodeError as error:
        raise ChainBroken(f"entry {seq} cannot be read", reason="before_export") from error


def _public(private: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw().hex()
    except ValueError:
        return ""


def _signed(private: bytes, text: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private).sign(text).hex()


@contextmanager
def _draft(out: Path) -> Iterator[BinaryIO]:
    """A file beside `out` that takes its name when the block ends well, and goes away otherwise."""
    # A name of its own for each run: two at once must not write into each other's.
    draft = out.with_name(f"{out.name}.{secrets.token_hex(4)}.draft")
    try:
        _refuse_taken(out)
        with _open_new(draft) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _refuse_taken(out)
        draft.rename(out)
        sync_directory(out.parent)
    except OSError as error:
        _forget(draft)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LedgerFull(out.name, reason="export") from error
        raise ConfigError(f"{out}: {error.strerror}", reason="export_file") from error
    except BaseException:
        _forget(draft)
        raise


def _open_new(draft: Path) -> BinaryIO:
    """For its owner alone: it holds families' pseudonyms. Whoever hands it on decides who may read it."""
    return open(draft, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def _refuse_taken(out: Path) -> None:
    if os.path.lexists(out):
        raise ConfigError(out.name, reason="export_exists")


def _forget(draft: Path) -> None:
    try:
        draft.unlink(missing_ok=True)
    except OSError:
        return  # the folder itself is gone, and the draft with it

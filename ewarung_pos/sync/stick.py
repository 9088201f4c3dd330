"""The line to the city by hand: one file out with what waits, one file back that the engine takes like any answers.

Nothing here remembers what was written: entries wait until an acknowledgement came back, so a stick that is lost costs
nothing but its way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.errors import BundleRefused, ConfigError, StickError
from ewarung_pos.ports import (
    BundleFetched,
    BundleSaved,
    CarriedWish,
    Clock,
    Ledger,
    LedgerReader,
    RightsWish,
    StickPlace,
    SyncPhase,
    SyncReport,
)
from ewarung_pos.sync import bundle
from ewarung_pos.sync.attesting import days_closed, days_due
from ewarung_pos.sync.bundle import Header, Message, Way
from ewarung_pos.sync.bundle_file import bundles_in, file_name, keep, take
from ewarung_pos.sync.carried import NOT_CARRIED, CarriedCity
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.outgoing import (
    Speaker,
    batch_of,
    greeting,
    hash_at,
    keys_of,
    life_of,
    run_after,
)
from ewarung_pos.sync.protocol import encode
from ewarung_pos.sync.wishes import answered, keep_wish, requests, wishes_in

__all__ = ["BATCHES", "NOTES_FILE", "Notes", "Outgoing", "Stick", "fetch_bundle", "notes_in", "outgoing_bundle"]

BATCHES = 96
"""Of one file: 24 MiB before compression, months of a busy kiosk. What is left goes with the next."""

NOTES_FILE = "stick.json"
"""In the data directory; nothing is decided by it, and without it the city says the same once more."""

_REPLIES = 10
"""So many of a stick's newest replies are taken: the newest alone would do."""


class Notes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the city's last file asks of the next one of ours.

    Attributes:
        asks: to be said in HELLO; a restored city knows by it that the HELLO was made after it had asked.
        resend_from: the first entry that it lacks, of those which it had acknowledged; 0 for none.
    """

    asks: str = ""
    resend_from: int = 0


class Outgoing(msgspec.Struct, frozen=True):
    """A file for the city; `left` entries found no room in it."""

    header: Header
    data: bytes
    left: int


def outgoing_bundle(reader: LedgerReader, clock: Clock, notes: Notes | None = None) -> Outgoing:
    """Everything that this kiosk has to say to its city and to ask of it.

    Args:
        reader: of the ledger.
        clock: its wall time is told as it is.
        notes: what the city asked for; None begins after the last acknowledged entry.

    Raises:
        ConfigError: not enrolled. ChainBroken: the ledger is not what it was.
    """
    who, key, city_key = _own(reader)
    notes, now, head = notes or Notes(), clock.now(), reader.head()
    said = [Message("POST /v1/hello", encode(greeting(reader, who, now, notes.asks)))]
    due = days_due(reader.settings())
    begun = after = min(head.acked_seq, notes.resend_from - 1) if notes.resend_from else head.acked_seq
    digest = hash_at(reader, who, after) or ""
    while len(said) <= BATCHES and (rows := run_after(reader, after, digest)):
        said.append(Message("POST /v1/push", encode(batch_of(key, who, rows))))
        after, digest = rows[-1].seq, rows[-1].hash.hex()
        due += days_closed(rows)
    said += [Message(f"GET /v1/attest/{date}") for date in dict.fromkeys(due)]
    said += [Message("POST /v1/grant", encode(each)) for each in requests(reader, who, after, digest)]
    # What the city will hold once it took these entries: as on the line, it gives nothing to an older journal.
    said.append(Message(f"GET /v1/pull?cursor={reader.cursor()}&acked_seq={after}&acked_hash={digest}"))
    header = Header(
        way=Way.TO_CITY,
        city=city_key.hex(),
        device=who.device,
        epoch=who.epoch,
        id=bundle.new_id(),
        created_s=max(0, now.wall.ms // 1000),
        first_seq=begun + 1,
        last_seq=after,
        head=digest,
    )
    return Outgoing(header, bundle.write(header, said, key, city_key), max(0, head.seq - after))


def fetch_bundle(ledger: Ledger, clock: Clock, data: bytes) -> tuple[SyncReport, Notes]:
    """Take a city's file: the engine steps over it as over a line, until it has nothing more to say.

    The same file again, or an older one, changes nothing.

    Raises:
        BundleRefused: nothing of it was used.
        ConfigError: not enrolled. LedgerError: the ledger did not take it.
    """
    reader = ledger.read()
    who, key, city_key = _own(reader)
    opened = bundle.read(data, lambda header: _signer(header, who, city_key), key)
    header = opened.header
    if header.head not in {"", hash_at(reader, who, header.last_seq)}:
        raise BundleRefused(f"to another entry {header.last_seq}", reason="other_past")
    city = CarriedCity(opened, city_key, reader.acknowledgement())
    engine = SyncEngine(ledger, clock, "usb", connect=lambda: Speaker(who, city, key, city_key, live=False))
    report = _together(_steps(engine, city))
    granted = answered(ledger, engine, city)
    unsent = ledger.read().head().unsent
    report = msgspec.structs.replace(report, received=report.received + granted, unsent=unsent)
    asks = city.asks if city.life == life_of(ledger.read()) else ""  # as `greet`
    return report, Notes(asks, city.lacks_from)


class Stick:
    """`ports.CityStick`.

    Args:
        ledger: the till's.
        clock: wall time is told to the city.
        data_dir: keeps the notes.
        find: where files can go now.
    """

    def __init__(
        self, ledger: Ledger, clock: Clock, data_dir: Path, find: Callable[[], tuple[StickPlace, ...]] = lambda: ()
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._notes = data_dir / NOTES_FILE
        self._find = find

    def places(self) -> tuple[StickPlace, ...]:
        """Where files can go now."""
        return self._find()

    def save(self, folder: str) -> BundleSaved:
        """Write everything that waits into one file.

        Raises:
            StickError: nothing was written. LedgerError, ConfigError: the ledger.
        """
        out = outgoing_bundle(self._ledger.read(), self._clock, notes_in(self._notes.parent))
        name = file_name(out.header)
        keep(Path(folder) / name, out.data)
        return BundleSaved(name, out.header.first_seq, out.header.last_seq, len(out.data), out.left)

    def fetch(self, folder: str) -> BundleFetched:
        """Take the replies to this kiosk that are in that folder, the oldest first.

        Raises:
            StickError: none is there, or the folder cannot be read.
            BundleRefused: the newest cannot be believed; those before it may have been taken.
        """
        *older, newest = self._replies(Path(folder))
        reports = []
        for path in older:
            with suppress(BundleRefused):
                # What went wrong with an older one has been answered since.
                reports.append(msgspec.structs.replace(self._taken(path)[0], code="", reason=""))
        report, notes = self._taken(newest)
        return BundleFetched(_together([*reports, report]), notes.resend_from)

    def take(self, file: Path) -> BundleFetched:
        """Take one file of the city's.

        Raises:
            StickError, BundleRefused: nothing of it was used.
        """
        report, notes = self._taken(file)
        return BundleFetched(report, notes.resend_from)

    def carry(self, wish: RightsWish, family: str) -> None:
        """Ask the city for these rights with the next file.

        Raises:
            LedgerError: it is not kept.
        """
        keep_wish(self._ledger, wish, family, self._clock.now().wall.ms)

    def wishes(self) -> tuple[CarriedWish, ...]:
        """What is asked so, and what the city has said; the oldest first."""
        return wishes_in(self._ledger.read())

    def _taken(self, path: Path) -> tuple[SyncReport, Notes]:
        report, notes = fetch_bundle(self._ledger, self._clock, take(path))
        with suppress(StickError):  # without them the city says the same once more
            keep(self._notes, encode(notes))
        return report, notes

    def _replies(self, folder: Path) -> list[Path]:
        who, _, city_key = _own(self._ledger.read())
        found, others = [], ""
        for path, header in bundles_in(folder):
            if header.way is not Way.TO_KIOSK:
                continue
            try:
                _signer(header, who, city_key)
                found.append(path)
            except BundleRefused as refused:
                others = refused.reason
        if not found and others:
            raise BundleRefused(f"{folder}: none for this kiosk", reason=others)
        if not found:
            raise StickError(f"{folder}: no reply", reason="no_reply")
        return found[-_REPLIES:]


def notes_in(data_dir: Path) -> Notes:
    """What the city's last file asked for; nothing when that cannot be read."""
    try:
        return msgspec.json.decode((data_dir / NOTES_FILE).read_bytes(), type=Notes)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return Notes()


def _own(reader: LedgerReader) -> tuple[KioskIdentity, bytes, bytes]:
    """Who this is, its private key, and the city's public one.

    Raises:
        ConfigError: not enrolled.
    """
    who = reader.identity()
    if who is None:
        raise ConfigError("the ledger holds no kiosk: enrol this kiosk", reason="not_enrolled")
    return who, *keys_of(reader)


def _steps(engine: SyncEngine, city: CarriedCity) -> Iterator[SyncReport]:
    """Step until a step brings nothing; each of the answers is heard once, so that comes to an end."""
    while True:
        before = city.heard
        report = engine.step()
        yield report
        if city.heard == before and not report.received:
            return


def _together(reports: Iterable[SyncReport]) -> SyncReport:
    """One report of several; of errors the first, for the others may follow from it."""
    every = list(reports)
    error = next((each for each in every if each.code and each.reason != NOT_CARRIED), SyncReport(SyncPhase.IDLE))
    return SyncReport(
        phase=SyncPhase.IDLE,
        sent=sum(each.sent for each in every),
        received=sum(each.received for each in every),
        unsent=every[-1].unsent,
        at_ms=every[-1].at_ms,
        code=error.code,
        reason=error.reason,
        flagged=tuple(flag for each in every for flag in each.flagged),
        attested=tuple(date for each in every for date in each.attested),
        upgrade=every[-1].upgrade,
    )


def _signer(header: Header, who: KioskIdentity, city_key: bytes) -> bytes:
    """The city's key, for a file with this header."""
    if header.way is not Way.TO_KIOSK:
        raise BundleRefused("a kiosk's file", reason="wrong_way")
    if header.city != city_key.hex():
        raise BundleRefused("of another city", reason="other_city")
    if header.device != who.device:
        raise BundleRefused(f"to {header.device}", reason="other_kiosk")
    if header.epoch != who.epoch:
        raise BundleRefused(f"to epoch {header.epoch}", reason="other_epoch")
    return city_key

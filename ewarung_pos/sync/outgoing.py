"""What a till says to the city of its journal, and which answers it believes.

For the engine of every day, and for a copy that was restored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from ewarung_pos import __version__
from ewarung_pos.domain.journal import CityAcknowledged, Sealed, SettingsChanged, first_break, genesis
from ewarung_pos.domain.state import KioskIdentity
from ewarung_pos.domain.timeline import ClockReading
from ewarung_pos.domain.versions import OLDEST_SETTING, is_version
from ewarung_pos.errors import ChainBroken, ConfigError, Unauthorised
from ewarung_pos.ports import Clock, Ledger, LedgerReader
from ewarung_pos.sync.client import HttpCityServer, Line
from ewarung_pos.sync.protocol import (
    BATCH_BYTES,
    BATCH_ENTRIES,
    PAGE_BYTES,
    SCHEMA,
    Ack,
    Attest,
    Grant,
    GrantRequest,
    Hello,
    Push,
    StatePage,
    Welcome,
    ack_text,
    batch_text,
)
from ewarung_pos.sync.signing import sign, verify

__all__ = [
    "CityServer",
    "Speaker",
    "batch_of",
    "check_ack",
    "greet",
    "greeting",
    "hash_at",
    "heed_upgrade",
    "is_signed",
    "keys_of",
    "life_of",
    "live_on",
    "run_after",
    "speaker",
]

_LIFE = "city_life"
"""Setting: lives of the city, the newest first; an entry says how each came."""


class CityServer(Protocol):
    """The city as an enrolled kiosk speaks to it: over a line (`client`), or by what it wrote into a file (`carried`).

    Every method raises SyncError when there is no answer that can be believed.
    """

    def hello(self, message: Hello) -> Welcome:
        """Where the city's copy of the journal ends, and what this kiosk may do."""
        ...

    def push(self, message: Push) -> tuple[Ack, int]:
        """Send a batch; returns the answer and how many bytes the batch was."""
        ...

    def pull(
        self, cursor: int, acked: tuple[int, str] | None = None, most: int = PAGE_BYTES
    ) -> tuple[StatePage, bytes]:
        """The page after `cursor`, and the bytes that the city signed; as `HttpCityServer.pull`."""
        ...

    def attest(self, date: str) -> Attest | None:
        """The city's word on a sealed day; None while the seal has not arrived there."""
        ...

    def grant(self, message: GrantRequest) -> Grant:
        """The city's answer to a request for rights."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class Speaker(msgspec.Struct, frozen=True):
    """A line to the city, who speaks, the key that signs batches, and the only key that answers are believed from.

    `live` is False where the answers are of some days ago: they tell nothing of what time it is.
    """

    who: KioskIdentity
    city: CityServer
    key: bytes
    city_key: bytes
    live: bool = True

    def __repr__(self) -> str:
        """Never the keys."""
        return "Speaker()"


def speaker(reader: LedgerReader, who: KioskIdentity, url: str, ca: str, now_s: Callable[[], int]) -> Speaker:
    """Speak as the kiosk whose ledger this is.

    Raises:
        ConfigError: the ledger holds no keys, or the URL cannot be used.
    """
    key, city_key = keys_of(reader)
    city = HttpCityServer(Line(url, ca), f"{who.device}/{who.epoch}", key, city_key, now_s)
    return Speaker(who, city, key, city_key)


def keys_of(reader: LedgerReader) -> tuple[bytes, bytes]:
    """The kiosk's private key, and the city's public one.

    Raises:
        ConfigError: the ledger holds none.
    """
    key, city_key = reader.secret("device_key"), reader.secret("city_key")
    if key is None or city_key is None:
        raise ConfigError("the ledger holds no keys: enrol this kiosk", reason="not_enrolled")
    return key, city_key


def greet(
    city: CityServer,
    reader: LedgerReader,
    who: KioskIdentity,
    clock: Clock,
    asked: str,
    on_life: Callable[[Welcome], bool],
) -> tuple[Welcome, bool]:
    """HELLO, and again with the answer if the city asks something else than it `asked` before; whether it was answered.

    The second one is made after the question came and `on_life` heard of the city's life (`live_on`): from then on
    nothing is taken that an earlier life had given, so all of that stands below the head that the answer says. What is
    asked by a life whose pages are not taken is not answered, nor told further.
    """

    def said(recovery: str) -> Welcome:
        welcome = city.hello(greeting(reader, who, clock.now(), recovery))
        return welcome if on_life(welcome) else msgspec.structs.replace(welcome, recovery="")

    welcome = said(asked)
    if welcome.recovery in {"", asked}:
        return welcome, bool(asked)
    return said(welcome.recovery), True


_LIVES = 32
"""So many of the city's lives are known again, the newest: each stands in the journal with all before it."""


def life_of(reader: LedgerReader) -> str:
    """The city's life whose pages are taken; empty before it was ever restored from a copy."""
    return reader.settings().get(_LIFE, "").partition(",")[0]


def live_on(ledger: Ledger, welcome: Welcome) -> bool:
    """From now on take pages of the city's life alone; whether that is so.

    The word is late, and nothing changes, of a life that ended before, and in an answer to a greeting from before the
    kiosk heard of the life that it is in: which of the two began later, such an answer cannot tell.
    """
    if welcome.life == life_of(ledger.read()):
        return True
    with ledger.write() as uow:
        held = uow.settings().get(_LIFE, "")
        now = held.partition(",")[0]
        if welcome.heard != now or welcome.life in {"", *held.split(",")}:
            return welcome.life == now
        lives = ",".join([welcome.life, *filter(None, held.split(","))][:_LIVES])
        uow.append(SettingsChanged(_LIFE, held, lives))
        uow.put_setting(_LIFE, lives)
    return True


def heed_upgrade(ledger: Ledger, welcome: Welcome) -> None:
    """Remember the oldest version of the till that the city supports, where it says one (or that any will do)."""
    said = welcome.upgrade
    held = ledger.read().settings().get(OLDEST_SETTING, "")
    if said is None or said == held or not (said == "" or is_version(said)):
        return
    with ledger.write() as uow:
        uow.append(SettingsChanged(OLDEST_SETTING, held, said))
        uow.put_setting(OLDEST_SETTING, said)


def greeting(reader: LedgerReader, who: KioskIdentity, reading: ClockReading, recovery: str = "") -> Hello:
    """HELLO: where the journal ends, and what it knows of the city's copy, under the city's own signature."""
    head = reader.head()
    proof = reader.acknowledgement() or CityAcknowledged(0, "", 0, "")
    return Hello(
        device=who.device,
        epoch=who.epoch,
        head_seq=head.seq,
        head_hash=head.hash,
        acked_seq=head.acked_seq,
        acked_hash=head.acked_hash,
        cursor=reader.cursor(),
        schema=SCHEMA,
        app_version=__version__,
        wall_ms=reading.wall.ms,
        monotonic_ms=reading.monotonic_ms,
        boot=reading.boot,
        ack_ms=proof.server_ms,
        ack_flagged=proof.flagged,
        ack_signature=proof.signature,
        recovery=recovery,
        life=life_of(reader),
    )


def hash_at(reader: LedgerReader, who: KioskIdentity, seq: int) -> str | None:
    """Hash (hex) of our entry in that place, of the seed in place 0; None where our journal does not reach."""
    if seq == 0:
        return genesis(who.device, who.epoch).hex()
    rows = reader.sealed(seq - 1, 1, 1)
    return rows[0].hash.hex() if rows and rows[0].seq == seq else None


def run_after(reader: LedgerReader, seq: int, digest: str, most: int = BATCH_BYTES) -> tuple[Sealed, ...]:
    """The entries of the next batch: as many as go into one of so many bytes, above `seq` whose hash (hex) is `digest`.

    Raises:
        ChainBroken: the ledger is not what it was (`before_sending`).
    """
    rows = reader.sealed(seq, BATCH_ENTRIES, most)
    broken = first_break(rows, bytes.fromhex(digest), seq + 1)
    if broken is not None:
        raise ChainBroken(f"entry {broken[0]}: {broken[1]}", reason="before_sending")
    return rows


def batch_of(key: bytes, who: KioskIdentity, rows: tuple[Sealed, ...]) -> Push:
    """PUSH: a run of the journal under one signature."""
    head = rows[-1].hash.hex()
    text = batch_text(who.device, who.epoch, rows[0].seq, rows[-1].seq, head)
    return Push(
        device=who.device,
        epoch=who.epoch,
        first_seq=rows[0].seq,
        prev_hash=rows[0].prev_hash.hex(),
        entries=tuple(msgspec.Raw(row.body) for row in rows),
        head_hash=head,
        signature=sign(key, text).hex(),
    )


def check_ack(city_key: bytes, who: KioskIdentity, ack: Ack) -> None:
    """Believe an acknowledgement only under the city's own signature.

    Raises:
        Unauthorised: it is not signed.
    """
    text = ack_text(who.device, who.epoch, ack.acked_seq, ack.acked_hash, ack.server_ms, ack.flagged)
    if not is_signed(city_key, text, ack.signature):
        raise Unauthorised("the acknowledgement is not signed", reason="signature")


def is_signed(city_key: bytes, text: bytes, signature: str) -> bool:
    """Whether this is the city's signature of a text, in hex; what is no hex is none."""
    try:
        return verify(city_key, text, bytes.fromhex(signature))
    except ValueError:
        return False

"""Kiosks that never were, by the thousand: their keys, families and journals, and their messages to a city.

Everything of a kiosk follows from its name, so that whoever looks at the city afterwards knows what must be there.
"""

from __future__ import annotations

import hashlib
import http.client
import socket
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec

from ewarung_city import register
from ewarung_city.attest import DayFold
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import (
    DayClosed,
    DayOpened,
    Entry,
    Fact,
    KioskEnrolled,
    Redeemed,
    canonical,
    genesis,
    link,
    uuid7,
)
from ewarung_pos.domain.redemption import RedemptionLine, RightDebit, Tender
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.domain.units import Unit
from ewarung_pos.sync.packing import pack
from ewarung_pos.sync.protocol import Push, batch_text, encode
from ewarung_pos.sync.signing import SignedBy, public_of, sign, sign_request

__all__ = ["Batch", "Kiosks", "Sender", "key_of", "names", "plain_request_of", "request_of"]

SAMPLE = Path(__file__).parents[1] / "ewarung_pos" / "resources" / "sample"
HOST = "city.test"
"""Whom requests are for: signatures cover the name, so that they can be made before a server has its port."""
ENOUGH = 10**9
"""Of every right, in base units: nobody runs out."""


class Batch(NamedTuple):
    """What one PUSH of a kiosk brings: its body as it is before packing, and its entries one by one."""

    device: str
    body: bytes
    entries: tuple[Entry, ...]
    bodies: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    head: bytes


def names(count: int, first: int = 1) -> list[str]:
    """So many kiosks."""
    return [f"EW-{number:06d}" for number in range(first, first + count)]


def key_of(device: str) -> bytes:
    """The private key of a kiosk."""
    return hashlib.sha256(device.encode()).digest()


class Kiosks:
    """What they have in common: the moment, the goods of a redemption (two lines, two debits), families for each.

    Args:
        now_ms: when all of this happens.
        families: of each kiosk; they come again and again.
    """

    def __init__(self, now_ms: int, families: int = 20) -> None:
        self._now_ms = now_ms
        self._families = families
        self.date = Instant(now_ms).date().iso
        self.period = self.date[:7]

    @cached_property
    def goods(self) -> tuple[RedemptionLine, ...]:
        """What every family takes."""
        catalogue = msgspec.json.decode((SAMPLE / "catalogue.json").read_bytes())["catalogue"]
        products = {product["code"]: product for product in catalogue["products"]}
        oil = next(product for product in products.values() if product["commodity"] == "minyak")
        return tuple(
            RedemptionLine(
                item["code"], item["commodity"].title(), item["commodity"], 1, "pak", item["pack"]["amount"],
                Unit(item["pack"]["unit"]), item["price"]["amount"], Tender.RATION, "JATAH",
            )
            for item in (products["beras-medium-5"], oil)
        )  # fmt: skip

    def settle_in(self, store: CityStore, devices: Iterable[str]) -> None:
        """Enrol them in a city, with families that have rights enough."""
        with store.write() as tx:
            register.import_catalogue(tx, SAMPLE / "catalogue.json", self.period)
            for some in _portions(devices, 500):
                self._enrol(tx, some)

    def _enrol(self, tx: Tx, devices: Sequence[str]) -> None:
        tx.add(schema.kiosk, [{"device": device, "name": device, "epoch": 1} for device in devices])
        tx.add(
            schema.epoch,
            [
                {
                    "device": device, "epoch": 1, "device_key": public_of(key_of(device)).hex(), "state": "active",
                    "mode": "normal", "acked_hash": genesis(device, 1).hex(),
                }
                for device in devices
            ],
        )  # fmt: skip
        homes = [(device, self.family(device, place)) for device in devices for place in range(self._families)]
        tx.add(schema.family, [{"key": key, "home": home, "card_status": "active"} for home, key in homes])
        rights = [
            (home, {"family": key, "programme": "JATAH", "period": self.period, "commodity": line.commodity,
                    "unit": line.unit.value})
            for home, key in homes
            for line in self.goods
        ]  # fmt: skip
        tx.add(schema.entitlement, [{**right, "amount": ENOUGH} for _, right in rights])
        tx.add(schema.lease, [{"device": home, "epoch": 1, **right, "granted": ENOUGH} for home, right in rights])

    def family(self, device: str, place: int) -> str:
        """The key of one of a kiosk's families."""
        return f"K{hashlib.sha256(f'{device}{place}'.encode()).hexdigest()[:15].upper()}"

    def journal(self, device: str, count: int, size: int) -> list[Batch]:
        """So many batches of that size: enrolled, opened, and redemptions from then on."""
        facts = self._facts(device)
        head, batches = genesis(device, 1), []
        for number in range(count):
            pen = _Pen(self._now_ms, self.date, device, number * size, head)
            for _ in range(size):
                pen.write(next(facts))
            batches.append(pen.batch())
            head = pen.head
        return batches

    def close(self, device: str, size: int = 60) -> Batch:
        """A whole day, sealed by the last of so many entries."""
        facts = self._facts(device)
        pen = _Pen(self._now_ms, self.date, device, 0, genesis(device, 1))
        day = DayFold()
        for _ in range(size - 1):
            day.add(pen.write(next(facts)))
        head = pen.head.hex()
        said = batch_text(device, 1, 2, size - 1, head)
        pen.write(DayClosed(day.totals(2, size - 1), (), None, head, sign(key_of(device), said).hex(), 1))
        return pen.batch()

    def _facts(self, device: str) -> Iterator[Fact]:
        debits = tuple(RightDebit("JATAH", self.period, line.commodity, line.unit, line.amount) for line in self.goods)
        yield KioskEnrolled(device, "", "", "", "0.1.0")
        yield DayOpened()
        receipt = 0
        while True:
            receipt += 1
            family = self.family(device, receipt * 7 % self._families)
            yield Redeemed(receipt, family, "4821", HolderPresence.SELF, self.goods, debits, ())


class _Pen:
    """Writes one batch."""

    def __init__(self, now_ms: int, date: str, device: str, held: int, head: bytes) -> None:
        self._start = now_ms - 10**7
        self._date = date
        self._device = device
        self._first = held + 1
        self._before = head
        self._entries: list[Entry] = []
        self._bodies: list[bytes] = []
        self._hashes: list[bytes] = []
        self.head = head

    def write(self, fact: Fact) -> Entry:
        seq = self._first + len(self._entries)
        made = uuid7(self._start + seq, hashlib.sha256(f"{self._device}{seq}".encode()).digest()[:10])
        date = "" if isinstance(fact, KioskEnrolled) else self._date
        entry = Entry(seq, made, self._device, 1, date, self._start + seq, seq, "boot", "siti", fact)
        body = canonical(entry)
        self.head = link(self.head, body)
        self._entries.append(entry)
        self._bodies.append(body)
        self._hashes.append(self.head)
        return entry

    def batch(self) -> Batch:
        last = self._first + len(self._entries) - 1
        said = batch_text(self._device, 1, self._first, last, self.head.hex())
        raw = tuple(map(msgspec.Raw, self._bodies))
        signature = sign(key_of(self._device), said).hex()
        push = Push(self._device, 1, self._first, self._before.hex(), raw, self.head.hex(), signature)
        entries, hashes = tuple(self._entries), tuple(self._hashes)
        return Batch(self._device, encode(push), entries, tuple(self._bodies), hashes, self.head)


def request_of(batch: Batch, created_s: int) -> bytes:
    """The whole signed and packed HTTP request that brings it."""
    body = pack(batch.body)
    headers = {"Host": HOST, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    nonce = hashlib.sha256(batch.head + created_s.to_bytes(8, "big")).hexdigest()[:32]
    by = SignedBy(f"{batch.device}/1", created_s, nonce)
    sign_request("POST", f"http://{HOST}/v1/push", headers, body, key_of(batch.device), by)
    headers["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /v1/push HTTP/1.1\r\n{lines}\r\n".encode() + body


def plain_request_of(batch: Batch) -> bytes:
    """The same without a signature, and not packed: for whoever asks for neither."""
    head = f"POST /v1/push HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(batch.body)}\r\n\r\n".encode() + batch.body


class Sender:
    """One connection to a server on loopback, opened when it is needed and kept."""

    def __init__(self, port: int, timeout_s: float = 60) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None

    def send(self, request: bytes) -> tuple[int, bytes]:
        """(status, body) of the answer.

        Raises:
            OSError, http.client.HTTPException: there was none; the connection is gone.
        """
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), self._timeout_s)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(request)
            answer = http.client.HTTPResponse(self._socket, method="POST")
            answer.begin()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def _portions(things: Iterable[str], size: int) -> Iterator[list[str]]:
    some: list[str] = []
    for thing in things:
        some.append(thing)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some

"""Exports put together by hand, from the bodies of a real one (see make_ledgers)."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from ewarung_pos.domain.journal import decode, genesis, link
from ewarung_pos.ledger.export import VERSION, Tally, entry_line
from scripts.ledger_story import APP_VERSION, CITY, DEVICE, IDENTITY, Body, ack_text, public_of

__all__ = ["Bench", "File", "canonical"]


def canonical(value: object) -> bytes:
    """The bytes of an entry, a header or a trailer."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class File:
    """An export that is put together by hand.

    Args:
        bodies: entries, or their bytes where these are to be wrong.
        frozen: places whose seal or acknowledgement is left as it is, not signed anew.
        app_version: of the header.
        prev_hash: what the first of them follows; the seed of the epoch if empty.
    """

    def __init__(
        self,
        bodies: Sequence[Body | bytes],
        *,
        frozen: Iterable[int] = (),
        app_version: str = APP_VERSION,
        prev_hash: str = "",
    ) -> None:
        first = json.loads(bodies[0])["seq"] if isinstance(bodies[0], bytes) else bodies[0]["seq"]
        seed = prev_hash or genesis(IDENTITY.device, IDENTITY.epoch).hex()
        self.header: dict[str, Any] = {
            "app_version": app_version,
            "city_key": public_of(CITY),
            "device": IDENTITY.device,
            "device_key": public_of(DEVICE),
            "epoch": IDENTITY.epoch,
            "first_seq": first,
            "format": "ewarung-ledger",
            "prev_hash": seed,
            "version": VERSION,
        }
        self.hashes: dict[int, bytes] = {first - 1: bytes.fromhex(seed)}
        self.bodies: list[bytes] = []
        self.lines: list[bytes] = []
        self.tally = Tally()
        self.last_seq = first - 1
        for body in bodies:
            self._add(body, set(frozen))
        self.trailer: dict[str, Any] = {}

    def _add(self, body: Body | bytes, frozen: set[int]) -> None:
        told = json.loads(body) if isinstance(body, bytes) else copy.deepcopy(body)
        head = self.hashes[self.last_seq]
        if told["seq"] not in frozen and not isinstance(body, bytes):
            self._sign(told, head)
        raw = body if isinstance(body, bytes) else canonical(told)
        digest = link(head, raw)
        self.last_seq = told["seq"]
        self.hashes[self.last_seq] = digest
        self.bodies.append(raw)
        self.lines.append(entry_line(raw, digest))
        try:
            self.tally.add(decode(raw).fact)
        except ValueError:
            self.tally.count(told["fact"]["kind"])

    def _sign(self, told: Body, head: bytes) -> None:
        fact, who = told["fact"], (told["device"], told["epoch"])
        if fact["kind"] == "DayClosed":
            span = f"{fact['totals']['first_seq']}|{told['seq'] - 1}|{head.hex()}"
            fact["head"] = head.hex()
            fact["signature"] = DEVICE.sign(f"{who[0]}|{who[1]}|{span}".encode()).hex()
        elif fact["kind"] == "CityAcknowledged" and fact["acked_seq"] in self.hashes:
            fact["acked_hash"] = self.hashes[fact["acked_seq"]].hex()
            text = ack_text(*who, fact["acked_seq"], fact["acked_hash"], fact["server_ms"], fact["flagged"])
            fact["signature"] = CITY.sign(text).hex()
        elif fact["kind"] == "RightsGranted":
            granted = sha256(canonical(fact["leases"])).hexdigest()
            asked = f"{fact['request']}|{fact['serial']}|{fact['family']}|{int(fact['home'])}"
            fact["signature"] = CITY.sign(f"grant|{who[0]}|{who[1]}|{asked}|{granted}".encode()).hex()

    def written(self, **trailer: object) -> bytes:
        """The file; words given here stand in its trailer instead of the right ones."""
        before = canonical(self.header) + b"\n" + b"".join(self.lines)
        head = self.hashes[self.last_seq].hex()
        who = f"{self.header['device']}|{self.header['epoch']}|{self.header['first_seq']}"
        signature = DEVICE.sign(f"export|{who}|{self.last_seq}|{head}".encode()).hex()
        ours = msgspec.to_builtins(self.tally.trailer(sha256(before).hexdigest(), self.last_seq, head, signature))
        return before + canonical(ours | trailer) + b"\n"


class Bench:
    """Bodies of the good export, and ways to change them."""

    def __init__(self, bodies: list[Body]) -> None:
        self.bodies = bodies

    def seq(self, kind: str, which: int = 0) -> int:
        """Place of an entry of a kind."""
        return [body["seq"] for body in self.bodies if body["fact"]["kind"] == kind][which]  # type: ignore[no-any-return]

    def upto(self, seq: int) -> list[Body]:
        """A copy of the first so many."""
        return copy.deepcopy(self.bodies[:seq])

    def changed(self, seq: int, upto: int | None = None, **fact: object) -> list[Body]:
        """A copy in which one fact says something else."""
        bodies = self.upto(upto or len(self.bodies))
        bodies[seq - 1]["fact"].update(fact)
        return bodies

    def with_field(self, seq: int, upto: int | None = None, **field: object) -> list[Body]:
        """A copy in which one entry says something else of itself."""
        bodies = self.upto(upto or len(self.bodies))
        bodies[seq - 1].update(field)
        return bodies

    def and_then(self, upto: int, fact: Body, **field: object) -> list[Body]:
        """The first so many, and one more a second later."""
        bodies = self.upto(upto)
        last = bodies[-1]
        more = {
            "seq": upto + 1,
            "id": last["id"][:-4] + "ffff",
            "instant": last["instant"] + 1000,
            "monotonic": last["monotonic"] + 1000,
            "fact": fact,
        }
        return [*bodies, last | more | field]

    def fact(self, kind: str, which: int = 0) -> Body:
        """A copy of one."""
        return copy.deepcopy(self.bodies[self.seq(kind, which) - 1]["fact"])

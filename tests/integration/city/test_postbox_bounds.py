"""The slot for files: how much is read of one, how often an address may come, and how many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ewarung_city.postbox import PATH, Postbox
from ewarung_pos.errors import BundleRefused, ServerBusy
from ewarung_pos.sync.bundle import FILE_BYTES


class Asked:
    """A slot with a clock of its own; `ask` is one request to it, `held` what it took."""

    def __init__(self) -> None:
        self.now = 0.0
        self.held: list[bytes] = []
        self.fault: Exception | None = None
        self.box = Postbox(self._elsewhere, self._take, lambda: self.now)

    async def _elsewhere(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def _take(self, data: bytes) -> tuple[str, bytes]:
        if self.fault is not None:
            raise self.fault
        self.held.append(data)
        return "reply.bundle", b"reply"

    async def ask(
        self, pieces: Iterator[bytes] | list[bytes], address: str = "10.0.0.1", path: str = PATH, length: str = ""
    ) -> int:
        """The status of the answer to a body of these pieces."""
        told: list[dict[str, Any]] = []
        rest = list(pieces)

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0)
            if not rest:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest)}

        async def send(message: Any) -> None:
            told.append(message)

        headers = [(b"content-length", length.encode())] if length else []
        scope = {"type": "http", "path": path, "method": "POST", "client": (address, 1), "headers": headers}
        await self.box(scope, receive, send)
        return int(told[0]["status"])

    def post(self, *pieces: bytes, address: str = "10.0.0.1", path: str = PATH, length: str = "") -> int:
        return asyncio.run(self.ask(list(pieces), address, path, length))


def test_no_more_is_read_than_a_file_may_be_long() -> None:
    slot = Asked()
    assert slot.post(b"x", length=str(FILE_BYTES + 5_000)) == 413
    assert slot.post(b"x", length="many") == 413
    assert slot.post(*[bytes(FILE_BYTES // 4)] * 8) == 413
    assert slot.post() == 400
    assert slot.held == []
    assert slot.post(b"a", b"b", length="2") == 200
    assert slot.post(b"a", path="/v1/push") == 204
    assert slot.held == [b"ab"]


def test_an_address_may_bring_twenty_and_then_one_each_half_minute() -> None:
    slot = Asked()
    assert [slot.post(b"x") for _ in range(22)] == [200] * 20 + [429] * 2
    assert slot.post(b"x", address="10.0.0.2") == 200
    network = ["2001:db8::1", "2001:db8::2"]
    assert [slot.post(b"x", address=network[place % 2]) for place in range(21)] == [200] * 20 + [429]
    slot.now += 30
    assert [slot.post(b"x") for _ in range(2)] == [200, 429]
    slot.now += 3600
    assert slot.post(b"x", address="testclient") == 200


def test_of_very_many_addresses_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ewarung_city.postbox._ADDRESSES", 3)
    slot = Asked()
    assert [slot.post(b"x", address=f"10.0.0.{place}") for place in range(5)] == [200, 200, 200, 429, 429]
    slot.now += 31
    assert slot.post(b"x", address="10.0.0.9") == 200


def test_one_of_each_address_and_four_in_all_are_at_work_and_the_others_come_again() -> None:
    slot = Asked()

    async def together(addresses: list[str]) -> list[int]:
        return list(await asyncio.gather(*(slot.ask([b"x", b"y"], address) for address in addresses)))

    assert sorted(asyncio.run(together(["10.0.0.1"] * 2))) == [200, 503]
    assert sorted(asyncio.run(together([f"10.0.1.{place}" for place in range(6)]))) == [200] * 4 + [503] * 2


@pytest.mark.parametrize(
    ("fault", "status"),
    [(BundleRefused(reason="damaged"), 422), (ServerBusy(reason="database"), 503), (RuntimeError("x"), 500)],
)
def test_a_file_that_is_not_taken_leaves_the_slot_free(fault: Exception, status: int) -> None:
    slot = Asked()
    slot.fault = fault
    assert [slot.post(b"x") for _ in range(2)] == [status] * 2
    slot.fault = None
    assert slot.post(b"x") == 200


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ewarung_city.postbox._BODY_SECONDS", 0.05)
    slot = Asked()

    async def slowly() -> int:
        told: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def send(message: Any) -> None:
            told.append(message)

        await slot.box({"type": "http", "path": PATH, "method": "POST", "client": None, "headers": []}, receive, send)
        return int(told[0]["status"])

    assert asyncio.run(slowly()) == 408
    assert slot.post(b"x") == 200

"""Taking a kiosk in: one code, one use, five tries; two people, six digits; and only the city that issued the code."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import requests
from click.testing import CliRunner

from ewarung_city import enrolment as office
from ewarung_city.__main__ import cli
from ewarung_city.store import schema
from ewarung_pos.domain.timeline import Period
from ewarung_pos.errors import NotEntitled, ServerUnreachable, Unauthorised
from ewarung_pos.sync.enrolment import Enrolment, enrol
from ewarung_pos.sync.protocol import Enrol, encode
from ewarung_pos.sync.signing import SignedBy, new_key, public_of, sign_request
from tests.integration.city.city_kit import LiveCity, Till, ToldClock, Wire, through


def ask(city: LiveCity, code: str, url: str = "", **options: object) -> Enrolment:
    return enrol(
        url or city.url,
        code,
        "0.1.0",
        now_s=lambda: city.clock.ms // 1000,
        sleep=lambda _: None,
        **options,  # type: ignore[arg-type]
    )


def test_the_till_gets_the_card_key_sealed_to_it_and_the_city_key(city: LiveCity) -> None:
    taken = ask(city, city.code())
    assert taken.card_key == city.keys.card
    assert taken.city_key == city.keys.public
    assert (taken.identity.device, taken.identity.epoch, taken.identity.kelurahan) == ("EW-0001", 1, "Kauman")
    assert taken.identity.practice
    assert city.keys.card.hex() not in repr(taken)


def test_a_code_is_typed_as_people_type(city: LiveCity) -> None:
    code = city.code().lower().replace("-", " ").replace("0", "o").replace("1", "i")
    assert ask(city, code).identity.device == "EW-0001"


def test_a_code_works_once(city: LiveCity) -> None:
    code = city.code()
    ask(city, code)
    with pytest.raises(Unauthorised) as refused:
        ask(city, code)
    assert refused.value.reason == "code_used"


def test_a_lost_answer_does_not_cost_the_code(city: LiveCity, wires: Callable[..., Wire]) -> None:
    seen: list[bytes] = []

    def lose_first(answer: bytes) -> bytes:
        seen.append(answer)
        return b"" if len(seen) == 1 else answer

    line = wires(through(city.url, lose_first))
    assert ask(city, city.code(), line.url).identity.epoch == 1
    assert len(seen) == 2


def test_five_wrong_tries_kill_a_code(city: LiveCity) -> None:
    code = city.code()
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    for _ in range(5):
        with pytest.raises(Unauthorised) as refused:
            ask(city, wrong)
        assert refused.value.reason == "code_wrong"
    with pytest.raises(Unauthorised) as refused:
        ask(city, code)
    assert refused.value.reason == "code_unknown"


@pytest.mark.parametrize("name", ["%", "A%", "____", "AAAA\n", "aaaa", "", "AAAAA", "A" * 200])
def test_what_is_no_name_of_a_code_is_malformed(city: LiveCity, name: str) -> None:
    answer = unknown_person(city, name)
    assert (answer.status_code, answer.json()["reason"]) == (400, "malformed")


def test_a_stranger_without_a_code_costs_nobody_a_try(city: LiveCity) -> None:
    """Five tries with a sign that stands for anything, past the check of its form: every open code still works."""
    codes = {kiosk: city.code(kiosk) for kiosk in ("EW-0001", "EW-0002", "EW-0003")}
    for name in ("%", "0%", "____"):
        for _ in range(office.CODE_TRIES):
            with city.store.write() as tx:
                said = office.enrol(tx, city.keys, Enrol(name, "0" * 64, "1" * 64, "2" * 64, ""), city.clock.ms)
            assert isinstance(said, Unauthorised)
            assert said.reason == "code_unknown"  # and so tells nothing of the names of others
    with city.store.read() as tx:
        assert {(row["state"], row["tries"]) for row in tx.all(schema.code)} == {("open", 0)}
    for kiosk, code in codes.items():
        assert ask(city, code).identity.device == kiosk


def unknown_person(city: LiveCity, name: str) -> requests.Response:
    """ENROL as anybody may send it, signed by a key that was made a moment ago."""
    key, url = new_key(), f"{city.url}/v1/enrol"
    public = public_of(key).hex()
    body = encode(Enrol(name, "0" * 64, public, "2" * 64, "x"))
    headers = {"Host": urlsplit(url).netloc, "Accept-Encoding": "identity", "Content-Type": "application/json"}
    by = SignedBy(f"enrol/{public}", city.clock.ms // 1000, secrets.token_urlsafe(24))
    sign_request("POST", url, headers, body, key, by)
    return requests.post(url, data=body, headers=headers, timeout=10)


def test_a_code_dies_after_a_day_and_when_a_new_one_is_issued(city: LiveCity) -> None:
    first, second = city.code(), city.code()
    with pytest.raises(Unauthorised) as refused:
        ask(city, first)
    assert refused.value.reason == "code_unknown"
    city.clock.wait(office.CODE_LIFE_MS + 1)
    with pytest.raises(Unauthorised) as refused:
        ask(city, second)
    assert refused.value.reason == "code_unknown"


def test_what_is_no_code_is_said_before_anything_is_sent(city: LiveCity) -> None:
    with pytest.raises(Unauthorised) as refused:
        ask(city, "HALO", "http://127.0.0.1:1")
    assert refused.value.reason == "code_form"


def test_a_kiosk_that_is_not_there_gets_no_code(stocked: LiveCity) -> None:
    with pytest.raises(NotEntitled):
        stocked.code("EW-9999")


def test_a_person_compares_six_digits(city: LiveCity) -> None:
    code = city.code(auto=False)
    shown: list[str] = []

    def at_the_city(digits: str) -> None:
        shown.append(digits)
        with city.store.write() as tx:
            assert office.pending(tx, city.keys, city.clock.ms) == [("EW-0001", digits)]
            with pytest.raises(NotEntitled) as refused:
                office.approve(tx, city.keys, "EW-0001", "000000" if digits != "000000" else "000001", city.clock.ms)
            assert refused.value.reason == "digits_differ"
            office.approve(tx, city.keys, "EW-0001", digits, city.clock.ms)
            with pytest.raises(NotEntitled):
                office.approve(tx, city.keys, "EW-0001", digits, city.clock.ms)

    taken = ask(city, code, on_digits=at_the_city)
    assert len(shown) == 1
    assert len(shown[0]) == 6
    assert not taken.identity.practice


def test_without_that_person_nothing_is_taken_in(city: LiveCity) -> None:
    with pytest.raises(Unauthorised) as refused:
        ask(city, city.code(auto=False), wait_seconds=0)
    assert refused.value.reason == "not_approved"
    with city.store.read() as tx:
        assert tx.count(schema.epoch) == 0


def test_nobody_waits_any_more_whose_code_is_over(
    city: LiveCity, clock: ToldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A till that was given up is not in the morning's list for ever, and no digits are taken for it in vain."""
    monkeypatch.setattr("time.time_ns", lambda: clock.ms * 1_000_000)
    with pytest.raises(Unauthorised):
        ask(city, city.code(auto=False), wait_seconds=0)
    with city.store.read() as tx:
        ((_, digits),) = office.pending(tx, city.keys, clock.ms)
    where = ["--data-dir", str(city.data_dir)]
    assert CliRunner().invoke(cli, ["approve", *where]).output == f"EW-0001 {digits}\n"
    clock.wait(office.CODE_LIFE_MS + 1)
    assert CliRunner().invoke(cli, ["approve", *where]).output == ""
    assert "enam angkanya" not in CliRunner().invoke(cli, ["today", *where]).output
    assert "ewarung_enrolments_pending 0.0" in requests.get(f"{city.url}/metrics", timeout=5).text
    refused = CliRunner().invoke(cli, ["approve", "EW-0001", digits, *where])
    assert isinstance(refused.exception, NotEntitled)
    assert refused.exception.reason == "code_over"


def test_a_city_that_did_not_issue_the_code_cannot_answer(
    tmp_path: Path, city: LiveCity, clock: ToldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A false city that takes any proof is believed by nobody: it does not know the code."""
    false = LiveCity(tmp_path / "false", clock)
    try:
        false.stock_up()
        code = city.code()
        name = code[:4]
        with false.store.write() as tx:
            row = {
                "code_id": name,
                "device": "EW-0001",
                "secret": b"guessed",
                "expires": 2**50,
                "auto": 1,
                "state": "open",
            }
            tx.add(schema.code, [row])
        monkeypatch.setattr(office, "enrol_proof", lambda *_: "any")
        monkeypatch.setattr(office, "same", lambda *_: True)
        false.start()
        with pytest.raises(Unauthorised) as refused:
            ask(city, code, false.url)
        assert refused.value.reason == "signature"
    finally:
        false.close()


def test_another_pages_answer_is_no_city(city: LiveCity, wires: Callable[..., Wire]) -> None:
    def page(answer: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<ok>"

    with pytest.raises(ServerUnreachable) as refused:
        ask(city, city.code(), wires(through(city.url, page)).url)
    assert refused.value.reason == "not_the_city"


def test_enrolled_again_the_epoch_is_new_and_old_leases_stay_frozen(city: LiveCity, tmp_path: Path) -> None:
    first = Till(tmp_path / "one", city.url, city.code(), city.clock)
    first.drain()
    first.close()
    second = Till(tmp_path / "two", city.url, city.code(), city.clock)
    second.drain()
    reader = second.ledger.read()
    assert reader.identity() == msgspec.structs.replace(first.enrolment.identity, epoch=2)
    assert len(reader.families()) == 240
    assert all(not reader.leases(family.key, Period("2026-11")) for family in reader.families())
    second.close()


def test_the_codes_secret_is_not_in_the_database(stocked: LiveCity) -> None:
    code = stocked.code()
    letters = code.replace("-", "").encode()
    stocked.close()
    content = stocked.content()
    assert letters not in content
    assert letters[4:] not in content
    assert hashlib.sha256(b"ewarung enrolment|" + letters).digest() in content  # what is kept proves the code only

"""A kiosk is lost: within a minute the city knows whose data it held, and where to write to them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pypdfium2
import pytest

from ewarung_city import breach
from ewarung_city.__main__ import main
from ewarung_city.store import schema
from ewarung_pos.domain.breach import Inventory
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError
from tests.integration.city.city_kit import NOON, SAMPLE, LiveCity, Till

NOW = Instant(NOON)


def inventory(city: LiveCity, device: str = "EW-0001") -> Inventory:
    with city.store.read() as tx:
        return breach.inventory_of(tx, device, NOW)


def sample(home: str) -> list[dict[str, str]]:
    with (SAMPLE / "families.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["home_kiosk"] == home]


def test_the_list_is_every_family_of_the_kiosk_with_its_address(city: LiveCity, till: Till) -> None:
    till.drain()
    held = inventory(city)
    assert sorted((family.name, family.nik_masked, family.last4) for family in held.families) == sorted(
        (row["name"], f"{row['nik'][:4]}{'•' * 8}{row['nik'][-4:]}", row["card_number"][-4:])
        for row in sample("EW-0001")
    )
    assert len(held.families) == 240
    (suminah,) = (family for family in held.families if family.name == "SUMINAH")
    assert suminah.address == "Gg. Melati II No. 14, RT 007, RW 008, Kel. Kauman, Kec. Semarang Tengah"
    assert (suminah.last4, suminah.since) == ("4821", "2026-11")
    head = till.ledger.read().head()
    assert (held.head_seq, held.head_hash) == (head.acked_seq, head.acked_hash)
    assert held.contact_ms == NOON
    assert (held.by_city, held.key_tier, held.kiosk, held.place) == (True, "", "e-Warung Mawar", "Kel. Kauman")
    assert len(held.people) == 3


def test_a_family_that_moved_on_is_still_on_the_list_of_the_kiosk_that_knew_it(city: LiveCity, till: Till) -> None:
    till.drain()
    with city.store.write() as tx:
        key = tx.all(schema.lease, "family", device="EW-0001")[0]["family"]
        tx.change(schema.family, {"home": "EW-0002", "kelurahan_code": "gone"}, key=key)
    moved = next(family for family in inventory(city).families if family.key == key)
    assert "Kel." not in moved.address


def test_a_right_given_elsewhere_counts_as_well(city: LiveCity, till: Till) -> None:
    with city.store.write() as tx:
        (lease, *_) = tx.all(schema.lease, "family", device="EW-0001")
        stranger = tx.all(schema.family, "key", home="EW-0002")[0]["key"]
        tx.put(schema.lease, [{**lease, "family": stranger, "period": "2026-10"}])
    held = {family.key: family for family in inventory(city).families}
    assert held[stranger].since == "2026-10"


def test_a_kiosk_that_was_never_enrolled_held_nobody(stocked: LiveCity) -> None:
    held = inventory(stocked, "EW-0002")
    assert (held.families, held.people, held.contact_ms, held.head_seq, held.head_hash) == ((), (), 0, 0, "")


def test_a_kiosk_that_knows_more_than_arrived_has_no_head_to_show(city: LiveCity, till: Till) -> None:
    till.drain()
    with city.store.write() as tx:
        tx.change(schema.epoch, {"claimed_seq": 99}, device="EW-0001", epoch=1)
        tx.change(schema.kiosk, {"kelurahan_code": "gone"}, device="EW-0001")
    held = inventory(city)
    assert (held.head_seq, held.head_hash, held.place) == (99, "", "gone")


def test_an_unknown_kiosk_is_said(stocked: LiveCity) -> None:
    with pytest.raises(ConfigError) as refused:
        inventory(stocked, "EW-9999")
    assert refused.value.reason == "unknown_kiosk"


def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


def test_the_command_writes_csv_and_pdf_and_prints_no_name(
    city: LiveCity, till: Till, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    till.drain()
    place = ("--data-dir", str(city.data_dir))
    code, said = command(capsys, "report", "pdp", "EW-0001", *place, "--out", str(tmp_path / "out"), "--json")
    assert code == 0
    told = json.loads(said.splitlines()[-1])
    assert (told["device"], told["families"], told["people"]) == ("EW-0001", 240, 3)
    assert "SUMINAH" not in said
    text = Path(told["csv"]).read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert len(text.decode("utf-8-sig").splitlines()) == 241
    pages = pypdfium2.PdfDocument(told["pdf"])
    try:
        printed = " ".join(page.get_textpage().get_text_range() for page in pages)
        size = pages[0].get_size()
        assert len(pages) > 3
    finally:
        pages.close()
    assert [round(side) for side in size] == [595, 842]
    printed = printed.replace("\r\n", " ")
    assert all(row["name"] in printed for row in sample("EW-0001"))
    assert "lembar 1 dari" in printed
    assert command(capsys, "report", "pdp", "EW-0001", *place)[0] == 0
    assert list((city.data_dir / "papers").glob("pdp-EW-0001-*.csv"))
    assert command(capsys, "report", "pdp", "EW-0009", *place)[0] == 2
    for wrong in (
        ("pdp",),
        ("pdp", "EW-0001", "--period", "2026-11"),
        ("spj",),
        ("spj", "EW-0001", "--period", "2026-11"),
    ):
        assert command(capsys, "report", *wrong, *place)[0] == 2

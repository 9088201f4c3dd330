"""A new catalogue replaces the old one only if nothing is missing that kiosks still need."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ewarung_city import feed, leases, register
from ewarung_city.__main__ import cli
from ewarung_city.store import schema
from ewarung_pos.errors import ConfigError
from tests.integration.city.city_kit import NOON, PERIOD, SAMPLE, LiveCity, Pen
from tests.integration.city.test_intake import RICE, ration_family, redeemed

Edit = Callable[[dict[str, Any]], None]


def without(kind: str, code: str) -> Edit:
    """The sample's catalogue with a thing and all that names it taken out."""

    def edit(said: dict[str, Any]) -> None:
        catalogue = said["catalogue"]
        named = {"commodities": "commodity", "programmes": "programme", "products": ""}[kind]
        catalogue[kind] = [item for item in catalogue[kind] if item["code"] != code]
        for other in ("products", "eligibilities", "ceilings"):
            catalogue[other] = [item for item in catalogue[other] if not named or item.get(named) != code]
        for rations in said["rations"].values():
            rations.pop(code, None)
        for group in ("rations", "purses"):
            said[group].pop(code, None)

    return edit


def products(change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Edit:
    def edit(said: dict[str, Any]) -> None:
        said["catalogue"]["products"] = [new for item in said["catalogue"]["products"] if (new := change(dict(item)))]

    return edit


def take(city: LiveCity, tmp_path: Path, edit: Edit, period: str = PERIOD) -> tuple[str, ...]:
    said = json.loads((SAMPLE / "catalogue.json").read_text(encoding="utf-8"))
    edit(said)
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    with city.store.write() as tx:
        return register.import_catalogue(tx, path, period)


def refused(city: LiveCity, tmp_path: Path, edit: Edit, period: str = PERIOD) -> list[str]:
    """The things that the error names; nothing has changed."""
    with city.store.read() as tx:
        before = (tx.all(schema.city, "name"), tx.all(schema.list_price, "product"), tx.all(schema.kiosk, "device"))
    with pytest.raises(ConfigError) as error:
        take(city, tmp_path, edit, period)
    assert error.value.reason == "in_use"
    with city.store.read() as tx:
        assert (
            tx.all(schema.city, "name"),
            tx.all(schema.list_price, "product"),
            tx.all(schema.kiosk, "device"),
        ) == before
    return error.value.detail.split("\n  ")[1:]


def held(city: LiveCity) -> set[str]:
    with city.store.read() as tx:
        return {item.code for item in feed.CATALOGUE.decode(tx.setting("catalogue")).products}


def test_a_catalogue_that_an_editor_put_a_mark_in_front_of_is_taken(stocked: LiveCity, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    path.write_bytes(b"\xef\xbb\xbf" + (SAMPLE / "catalogue.json").read_bytes())
    with stocked.store.write() as tx:
        register.import_catalogue(tx, path, PERIOD)


def test_the_same_again_and_a_new_product_are_taken(stocked: LiveCity, tmp_path: Path) -> None:
    take(stocked, tmp_path, lambda _: None)
    take(
        stocked,
        tmp_path,
        lambda said: said["catalogue"]["products"].append(said["catalogue"]["products"][0] | {"code": "baru-1"}),
    )
    assert "baru-1" in held(stocked)


def test_a_programme_that_families_have_stays(stocked: LiveCity, tmp_path: Path) -> None:
    found = refused(stocked, tmp_path, without("programmes", "JATAH"))
    assert [line.split(" (")[0] for line in found] == [
        "programme JATAH: has families",
        "programme JATAH: leases in force",
    ]
    assert refused(stocked, tmp_path, without("programmes", "SEMBAKO"))[0].startswith("programme SEMBAKO: has families")


def test_a_commodity_stays_while_leases_of_it_are_in_force(stocked: LiveCity, tmp_path: Path) -> None:
    (found,) = refused(stocked, tmp_path, without("commodities", "beras"))
    assert found.startswith("commodity beras: leases in force (")
    assert refused(stocked, tmp_path, without("commodities", "beras"), "2026-10") != []  # granted for the next month
    take(stocked, tmp_path, without("commodities", "beras"), "2026-12")
    assert not any(code.startswith("beras") for code in held(stocked))


def test_a_commodity_that_was_handed_out_whole_may_go(stocked: LiveCity, tmp_path: Path) -> None:
    with stocked.store.write() as tx:
        for row in tx.all(schema.lease, commodity="beras"):
            key = {name: row[name] for name in ("device", "epoch", "family", "programme", "period", "commodity")}
            tx.change(schema.lease, {"spent": row["granted"] + 5, "returned": 5}, **key)
    take(stocked, tmp_path, without("commodities", "beras"))


def test_what_was_leased_needs_something_to_be_handed_out(stocked: LiveCity, tmp_path: Path) -> None:
    found = refused(stocked, tmp_path, products(lambda item: item if item["commodity"] != "beras" else None))
    assert [line.split(" (")[0] for line in found] == ["commodity beras: nothing to hand out"]

    def counted(said: dict[str, Any]) -> None:
        for item in said["catalogue"]["commodities"]:
            item["unit"] = "pc" if item["code"] == "beras" else item["unit"]
        for item in said["catalogue"]["products"]:
            if item["commodity"] == "beras":
                item |= {"code": item["code"] + "-pc", "pack": {"amount": 1, "unit": "pc"}}

    other = "commodity beras: another unit than before"
    found = refused(stocked, tmp_path, counted)
    assert [line.split(" (")[0] for line in found] == ["commodity beras: nothing to hand out", other]
    found = refused(stocked, tmp_path, counted, "2030-01")
    assert [line.split(" (")[0] for line in found] == [other], "what was left may have been carried from month to month"


def test_last_months_leases_hold_nothing_from_midnight_in_semarang_on(
    stocked: LiveCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever zone the city's machine is set to: 1 December 2026, 00.00 WIB is still November in UTC."""
    take(stocked, tmp_path, lambda _: None)
    said = json.loads((SAMPLE / "catalogue.json").read_text(encoding="utf-8"))
    without("commodities", "beras")(said)
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    command = ["import-catalogue", str(path), "--data-dir", str(stocked.data_dir), "--database", stocked.database]
    for now_ms, ended in ((1_796_058_000_000 - 1, ConfigError), (1_796_058_000_000, type(None))):
        monkeypatch.setattr("ewarung_city.place.now_ms", lambda ms=now_ms: ms)
        assert type(CliRunner().invoke(cli, command).exception) is ended


def test_a_product_stays_while_a_kiosk_has_packs_of_it(city: LiveCity, pen: Pen, tmp_path: Path) -> None:
    from ewarung_pos.domain.journal import DayOpened, StockReceived
    from ewarung_pos.domain.stock import ReceivedLine

    pen.write(DayOpened())
    pen.write(StockReceived("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 1),)))
    pen.send(city.url, pen.batch())
    (found,) = refused(city, tmp_path, without("products", "beras-medium-5"))
    assert found == "product beras-medium-5: on the shelf of EW-0001 (1 packs)"
    pen.write(redeemed(ration_family(city), packs=1))
    pen.send(city.url, pen.batch())
    take(city, tmp_path, without("products", "beras-medium-5"))
    with city.store.write() as tx:
        assert leases.grant(tx, "2026-12").leases > 0


def test_the_shelf_of_a_kiosk_that_is_enrolled_anew_is_another(city: LiveCity, pen: Pen, tmp_path: Path) -> None:
    with city.store.write() as tx:
        tx.put(schema.stock, [{"device": "EW-0001", "epoch": 1, "product": "beras-medium-5", "packs": 3}])
        tx.change(schema.epoch, {"state": "frozen"}, device="EW-0001", epoch=1)
    take(city, tmp_path, without("products", "beras-medium-5"))


def test_a_code_keeps_its_content(stocked: LiveCity, tmp_path: Path) -> None:
    def bigger(item: dict[str, Any]) -> dict[str, Any]:
        return item | {"pack": {"amount": 2 * RICE, "unit": "g"}} if item["code"] == "beras-medium-5" else item

    assert refused(stocked, tmp_path, products(bigger)) == [
        "product beras-medium-5: other content than before; give it a new code"
    ]

    def dearer(item: dict[str, Any]) -> dict[str, Any]:
        return item | {"price": {"amount": item["price"]["amount"] + 500}}

    take(stocked, tmp_path, products(dearer))


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda said: said.update(catalogue={}, rations={}, purses={}), "no product at all"),
        (lambda said: said["catalogue"]["products"].append(said["catalogue"]["products"][0]), "twice"),
        (lambda said: said["catalogue"]["programmes"][0].update(code="DARURAT"), "hardship pools"),
        (lambda said: said["catalogue"]["products"][0].update(commodity="emas"), "commodity emas: unknown"),
        (lambda said: said["catalogue"]["products"][0]["pack"].update(unit="pc"), "not measured as its commodity"),
        (lambda said: said["catalogue"]["products"][0]["pack"].update(amount=0), "an empty pack"),
        (lambda said: said["catalogue"]["products"][0]["price"].update(amount=-1), "a price below nothing"),
        (lambda said: said["catalogue"]["products"][0]["price"].update(amount=2**70), "int"),
        (lambda said: said["catalogue"]["eligibilities"][0].update(programme="EMAS"), "programme EMAS: unknown"),
        (lambda said: said["catalogue"]["ceilings"][0].update(commodity="emas"), "named by ceiling"),
        (lambda said: said["rations"].update(EMAS={}), "named by ration"),
        (lambda said: said["rations"]["JATAH"].update(emas=1), "named by ration of JATAH"),
        (lambda said: said["rations"]["JATAH"].update(beras=0), "ration of JATAH: no beras"),
        (lambda said: said["purses"].update(EMAS=1), "named by purse"),
        (lambda said: said.pop("catalogue"), "catalogue"),
    ],
)
def test_what_cannot_be_is_refused_and_named(stocked: LiveCity, tmp_path: Path, edit: Edit, what: str) -> None:
    with pytest.raises(ConfigError) as error:
        take(stocked, tmp_path, edit)
    assert error.value.reason == "invalid"
    assert what in error.value.detail


@pytest.mark.parametrize("group", ["rations", "purses"])
def test_months_that_were_granted_keep_their_amounts_and_it_is_said(
    stocked: LiveCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    """A decree that comes after the grant of a month changes the next one, and nobody believes otherwise."""

    def more(said: dict[str, Any]) -> None:
        if group == "rations":
            said["rations"]["JATAH"]["beras"] += 5_000
        else:
            said["purses"]["SEMBAKO"] += 50_000

    with stocked.store.write() as tx:
        leases.grant(tx, "2026-12")
    assert take(stocked, tmp_path, lambda _: None) == ()
    assert take(stocked, tmp_path, more) == (PERIOD, "2026-12")
    with stocked.store.write() as tx:
        again = leases.grant(tx, "2026-12")
        assert (again.leases, again.credits) == (0, 0)
    where = ["--data-dir", str(stocked.data_dir)]
    assert take(stocked, tmp_path, more) == ()
    monkeypatch.setattr("time.time_ns", lambda: NOON * 1_000_000)
    done = CliRunner().invoke(cli, ["import-catalogue", str(SAMPLE / "catalogue.json"), *where])
    said = "catalogue taken\nrations or purses changed; granted before, and as they were then: 2026-11, 2026-12\n"
    assert done.output == said

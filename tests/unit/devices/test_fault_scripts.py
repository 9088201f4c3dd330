"""The language of faults: one form for every device, and each device's own words, as the page about it has them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.simulated import edc_frames, poselink_messages
from ewarung_pos.devices.simulated.faults import CHIP, EDC, POSELINK, PRINTER, STRIPE, Fault, FaultScript, Vocabulary
from ewarung_pos.devices.simulated.printer import Mood
from ewarung_pos.errors import ConfigError

PAGE = Path(__file__).parents[3] / "docs" / "simulators.md"
DEVICES = {"EDC": EDC, "POSe Link": POSELINK, "Printer": PRINTER, "Chip": CHIP, "Stripe": STRIPE}


def refused(rows: list[dict[str, Any]], words: Vocabulary) -> str:
    with pytest.raises(ConfigError) as caught:
        FaultScript.of(rows, words)
    assert caught.value.reason == "faults"
    return caught.value.detail


@pytest.mark.parametrize("name", DEVICES)
def test_the_page_has_a_row_for_each_deed_and_names_what_belongs_to_it(name: str) -> None:
    section = PAGE.read_text(encoding="utf-8").partition(f"\n### {name}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \|(.*)\|$", section, re.MULTILINE)
    words = DEVICES[name]
    assert {deed for deed, _ in rows} == set(words.deeds)
    assert {kind for kind in words.kinds if f"`{kind}`" in section} == words.kinds
    for deed, told in rows:
        settings = {word for word in re.findall(r"`([a-z]+)`", told) if word in Fault.__struct_fields__}
        assert words.deeds[deed].settings == settings, deed


@pytest.mark.parametrize("words", DEVICES.values(), ids=DEVICES)
def test_every_device_reads_its_own_deeds_and_refuses_a_strangers_with_its_name(
    words: Vocabulary, tmp_path: Path
) -> None:
    rows = [{"do": deed, "nth": number} for number, deed in enumerate(sorted(words.deeds), start=1)]
    (tmp_path / "f.json").write_text(json.dumps(rows))
    (tmp_path / "f.toml").write_text("".join(f'[[fault]]\ndo = "{row["do"]}"\nnth = {row["nth"]}\n' for row in rows))
    kind = {"printer": "job", "kartu chip": "insert", "pembaca gesek": "swipe"}.get(words.device, "sale")
    for name in ("f.json", "f.toml"):
        script = FaultScript.read(tmp_path / name, words)
        for deed in sorted(words.deeds):
            kinds = words.deeds[deed].kinds or {kind}
            assert list(script.strike(min(kinds))) == [deed]
    for stranger in DEVICES.values():
        for deed in stranger.deeds.keys() - words.deeds.keys():
            assert words.device in refused([{"do": deed}], words)
            assert deed in refused([{"do": deed}], words)


def test_a_printer_does_wrong_what_its_moods_are() -> None:
    assert set(PRINTER.deeds) == {mood.value for mood in Mood} - {"ok"}


@pytest.mark.parametrize(
    ("words", "row", "named"),
    [
        (PRINTER, {"do": "hot", "on": "sale"}, "'hot' pada 'sale' tidak dikenal printer"),
        (PRINTER, {"do": "hot", "ms": 5}, "'ms' tidak dikenal pada gangguan 'hot' printer"),
        (PRINTER, {"do": "hot", "on": "status", "after": 5}, "'hot' pada 'status' tidak dikenal printer"),
        (PRINTER, {"do": "hot", "stays": -1}, "terlalu kecil"),
        (CHIP, {"do": "blocked", "on": "command"}, "'blocked' pada 'command' tidak dikenal kartu chip"),
        (CHIP, {"do": "removed", "on": "command", "at": 2}, "'removed' pada 'command' tidak dikenal kartu chip"),
        (CHIP, {"do": "removed", "on": "insert", "at": 0}, "terlalu kecil"),
        (CHIP, {"do": "status", "status": "62"}, "'62', seharusnya empat angka heksa"),
        (STRIPE, {"do": "split", "after": 3}, "'after' tidak dikenal pada gangguan 'split' pembaca gesek"),
        (EDC, {"on": "sale", "do": "nak", "ms": 5, "code": "51"}, "'code' tidak dikenal pada gangguan 'nak' EDC"),
        (EDC, {"do": "short", "processed": True}, "'processed' tidak dikenal pada gangguan 'short' EDC"),
        (POSELINK, {"do": "split", "ms": 5}, "'ms' tidak dikenal pada gangguan 'split' EDC POSe Link"),
        (EDC, {"do": "split", "stays": 3}, "'stays' tidak dikenal pada gangguan 'split' EDC"),
        (EDC, {"do": "nak", "code": "05"}, "'code' tidak dikenal pada gangguan 'nak' EDC"),
        (EDC, {"do": "decline", "code": "00"}, "code '00', seharusnya"),
        (EDC, {"do": "decline", "code": "ABC"}, "code 'ABC', seharusnya dua angka"),
        (POSELINK, {"do": "decline", "code": "00"}, "code '00', seharusnya"),
        (EDC, {"do": "wrong_type", "type": "6"}, "type '6', seharusnya dua angka"),
        (EDC, {"do": "decline", "on": "inquiry"}, "gangguan 'decline' pada 'inquiry' tidak dikenal EDC"),
        (EDC, {"do": "host_timeout", "on": "void"}, "gangguan 'host_timeout' pada 'void' tidak dikenal EDC"),
        (POSELINK, {"do": "not_found", "on": "sale"}, "'not_found' pada 'sale' tidak dikenal EDC POSe Link"),
        (EDC, {"do": "nak", "count": 0}, "terlalu kecil"),
        (EDC, {"do": "nak", "nth": 1, "every": 2}, "nth dan every"),
    ],
)
def test_what_a_rule_cannot_mean_is_named(words: Vocabulary, row: dict[str, Any], named: str) -> None:
    assert named in refused([row], words)


@pytest.mark.parametrize("words", [EDC, POSELINK], ids=["EDC", "POSe Link"])
@pytest.mark.parametrize("deed", ["decline", "host_timeout", "reject_pin", "other_card"])
def test_what_befalls_a_debit_is_refused_at_every_other_request(words: Vocabulary, deed: str) -> None:
    for kind in sorted(words.kinds - {"sale"}):
        assert f"{deed!r} pada {kind!r}" in refused([{"on": kind, "do": deed}], words)
    script = FaultScript.of([{"do": deed}], words)
    assert [list(script.strike(kind)) for kind in ("inquiry", "sale", "void")] == [[], [deed], []]


@pytest.mark.parametrize(
    ("words", "types"), [(EDC, edc_frames.KINDS), (POSELINK, poselink_messages.KINDS)], ids=["EDC", "POSe Link"]
)
def test_a_wrong_type_that_is_the_requests_own_is_refused(words: Vocabulary, types: dict[str, str]) -> None:
    """It would be the right one, and the rule dead."""
    for own, kind in types.items():
        assert f"{own!r} adalah milik {kind!r} sendiri" in refused(
            [{"on": kind, "do": "wrong_type", "type": own}], words
        )
        script = FaultScript.of([{"do": "wrong_type", "type": own}], words)
        assert {asked for asked in words.kinds if not script.strike(asked)} == {kind}, "it strikes all others"
        for other in words.kinds - {kind}:
            FaultScript.of([{"on": other, "do": "wrong_type", "type": own}], words)


def test_a_rule_for_anything_strikes_only_where_its_deed_can_be_done() -> None:
    script = FaultScript.of([{"do": "no_directory"}, {"do": "slow", "every": 2}, {"do": "removed", "at": 3}], CHIP)
    struck = [sorted(script.strike(kind)) for kind in ("insert", "command", "command", "insert")]
    assert struck == [["no_directory", "removed"], ["slow"], [], ["no_directory", "removed", "slow"]]


@pytest.mark.parametrize("wrong", [{"do": "nak", "ms": 5}, {"do": "tea"}, {"do": "nak", "count": "many"}])
def test_the_rule_that_is_refused_is_named_by_its_place(wrong: dict[str, Any]) -> None:
    assert refused([{"do": "split", "ms": 5}, {"do": "short"}, wrong], EDC).startswith("aturan 3")


def test_a_table_of_another_name_is_no_script_without_rules(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text('[[faults]]\non = "sale"\ndo = "nak"\n')
    with pytest.raises(ConfigError, match="'faults' tidak dikenal"):
        FaultScript.read(tmp_path / "f.toml", EDC)


def test_a_request_without_a_name_of_its_own_is_one_too() -> None:
    assert FaultScript.of([{"do": "split"}]).strike("other")

"""Every way something can go wrong has its sentence, and the sentences are fit to be read."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ewarung_pos import errors, ports
from ewarung_pos.devices.escpos import PaperSense
from ewarung_pos.domain.entitlement import Bound, Refusal
from ewarung_pos.errors import CardBlocked, DayNotOpen, NotEntitled, PosError, PrinterNotReady
from ewarung_pos.sync.protocol import Quarantine
from ewarung_pos.ui.text import TROUBLES, Trouble, after_doubt, trouble, trouble_of

SOURCES = sorted(Path(errors.__file__).parent.rglob("*.py"))
CLASSES: dict[str, type[PosError]] = {
    name: found for name, found in vars(errors).items() if isinstance(found, type) and issubclass(found, PosError)
}

# Reasons that say nothing more to the person at the counter than their code does; the log and the exit code tell them
# apart. A reason that is new must be given a sentence, or be put here on purpose.
SAME_TO_THE_OPERATOR: dict[str, set[str]] = {
    "allotment_exhausted": {"lease"},
    "chain_broken": {"before_sending"},
    "clock_suspect": {"behind_ledger"},
    "config": {
        "code_page",
        "columns",
        "engine",
        "engine_setting",
        "identity_fixed",
        "invalid",
        "line",
        "no_day",
        "no_tls",
        "port",
        "profile",
        "unreadable",
    },
    "device": {"other_terminal", "settlement_refused"},
    "device_protocol": {"bad_frame", "card_info_refused", "card_number", "mismatch", "no_total", "tray"},
    "device_unavailable": {"simulator"},
    "ledger": {"closed", "io"},
    "ledger_corrupt": {"empty", "foreign", "job_without_entry", "no_device_key", "no_identity", "schema", "verify"},
    "ledger_key_wrong": {"key_file", "length"},
    "migration_failed": {"copy", "revision", "verify"},
    "not_authorised": {"no_leader_word"},
    "not_entitled": {"not_eligible", "purse"},
    "out_of_stock": {"stock"},
    "outcome_unknown": {"no_attempt"},
    "protocol_mismatch": {"body", "downgrade", "page", "unit"},
    "rule": {
        "already_reversed",
        "attempt_final",
        "duplicate_entry",
        "not_spent",
        "not_the_same",
        "unknown_attempt",
        "unknown_entry",
    },
    "server_busy": {"behind"},
    "server_unreachable": {"cut", "no_line", "timeout", "too_large"},
    "unauthorised": {"signature", "unknown_key", "wrapped_key"},
}


def words_of(value: ast.expr) -> Iterator[str]:
    """What a `reason=` may be, as far as it is written out."""
    match value:
        case ast.Constant(value=str(word)) if word:
            yield word
        case ast.IfExp(body=body, orelse=other):
            yield from words_of(body)
            yield from words_of(other)
        case ast.BoolOp(values=values):
            for part in values:
                yield from words_of(part)


def raised() -> Iterator[tuple[str, str, str]]:
    """(where, class, reason) of every `PosError` made with a reason that is written out."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
                for keyword in node.keywords:
                    if keyword.arg == "reason":
                        for word in words_of(keyword.value):
                            yield f"{path.name}:{node.lineno}", node.func.id, word


def has_words(kind: type[PosError], reason: str) -> bool:
    said = trouble_of(kind(reason=reason))
    return said.code in {f"{kind.code}.{reason}", f"refusal.{reason}"}


def documented(of: object, intro: str) -> list[str]:
    """The reasons that a docstring of the ports lists after `intro`."""
    text = " ".join((getattr(of, "__doc__", "") or "").split())
    listed = text[text.index(intro) + len(intro) :].split(". ")[0].rstrip(".")
    return re.findall(r"\b[a-z]+(?:_[a-z]+)*\b", re.sub(r"\([^)]*\)", "", listed))


DECLINED = documented(ports.Declined, "`reason`:")
UNKNOWN = documented(ports.Unknown, "`reason`:")


def test_the_lists_of_reasons_are_read_from_the_ports() -> None:
    assert {"insufficient", "not_sent", "not_found"} <= set(DECLINED)
    assert len(DECLINED) == 13
    assert {"no_answer", "mismatch", "no_query", "unclear", "busy"} <= set(UNKNOWN)
    assert len(UNKNOWN) == 11


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.code)
def test_every_error_has_a_sentence(kind: type[PosError]) -> None:
    assert trouble_of(kind()).code == kind.code


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_has_a_sentence(refusal: Refusal) -> None:
    assert trouble("refusal", refusal.value).code == f"refusal.{refusal.value}"


@pytest.mark.parametrize("reason", DECLINED)
def test_every_no_of_the_terminal_has_a_sentence(reason: str) -> None:
    assert trouble("edc", reason).code == f"edc.{reason}"


@pytest.mark.parametrize("reason", [*UNKNOWN, "restart", "not_recorded"])
def test_every_unknown_outcome_has_a_sentence(reason: str) -> None:
    said = trouble("doubt", reason)
    assert said.code == f"doubt.{reason}"
    assert said.action in {"inquire", "ask_slip"}


@pytest.mark.parametrize("sense", [sense for sense in PaperSense if not sense.prints])
def test_every_state_that_stops_a_printer_has_a_sentence(sense: PaperSense) -> None:
    assert has_words(PrinterNotReady, sense.value)


@pytest.mark.parametrize("reason", ["not_explained", "in_doubt", "control", "edc"])
def test_every_reason_that_blocks_the_seal_has_a_sentence_of_its_own(reason: str) -> None:
    assert trouble_of(DayNotOpen(reason=reason)).code == f"day_not_open.{reason}"


def test_every_reason_in_the_code_has_a_sentence_or_falls_back_on_purpose() -> None:
    found = list(raised())
    assert len(found) > 80
    wordless = [
        f"{where} {name} {reason}"
        for where, name, reason in found
        if not has_words(CLASSES[name], reason) and reason not in SAME_TO_THE_OPERATOR.get(CLASSES[name].code, set())
    ]
    assert wordless == []


def test_nothing_falls_back_that_the_code_does_not_say() -> None:
    said = {(CLASSES[name].code, reason) for _, name, reason in raised()} | {
        ("not_entitled", bound.value) for bound in Bound
    }
    stale = [
        f"{code}.{reason}"
        for code, reasons in SAME_TO_THE_OPERATOR.items()
        for reason in reasons
        if (code, reason) not in said
    ]
    assert stale == []


def test_a_rule_broken_for_a_reason_not_to_serve_is_said_in_its_words() -> None:
    assert trouble_of(NotEntitled(reason="unknown_card")).title == "Kartu belum terdaftar di sini"
    assert trouble_of(CardBlocked(reason="in_doubt")).action == "resolve"
    assert trouble_of(DayNotOpen(reason="day_not_open")).action == "go_day"


def test_an_unknown_reason_is_said_in_the_words_of_its_code() -> None:
    for code in ("edc", "doubt", "void", "config"):
        assert trouble(code, "never_heard_of").code == code
    with pytest.raises(KeyError):
        trouble("never_heard_of")


def test_whatever_is_not_ours_is_a_bug() -> None:
    said = trouble_of(ZeroDivisionError("division by zero"))
    assert (said.code, said.tone) == ("bug", "stop")


@pytest.mark.parametrize("said", TROUBLES.values(), ids=TROUBLES)
def test_a_sentence_can_be_read(said: Trouble) -> None:
    for line in (said.happened, said.safe, said.now):
        assert line.endswith("."), line
        assert line == line.strip()
        assert 8 < len(line) <= 120, line
        assert "  " not in line
    assert not said.title.endswith(".")
    assert len(said.title) <= 40
    assert 0 < len(said.button) <= 24
    assert said.tone in {"look", "stop", "info"}
    assert re.fullmatch(r"[a-z_]+", said.action)


ENGLISH = {"the", "is", "card", "error", "failed", "please", "server's", "not", "with", "try", "and", "of", "to"}


@pytest.mark.parametrize("said", TROUBLES.values(), ids=TROUBLES)
def test_a_sentence_is_indonesian(said: Trouble) -> None:
    words = re.findall(r"[a-z']+", f"{said.title} {said.happened} {said.safe} {said.now} {said.button}".lower())
    assert not ENGLISH & set(words)


_OF_A_BASKET = re.compile("(?i)keranjang|salurkan|kurangi")


def test_every_no_of_the_edc_that_leads_to_the_basket_has_words_for_when_there_is_none() -> None:
    lead = {code for code, said in TROUBLES.items() if code.startswith("edc") and _OF_A_BASKET.search(str(said))}
    assert {"edc", "edc.insufficient", "edc.wrong_pin", "edc.not_sent"} <= lead
    for code in lead:
        instead = after_doubt(trouble(code))
        assert instead.code == code.replace("edc", "ended", 1)
        assert (instead.button, instead.action) == ("Kartu berikutnya", "dismiss")
        assert "masukkan kartunya lagi" in instead.now.lower() or "sudah tidak ada" in instead.now
        assert "Salurkan" not in instead.now
    assert after_doubt(trouble("edc.not_found")).code == "edc.not_found"
    assert after_doubt(trouble("void.not_found")).code == "void.not_found"


def test_who_is_told_that_nothing_was_taken_is_told_the_truth() -> None:
    """A printer's or a city's trouble comes after the commit, and that a family was not served is an entry itself:
    those sentences must not say that nothing is recorded.
    """
    for code, said in TROUBLES.items():
        if code.startswith(("printer_not_ready", "server_", "doubt", "void", "unauthorised", "refusal", "edc")):
            assert "Tidak ada yang dicatat" not in said.safe, code
    # Tutup Hari records its beginning and its count: what is half entered is all that would be lost.
    assert "Tidak ada yang dicatat" not in TROUBLES["leave.close_count"].safe


def test_only_a_paper_that_waits_promises_that_what_it_is_about_is_recorded() -> None:
    for code, said in TROUBLES.items():
        if not code.startswith("printer_not_ready"):
            assert "Sudah tercatat" not in said.safe, code
            assert said.action != "reprint", code


@pytest.mark.parametrize("action", sorted({said.action for said in TROUBLES.values()} - {"dismiss"}))
def test_every_button_does_something(action: str) -> None:
    """`go_<screen>` names a screen; all else is a command of a view-model, or one of the views themselves."""
    if action.startswith("go_"):
        screens = importlib.import_module("ewarung_pos.ui.viewmodels.shell").SCREENS
        assert action.removeprefix("go_") in {screen[0] for screen in screens}
    elif action not in {"resolve", "retry", "type_card"}:
        models = [
            getattr(importlib.import_module(f"ewarung_pos.ui.viewmodels.{module}"), name)
            for module, name in (
                ("doubt", "DoubtViewModel"),
                ("counter", "CounterViewModel"),
                ("handover", "Handover"),
                ("day_open", "DayOpenViewModel"),
                ("sync", "SyncViewModel"),
                ("rights", "RightsViewModel"),
            )
        ]
        assert any(callable(getattr(model, action, None)) for model in models)


@pytest.mark.parametrize("why", Quarantine)
def test_why_the_city_put_a_batch_aside_is_said_and_not_that_it_does_not_know_us(why: Quarantine) -> None:
    said = trouble("unauthorised", f"quarantined_{why.value.lower()}")
    assert said.happened != trouble("unauthorised", "").happened
    assert said.safe

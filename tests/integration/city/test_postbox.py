"""Files that somebody without any key passes on to the city over HTTP, by the command or with a browser."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import requests
from click.testing import CliRunner

from ewarung_city.__main__ import cli
from ewarung_city.postbox import PATH
from ewarung_pos.errors import BundleRefused, ConfigError, PosError, ServerBusy, ServerUnreachable
from ewarung_pos.sync import bundle
from ewarung_pos.sync.bundle import Way
from ewarung_pos.sync.forward import forward
from ewarung_pos.sync.protocol import PROBLEM_TYPE
from ewarung_pos.sync.signing import public_of
from ewarung_pos.sync.stick import Stick, outgoing_bundle
from tests.altered import altered
from tests.fault_proxy import FaultProxy
from tests.integration.city.city_kit import Cities, LiveCity, Till, Wire, answering
from tests.integration.city.test_bundles import at_the_city, home, note, out
from tests.integration.city.test_edges import certificate
from tests.integration.city.test_line import CAPTIVE

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="session")


@pytest.fixture
def cut(city: LiveCity, till: Till) -> Till:
    """Enrolled, and never on a line since."""
    till.reconnect("")
    return till


def post(city: LiveCity, data: bytes, **headers: str) -> requests.Response:
    with requests.Session() as session:
        return session.post(city.url + PATH, data=data, headers=headers, timeout=20)


def refused(kind: type[PosError], work: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        work()
    return caught.value.reason


def test_an_office_without_keys_passes_the_file_on_and_brings_the_reply(
    city: LiveCity, cut: Till, tmp_path: Path
) -> None:
    note(cut)
    stick = Stick(cut.ledger, cut.clock, cut.data_dir)
    saved = stick.save(str(tmp_path))
    words = ["bundle", "forward", str(tmp_path / saved.file), "--url", city.url, "--json"]
    first, done = (CliRunner().invoke(cli, words) for _ in range(2))
    assert (first.exit_code, done.exit_code) == (0, 0), done.output
    told = msgspec.json.decode(done.output.splitlines()[-1])
    assert told["reply"] == str(tmp_path / "ewarung-EW-0001-1-2-reply.bundle")
    assert stick.fetch(str(tmp_path)).report.sent == 2
    assert int(city.epoch()["acked_seq"]) == 2
    assert city.cases() == []


def test_who_brings_it_can_read_neither_way_and_what_is_altered_is_believed_by_nobody(
    city: LiveCity, cut: Till
) -> None:
    note(cut, "rahasia keluarga")
    data = out(cut)
    said, reply = forward(data, city.url)
    assert said.answers == bundle.look(data).id
    for each, key in ((data, public_of(cut.enrolment.device_key)), (reply, city.keys.public)):
        assert b"rahasia" not in each
        assert bundle.vouched(each, key).device == "EW-0001"
        with pytest.raises(BundleRefused):
            bundle.read(each, lambda header, key=key: key, bytes(32))  # type: ignore[misc]
    held = city.content()
    assert refused(BundleRefused, lambda: forward(altered(data, -90), city.url)) == "damaged"
    assert city.content() == held
    assert home(cut, reply).sent == 2


def test_what_is_no_file_for_this_city_is_refused_in_the_same_words_as_at_its_command(
    city: LiveCity, cities: Cities, cut: Till
) -> None:
    other = cities.new("other")
    other.start()
    data = out(cut)
    reply = at_the_city(city, data).reply
    assert refused(BundleRefused, lambda: forward(data, other.url)) == "other_city"
    assert refused(BundleRefused, lambda: forward(reply, city.url)) == "wrong_way"
    assert refused(BundleRefused, lambda: forward(b"a letter", city.url)) == "not_a_bundle"
    header = msgspec.structs.replace(outgoing_bundle(cut.ledger.read(), cut.clock).header, device="EW-0999")
    stray = bundle.write(header, (), cut.enrolment.device_key, city.keys.public)
    assert refused(BundleRefused, lambda: forward(stray, city.url)) == "unknown_kiosk"
    answer = post(city, reply)
    assert (answer.status_code, answer.headers["Content-Type"], answer.json()["reason"]) == (
        422, PROBLEM_TYPE, "wrong_way",
    )  # fmt: skip


def test_whoever_is_not_the_city_brings_nothing_home(
    city: LiveCity, cut: Till, wires: Callable[..., Wire], tmp_path: Path
) -> None:
    data = out(cut)
    _, true = forward(data, city.url)
    note(cut)
    other = at_the_city(city, out(cut)).reply
    header = bundle.look(true)
    forged = bundle.write(header, (), bytes(32), cut.enrolment.device_public)

    def ok(body: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body

    for said in (CAPTIVE, ok(b"<html>"), ok(other), ok(forged), ok(true[:-1]), b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"):  # fmt: skip  # noqa: E501
        wire = wires(answering(said))
        assert refused(ServerUnreachable, lambda wire=wire: forward(data, wire.url)) == "not_the_city"  # type: ignore[misc]
    silent = wires(lambda connection: None)
    assert refused(ServerUnreachable, lambda: forward(data, silent.url)) == "no_line"
    busy = wires(answering(b"HTTP/1.1 503 B\r\nRetry-After: 30\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    assert refused(ServerBusy, lambda: forward(data, busy.url)) == ""
    assert refused(ConfigError, lambda: forward(data, "http://kota.example")) == "no_tls"
    assert refused(ConfigError, lambda: forward(data, city.url, str(tmp_path / "none.pem"))) == "invalid"


def test_a_line_that_breaks_or_a_foreign_certificate_leaves_the_file_where_it_was(
    city: LiveCity, cut: Till, wires: Callable[..., Wire], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = out(cut)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / "theirs.pem"))
    ours = str(certificate(tmp_path / "ours.pem"))
    with FaultProxy(city.url, tls=context) as line:
        assert refused(ServerUnreachable, lambda: forward(data, line.url, ours)) == "tls"
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\nConnection: close\r\n\r\n" + bytes(90_000)
    page = b"HTTP/1.1 413 T\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>"
    for setting, value, said, reason in (
        ("FILE_BYTES", 80_000, answering(long), "too_large"),
        ("_ANSWER_SECONDS", -1.0, answering(long), "timeout"),
        ("_READ_SECONDS", 0.2, lambda _: threading.Event().wait(1), "timeout"),
        ("_CHUNK", 4096, answering(page), "not_the_city"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"ewarung_pos.sync.forward.{setting}", value)
            wire = wires(said)
            assert refused(ServerUnreachable, lambda wire=wire: forward(data, wire.url)) == reason  # type: ignore[misc]
    assert forward(data, city.url)[0].answers == bundle.look(data).id


def test_a_browser_sends_it_by_a_form_and_is_told_in_words(city: LiveCity, cut: Till) -> None:
    page = requests.get(city.url + PATH, timeout=20)
    assert (page.status_code, "multipart/form-data" in page.text) == (200, True)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    data = out(cut)
    browser = {"Accept": "text/html,*/*"}
    sent = requests.post(city.url + PATH, files={"file": ("x.bundle", data)}, headers=browser, timeout=20)
    assert sent.status_code == 200
    assert sent.headers["Content-Disposition"] == 'attachment; filename="ewarung-EW-0001-1-1-reply.bundle"'
    assert home(cut, sent.content).sent == 1
    letter = requests.post(city.url + PATH, files={"file": ("x", b"letter")}, headers=browser, timeout=20)
    assert (letter.status_code, "bukan berkas kios" in letter.text) == (422, True)
    both = requests.post(city.url + PATH, files=[("a", data), ("b", data)], headers=browser, timeout=20)
    assert (both.status_code, "tidak dimengerti" in both.text) == (400, True)
    assert requests.put(city.url + PATH, data=b"x", timeout=20).status_code == 405


def test_what_a_city_s_file_shows_from_outside_is_who_vouches_for_it(city: LiveCity, cut: Till) -> None:
    reply = at_the_city(city, out(cut)).reply
    assert bundle.vouched(reply, city.keys.public).way is Way.TO_KIOSK
    assert refused(BundleRefused, lambda: bundle.vouched(reply, cut.enrolment.device_public)) == "damaged"
    assert refused(BundleRefused, lambda: bundle.vouched(reply[:-1], city.keys.public)) == "damaged"

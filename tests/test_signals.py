"""What signals do: the first one ends in order, the second one at once, and SIGHUP reads the settings again."""

import signal
from pathlib import Path

import pytest

from exporter.signals import Signals
from tests.programs import Process, eventually, get, value_of

SUCCESSFUL = "hubble_egress_exporter_config_last_reload_successful"
FLOWS = str(Path(__file__).parent / "scenarios" / "audit" / "flows.jsonl")


@pytest.mark.parametrize(("number", "terminated"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
def test_the_second_signal_leaves(number: signal.Signals, terminated: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """The first one begins to end; only SIGTERM leaves time for a scrape."""
    left: list[int] = []
    signals = Signals(left.append)
    signals.end(number)
    assert (signals.stopping.is_set(), signals.terminated, left) == (True, terminated, [])
    signals.end(signal.SIGINT)
    assert left == [1]
    assert "a second signal" in capfd.readouterr().err


def test_hanging_up_asks_once() -> None:
    """A reload that was asked for is taken once, however often it was asked for."""
    signals = Signals()
    assert not signals.take_reload()
    signals.hang_up()
    signals.hang_up()
    assert (signals.take_reload(), signals.take_reload()) == (True, False)
    assert not signals.stopping.is_set()


def test_sighup(tmp_path: Path) -> None:
    """A changed file is in effect at once, a broken one changes nothing and is told with its line."""
    file = tmp_path / "settings.yaml"
    file.write_text("sources: {exclude-namespaces: [ops]}\n")
    with Process("demo", "--config.file", str(file), "--demo.speed", "300") as process:
        eventually(lambda: "wishlist" in process.metrics(), "a drop")
        assert "ci-runner" not in process.metrics()
        assert value_of(process.metrics(), SUCCESSFUL) == 1

        file.write_text("sources: {exclude-namespace: [shop]}\n")
        process.send(signal.SIGHUP)
        eventually(lambda: value_of(process.metrics(), SUCCESSFUL) == 0, "a refusal")
        refused = process.events("config_refused")
        assert refused[0]["fault"].startswith(f"{file}:1:")
        assert "exclude-namespaces" in refused[0]["fault"]

        file.write_text("sources: {exclude-namespaces: [shop]}\nlog: {level: warn}\nweb: {max-scrapes: 9}\n")
        process.send(signal.SIGHUP)
        eventually(lambda: value_of(process.metrics(), SUCCESSFUL) == 1, "a reload")
        eventually(lambda: "ci-runner" in process.metrics(), "what was left out before")
        assert 'reason="asked_anew"' in process.metrics()
        assert process.end(signal.SIGTERM) == 0
        assert process.events("exporter_stopped") == []  # at level warn


def test_reload_over_http(tmp_path: Path) -> None:
    """With --web.enable-lifecycle a POST reloads, and says what is wrong."""
    file = tmp_path / "settings.yaml"
    file.write_text("log: {level: info}\n")
    with Process("demo", "--config.file", str(file), "--web.enable-lifecycle") as process:
        assert get(f"{process.url}/-/reload", method="POST") == (200, "reloaded\n")
        file.write_text("log: {level: loud}\n")
        status, said = get(f"{process.url}/-/reload", method="POST")
        assert status == 500
        assert f"{file}:1:14: log.level" in said
        eventually(lambda: value_of(process.metrics(), SUCCESSFUL) == 0, "the refusal")


def test_the_last_scrape() -> None:
    """After SIGTERM it is not ready, and waits for one more scrape, which has all that was counted."""
    with Process("demo", "--web.last-scrape", "10m") as process:
        eventually(lambda: "hubble_egress_connections_total{" in process.metrics(), "a connection")
        process.send(signal.SIGTERM)
        eventually(
            lambda: get(f"{process.url}/-/ready") == (503, "not ready: it is ending\n"), "the beginning of the end"
        )
        # A scrape before all is counted is not the last one.
        eventually(lambda: bool(process.events("last_scrape_awaited")), "the wait for it")
        assert get(f"{process.url}/-/healthy")[0] == 200
        assert "hubble_egress_connections_total{" in process.metrics()
        assert process.wait() == 0


def test_a_second_signal_cuts_the_wait_short() -> None:
    """Nobody has to wait for the last scrape."""
    with Process("demo", "--web.last-scrape", "10m") as process:
        process.metrics()
        process.send(signal.SIGTERM)
        eventually(lambda: get(f"{process.url}/-/ready")[0] == 503, "the beginning of the end")
        assert process.end(signal.SIGTERM) == 1
        assert "a second signal: leaving at once" in "".join(process.stderr)


def test_no_wait_for_a_scrape_that_nobody_makes() -> None:
    """Without any scrape before, and at Ctrl-C, the end comes at once."""
    with Process("demo", "--web.last-scrape", "10m") as process:
        assert process.url
        assert process.end(signal.SIGTERM) == 0
    with Process("demo", "--web.last-scrape", "10m") as process:
        process.metrics()
        assert process.end(signal.SIGINT) == 0


@pytest.mark.parametrize("arguments", [("demo",), ("replay", FLOWS)], ids=["demo", "replay"])
def test_sighup_at_any_time(arguments: tuple[str, ...]) -> None:
    """While it starts there is nothing to reload, while it ends neither; it never kills."""
    with Process(*arguments) as process:
        eventually(lambda: bool(process.events("exporter_started")), "a start")
        process.send(signal.SIGHUP)
        process.send(signal.SIGTERM)
        for _ in range(5):
            process.send(signal.SIGHUP)
        assert process.wait() == 0

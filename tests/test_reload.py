"""Reading the settings again: a bad file never replaces a good one, and what may not change is said."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from exporter.documents.faults import Fault, Place
from exporter.log import Level, LogSettings
from exporter.reload import Reading, Reload
from exporter.settings import Settings
from exporter.settings.faults import SettingsError
from exporter.web.settings import WebSettings

DEBUG = Settings(log=LogSettings(level=Level.DEBUG))


def refused() -> Settings:
    """A file with two faults."""
    raise SettingsError([Fault(Place("a.yaml", 3, 1), "unknown key"), Fault(Place("a.yaml", 5, 1), "no number")])


class Reloaded:
    """A reload whose sources of settings a test chooses, and what it applied."""

    def __init__(self, running: Settings, again: Callable[[], Settings], asked: Settings | None = None) -> None:
        self.applied: list[Settings] = []
        self.now = 100.0
        self.again = again
        reading = Reading(asked or running, self._read)
        self.reload = Reload(running, reading, self.applied.append, wall=lambda: self.now)

    def _read(self) -> Settings:
        return self.again()


def test_a_good_file_is_applied() -> None:
    """The time of the success moves, and nothing is wrong."""
    reloaded = Reloaded(Settings(), lambda: DEBUG)
    assert (reloaded.reload.successful, reloaded.reload.success_time) == (True, 100.0)
    reloaded.now = 200.0
    with capture_logs() as logged:
        assert reloaded.reload() == ""
    assert reloaded.applied == [DEBUG]
    assert (reloaded.reload.successful, reloaded.reload.success_time) == (True, 200.0)
    assert logged == [
        {"event": "config_reloaded", "log_level": "info", "changed": ("log.level",), "waiting_for_restart": ()}
    ]


def test_a_bad_file_changes_nothing() -> None:
    """It is refused with all its faults; the next good one is taken."""
    reloaded = Reloaded(Settings(), refused)
    reloaded.now = 200.0
    with capture_logs() as logged:
        assert reloaded.reload() == "a.yaml:3:1: unknown key\na.yaml:5:1: no number"
    assert reloaded.applied == []
    assert (reloaded.reload.successful, reloaded.reload.success_time) == (False, 100.0)
    assert [line["fault"] for line in logged] == ["a.yaml:3:1: unknown key", "a.yaml:5:1: no number"]
    reloaded.again = lambda: DEBUG
    assert reloaded.reload() == ""
    assert (reloaded.reload.successful, reloaded.reload.success_time) == (True, 200.0)


def test_what_needs_a_restart_is_named_every_time() -> None:
    """It stays as it is, and is no fault."""
    moved = Settings(web=WebSettings(listen_address=":1"), log=LogSettings(level=Level.DEBUG))
    reloaded = Reloaded(Settings(), lambda: moved)
    for _ in range(2):
        with capture_logs() as logged:
            assert reloaded.reload() == ""
        assert logged[0]["waiting_for_restart"] == ("web.listen-address",)
    assert reloaded.applied == [DEBUG, DEBUG]


def test_what_the_demo_made_of_the_settings_stays() -> None:
    """Its own address is neither taken away by a reload nor told as a change of the file."""
    running = Settings(web=WebSettings(listen_address="127.0.0.1:9968"))
    reloaded = Reloaded(running, lambda: DEBUG, asked=Settings())
    with capture_logs() as logged:
        assert reloaded.reload() == ""
    assert logged[0]["waiting_for_restart"] == ()
    assert reloaded.applied == [running.model_copy(update={"log": DEBUG.log})]


@pytest.mark.parametrize("times", [1, 2])
def test_without_a_reading(times: int) -> None:
    """Settings that came from nowhere cannot be read again, and that is said."""
    reload = Reload(Settings(), None, lambda _: None)
    for _ in range(times):
        assert reload() == "these settings cannot be read again"
    assert reload.successful


def test_settings_that_cannot_be_applied() -> None:
    """Whatever goes wrong while they are applied is said; the next good file is taken as if nothing had been."""
    applied: list[Settings] = []

    def apply(settings: Settings) -> None:
        if settings.log.level is Level.DEBUG:
            raise RuntimeError("out of luck")
        applied.append(settings)

    found = [DEBUG, Settings(log=LogSettings(level=Level.WARN))]
    reload = Reload(Settings(), Reading(Settings(), lambda: found.pop(0)), apply, wall=lambda: 5.0)
    with capture_logs() as logged:
        assert reload() == "the settings could not be applied: out of luck"
    assert not reload.successful
    assert logged[0]["event"] == "config_not_applied"
    with capture_logs() as logged:
        assert reload() == ""
    assert logged[0]["changed"] == ("log.level",)
    assert (reload.successful, [settings.log.level for settings in applied]) == (True, [Level.WARN])

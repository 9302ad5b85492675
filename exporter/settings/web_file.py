"""The file of `web.config.file`, read as carefully as our own, though its keys are spelled as exporter-toolkit's."""

from collections.abc import Mapping
from pathlib import Path

from exporter.documents.faults import Fault, Place
from exporter.settings.faults import SettingsError
from exporter.settings.fields import SettingField, described
from exporter.settings.given import Given
from exporter.settings.validation import validate
from exporter.settings.yaml_file import read_file
from exporter.web.certificates import context_of
from exporter.web.config import WebConfig
from exporter.web.live import Loaded, WebConfigError
from exporter.web.rules import Problem, problems


class WebFileError(SettingsError, WebConfigError):
    """The file cannot be used; its text is the whole message, one line per fault."""


class _Key(SettingField):
    """A key of the file, which has no flag and no variable."""

    @property
    def path(self) -> str:
        """`tls_server_config.cert_file`."""
        return ".".join(self.keys)


_KEYS = described(WebConfig, _Key)


def read_web_config(file: str) -> Loaded:
    """The configuration in `file` and its certificates; an empty file is plain HTTP.

    Raises:
        WebFileError: with everything that is wrong, one line per fault.
    """
    try:
        return _read(file)
    except SettingsError as error:
        raise WebFileError(error.faults) from None


def _read(file: str) -> Loaded:
    layer = read_file(file, _KEYS)
    config, invalid = validate(WebConfig, layer.given, _KEYS, may_miss=bool(layer.faults))
    faults = [*layer.faults, *invalid]
    if config is None or faults:
        raise SettingsError(faults)
    config = config.beside(Path(file).parent)
    if found := list(problems(config)):
        raise SettingsError([_fault(problem, layer.given, file) for problem in found])
    context = context_of(config.tls_server_config) if config.is_tls else None
    if isinstance(context, Problem):
        raise SettingsError([_fault(context, layer.given, file)])
    return Loaded(config, context)


def _fault(problem: Problem, given: Mapping[str, Given], file: str) -> Fault:
    """At the entry, else at the key, else at the first key of its block."""
    if one := given.get(problem.path):
        place = one.place if problem.entry is None else one.entries.get(problem.entry, one.place)
        return Fault(place, problem.text, problem.path)
    block = problem.path.rpartition(".")[0]
    places = [one.place for path, one in given.items() if path.startswith(f"{block}.")]
    return Fault(min(places, default=Place(file)), problem.text, problem.path)

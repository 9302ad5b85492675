"""One YAML file, overridden by the environment, overridden by flags: merged, validated, and every fault with its place.

Layers are merged setting by setting: a list or a map of a higher layer replaces that of a lower one as a whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from exporter.documents.faults import Fault, Place
from exporter.settings.environment import read_environment, read_flags
from exporter.settings.faults import SettingsError
from exporter.settings.fields import SettingField, fields
from exporter.settings.given import Given, Layer
from exporter.settings.names import CONFIG_FILE, variable_of
from exporter.settings.validation import validate
from exporter.settings.yaml_file import read_file

M = TypeVar("M", bound=BaseModel)


def load(
    model: type[M],
    *,
    config_file: str | None,
    environment: Mapping[str, str],
    flags: Mapping[str, Sequence[str]],
    again: bool = False,
) -> M:
    """The settings that the layers give together; `flags` holds the raw texts of each flag by its path.

    `again` is for a reload: a file without any setting is then taken for one that is being written.

    Raises:
        SettingsError: with everything that is wrong, one line per fault.
    """
    known = fields(model)
    layers = [_file_layer(config_file, environment, flags, known, again)]
    layers += [read_environment(environment, known), read_flags(flags, known)]
    given: dict[str, Given] = {}
    for layer in layers:
        given |= layer.given
    faults = [fault for layer in layers for fault in layer.faults]
    faults += _read_secrets(given, known)
    faults += [fault for path, one in given.items() if (fault := _unwritable(path, one))]
    settings, invalid = validate(model, given, known, may_miss=bool(faults))
    faults += invalid
    if faults or settings is None:
        raise SettingsError(faults)
    return settings


def _file_layer(
    config_file: str | None,
    environment: Mapping[str, str],
    flags: Mapping[str, Sequence[str]],
    known: Sequence[SettingField],
    again: bool,
) -> Layer:
    if config_file is None and flags.get(CONFIG_FILE):
        config_file = flags[CONFIG_FILE][-1]
    if config_file is None:
        config_file = environment.get(variable_of(CONFIG_FILE)) or None
    if config_file is None:
        return Layer()
    try:
        layer = read_file(config_file, known)
    except SettingsError as error:
        return Layer(faults=list(error.faults))
    if again and not layer.given and not layer.faults:
        layer.faults.append(Fault(Place(config_file), "holds no setting: is it being written? A restart would take it"))
    return layer


def _unwritable(path: str, given: Given) -> Fault | None:
    """Half of a character in a list or a map: it cannot be sent, logged or shown, and pydantic checks single texts."""
    try:
        "".join(_texts(given.value)).encode()
    except UnicodeEncodeError:
        return Fault(given.place, "holds half of a character; write it in UTF-8", path)
    return None


def _texts(value: object) -> Iterator[str]:
    entries = value.items() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for entry in entries:
        yield from (str(text) for text in (entry if isinstance(entry, tuple) else (entry,)))


def _read_secrets(given: dict[str, Given], known: Sequence[SettingField]) -> list[Fault]:
    """Put the text of the file that a `-file` twin names in the place of its secret."""
    faults = []
    for field in known:
        twin = given.get(f"{field.path}-file") if field.is_secret else None
        if twin is None or not isinstance(twin.value, str):
            continue
        if field.path in given:
            other = given[field.path].place
            faults.append(Fault(twin.place, f"the secret is given at {other} too; remove one", f"{field.path}-file"))
            continue
        try:
            text = Path(twin.value).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            faults.append(Fault(twin.place, f"the file of the secret cannot be read: {reason}", f"{field.path}-file"))
        else:
            given[field.path] = Given(text.rstrip("\r\n"), twin.place)
    return faults

"""The lowest layer: one YAML file, its keys checked against the settings node by node."""

from collections.abc import Sequence

import yaml

from exporter.documents.faults import DocumentError, Fault, Place, named
from exporter.documents.nodes import entries, has_foreign_tag, is_empty, place_of
from exporter.documents.syntax import compose
from exporter.settings.faults import SettingsError
from exporter.settings.fields import SettingField, Shape
from exporter.settings.given import Given, Layer, Raw
from exporter.settings.names import CONFIG_FILE, flag_of, nearest_path, variable_of

_EXPECTED = {
    Shape.ONE: "one value is expected",
    Shape.LIST: "a list is expected; write [a, b]",
    Shape.MAP: "a map is expected; write `key: value` lines beneath",
}
_FOUND = {yaml.ScalarNode: "a text", yaml.SequenceNode: "a list", yaml.MappingNode: "a mapping"}
_SHAPES = {yaml.ScalarNode: Shape.ONE, yaml.SequenceNode: Shape.LIST, yaml.MappingNode: Shape.MAP}


def read_file(file: str, known: Sequence[SettingField]) -> Layer:
    """The settings that `file` gives.

    Raises:
        SettingsError: when the file cannot be read, or is no YAML.
    """
    walk = _Walk(file, known)
    try:
        root = compose(file)
    except DocumentError as error:
        raise SettingsError(error.faults) from None
    if root is not None:
        walk.block(root, "")
    return walk.layer


class _Walk:
    """Goes down from block to setting. The depth is that of the settings, so an alias of its own parent ends too."""

    def __init__(self, file: str, known: Sequence[SettingField]) -> None:
        self.layer = Layer()
        self._file = file
        self._settings = {field.path: field for field in known}
        self._blocks = {
            ".".join(parts[:end])
            for parts in (path.split(".") for path in self._settings)
            for end in range(1, len(parts))
        }

    def block(self, node: yaml.Node, path: str) -> None:
        if is_empty(node):
            return
        if not isinstance(node, yaml.MappingNode):
            hint = f"{_FOUND[type(node)]}, where a block of settings is expected; write `key: value` lines beneath"
            self._fault(node, path, hint if path else hint.removesuffix(" beneath"))
            return
        for key, value in self._entries(node, path):
            inner = f"{path}.{key.value}" if path else key.value
            if "." in key.value or inner not in self._blocks | self._settings.keys():
                self._unknown(key, path, inner)
            elif inner in self._blocks:
                self.block(value, inner)
            else:
                self._setting(value, self._settings[inner])

    def _entries(self, node: yaml.MappingNode, path: str) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        found, faults = entries(node, self._file, path)
        self.layer.faults += faults
        return found

    def _unknown(self, key: yaml.ScalarNode, block: str, path: str) -> None:
        known = [*self._settings, *sorted(self._blocks)]
        if path == CONFIG_FILE.partition(".")[0]:
            hint = f"a file does not name itself; {flag_of(CONFIG_FILE)} or {variable_of(CONFIG_FILE)} names it"
        elif path in known:
            nested = path.replace(".", ": {") + ": …" + "}" * path.count(".")
            hint = f"a dot is a level of nesting; write {nested}"
        elif near := nearest_path(path, known):
            hint = f"the nearest is {near}"
        else:
            here = sorted(last for start, _, last in (name.rpartition(".") for name in known) if start == block)
            hint = f"known here: {', '.join(here)}"
        self._fault(key, named(path), f"unknown setting; {hint}")

    def _setting(self, node: yaml.Node, field: SettingField) -> None:
        faults, entries_of = len(self.layer.faults), dict[int | str, yaml.Node]()
        value: Raw | list[Raw] | dict[str, Raw]
        if is_empty(node):
            value = None
        elif _SHAPES[type(node)] is not field.shape:
            self._fault(node, field.path, f"{_FOUND[type(node)]}, where {_EXPECTED[field.shape]}")
            return
        elif isinstance(node, yaml.MappingNode):
            entries_of = {key.value: entry for key, entry in self._entries(node, field.path)}
            value = {str(key): self._text(entry, field) for key, entry in entries_of.items()}
        elif isinstance(node, yaml.SequenceNode):
            entries_of = dict(enumerate(node.value))
            value = [self._text(entry, field) for entry in node.value]
        else:
            value = self._text(node, field)
        if len(self.layer.faults) == faults:
            places = {key: place_of(self._file, entry) for key, entry in entries_of.items()}
            self.layer.given[field.path] = Given(value, place_of(self._file, node), places)

    def _text(self, node: yaml.Node, field: SettingField) -> Raw:
        if not isinstance(node, yaml.ScalarNode):
            self._fault(node, field.path, f"{_FOUND[type(node)]}, where one value is expected")
        elif has_foreign_tag(node):
            self._fault(node, field.path, "a tag (`!name`) has no meaning here; remove it")
        elif not is_empty(node):
            return str(node.value)
        return None

    def _fault(self, node: yaml.Node, path: str, text: str) -> None:
        place: Place = place_of(self._file, node)
        self.layer.faults.append(Fault(place, text, path))

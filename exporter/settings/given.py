"""What one layer gives: raw texts with their places, and the faults met on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporter.documents.faults import Fault, Place, shown
from exporter.settings.fields import SettingField, Shape

Raw = str | None
"""A value is its text in every layer, so that the same text means the same in all of them."""


@dataclass(frozen=True, slots=True)
class Given:
    """The value of one setting as it was written; `entries` are the places of the entries of a list or a map."""

    value: Raw | list[Raw] | dict[str, Raw]
    place: Place
    entries: Mapping[int | str, Place] = field(default_factory=dict)


@dataclass(slots=True)
class Layer:
    """The settings that one layer gives, by path."""

    given: dict[str, Given] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def add_texts(self, setting: SettingField, texts: Sequence[str], place: Place) -> None:
        """Take `texts`, from a variable or from the repetitions of a flag, as the value of `setting`."""
        match setting.shape:
            case Shape.LIST:
                self.given[setting.path] = Given([entry for text in texts for entry in _entries(text)], place)
            case Shape.MAP:
                self._add_map(setting, [entry for text in texts for entry in _entries(text)], place)
            case Shape.ONE if len(texts) == 1:
                self.given[setting.path] = Given(texts[0], place)
            case Shape.ONE:
                self.faults.append(Fault(place, f"given {len(texts)} times; it takes one value, give it once"))

    def _add_map(self, setting: SettingField, entries: list[str], place: Place) -> None:
        pairs: dict[str, Raw] = {}
        faults = len(self.faults)
        for entry in entries:
            key, equals, value = (part.strip() for part in entry.partition("="))
            if not (key and equals):
                self.faults.append(Fault(place, f"{shown(entry)} is no entry of a map; write KEY=VALUE,KEY=VALUE"))
            elif key in pairs:
                self.faults.append(Fault(place, f"{shown(key)} is given twice; remove one"))
            else:
                pairs[key] = value
        if len(self.faults) == faults:
            self.given[setting.path] = Given(pairs, place)


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]

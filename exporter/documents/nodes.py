"""Reading one mapping of YAML: duplicate keys are faults, merge keys and aliases are followed, in circles too."""

import yaml

from exporter.documents.faults import Fault, Place, named

_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"
_OF_A_TEXT = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "value")}

Entry = tuple[yaml.ScalarNode, yaml.Node]


def place_of(file: str, node: yaml.Node) -> Place:
    """Where `node` begins, an alias at its anchor; lines and columns count from 1."""
    return Place(file, node.start_mark.line + 1, node.start_mark.column + 1)


def is_empty(node: yaml.Node) -> bool:
    """Whether nothing is written: no text at all, `~` or `null`."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _NULL


def has_foreign_tag(node: yaml.ScalarNode) -> bool:
    """Whether someone expects a tag such as `!env` to be acted upon; it is not."""
    return node.tag not in _OF_A_TEXT


def entries(node: yaml.MappingNode, file: str, path: str) -> tuple[list[Entry], list[Fault]]:
    """Keys and values of `node`, with those that `<<` brings in where `node` has no such key itself."""
    found: dict[str, Entry] = {}
    faults = []
    for key, value in node.value:
        if key.tag == _MERGE:
            continue
        if not isinstance(key, yaml.ScalarNode):
            faults.append(Fault(place_of(file, key), "a key must be a text, not a list or a mapping", path))
        elif key.value in found:
            name = named(f"{path}.{key.value}" if path else key.value)
            first = place_of(file, found[key.value][0])
            faults.append(Fault(place_of(file, key), f"given twice, first at {first}; remove one", name))
        else:
            found[key.value] = (key, value)
    faults += _merge(node, found, file, path)
    return list(found.values()), faults


def _merge(node: yaml.MappingNode, found: dict[str, Entry], file: str, path: str) -> list[Fault]:
    """Add to `found` what `<<` brings in, nearest first; each node once, so that circles and bombs end."""
    faults: list[Fault] = []
    waiting, seen = _merged(node), {id(node)}
    while waiting:
        source = waiting.pop(0)
        if id(source) in seen:
            continue
        seen.add(id(source))
        if isinstance(source, yaml.SequenceNode):
            waiting[:0] = source.value
        elif isinstance(source, yaml.MappingNode):
            for key, value in source.value:
                if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                    found.setdefault(key.value, (key, value))
            waiting[:0] = _merged(source)
        else:
            faults.append(Fault(place_of(file, source), "a text, where `<<` takes an alias of a mapping", path))
    return faults


def _merged(node: yaml.MappingNode) -> list[yaml.Node]:
    return [value for key, value in node.value if key.tag == _MERGE]

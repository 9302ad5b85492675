"""Values that came as JSON, as the nodes that readers of documents walk along; they stand in no line."""

import yaml

_NOWHERE = yaml.Mark("", 0, 0, 0, None, 0)
_TAG = "tag:yaml.org,2002:"


def node_of(value: object) -> yaml.Node:
    """The node of a value as `json.loads` gives it: mappings, lists, texts, numbers, true, false and null."""
    if isinstance(value, dict):
        entries = [(_scalar("str", str(key)), node_of(inner)) for key, inner in value.items()]
        return yaml.MappingNode(f"{_TAG}map", entries, _NOWHERE, _NOWHERE)
    if isinstance(value, list):
        return yaml.SequenceNode(f"{_TAG}seq", [node_of(inner) for inner in value], _NOWHERE, _NOWHERE)
    if value is None:
        return _scalar("null", "null")
    if isinstance(value, bool):
        return _scalar("bool", "true" if value else "false")
    if isinstance(value, int | float):
        return _scalar("int" if isinstance(value, int) else "float", str(value))
    return _scalar("str", str(value))


def _scalar(kind: str, text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode(f"{_TAG}{kind}", text, _NOWHERE, _NOWHERE)

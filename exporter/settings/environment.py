"""The two layers above the file: environment variables, and flags above them."""

from collections.abc import Mapping, Sequence

from exporter.documents.faults import Fault, Place, named
from exporter.settings.fields import SettingField
from exporter.settings.given import Layer
from exporter.settings.names import CONFIG_FILE, PREFIX, flag_of, nearest_path, path_of_variable, variable_of


def read_environment(environment: Mapping[str, str], known: Sequence[SettingField]) -> Layer:
    """The settings that variables give."""
    layer, by_variable = Layer(), {field.variable: field for field in known}
    for variable, text in environment.items():
        if field := by_variable.get(variable):
            layer.add_texts(field, [text], Place(variable))
        # Kubernetes injects names such as HUBBLE_EGRESS_EXPORTER_SERVICE_HOST: only `__` shows that a setting is meant.
        elif variable.startswith(PREFIX) and "__" in variable and variable != variable_of(CONFIG_FILE):
            near = nearest_path(path_of_variable(variable), [CONFIG_FILE, *(field.path for field in known)])
            hint = f"the nearest is {variable_of(near)}" if near else "remove it"
            layer.faults.append(Fault(Place(named(variable)), f"unknown variable; {hint}"))
    return layer


def read_flags(flags: Mapping[str, Sequence[str]], known: Sequence[SettingField]) -> Layer:
    """The settings that flags give; `flags` holds the raw texts by path."""
    layer, by_path = Layer(), {field.path: field for field in known}
    for path, texts in flags.items():
        place = Place(flag_of(named(path)))
        if path == CONFIG_FILE or not texts:
            continue
        if (field := by_path.get(path)) is None:
            near = nearest_path(path, [CONFIG_FILE, *by_path])
            hint = f"the nearest is {flag_of(near)}" if near else "remove it"
            layer.faults.append(Fault(place, f"unknown flag; {hint}"))
        elif field.is_secret:
            way_out = f"{field.flag}-file or {field.variable}"
            layer.faults.append(Fault(place, f"a secret is refused as a flag, `ps` would show it; use {way_out}"))
        else:
            layer.add_texts(field, texts, place)
    return layer

"""The exporter takes the file, the environment and the arguments that the chart gives it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.helm import CHART
from exporter.settings import Settings
from exporter.settings.layers import load
from tests.chart.matrix import allowed, merged
from tests.chart.rendering import config_of, objects, only, pod
from tests.programs import run

_ETC, _STATE = "/etc/hubble-egress-exporter", "/var/lib/hubble-egress-exporter"
_CI = sorted((CHART / "ci").glob("*-values.yaml"))


def settings_of(values: dict[str, Any], folder: Path) -> Settings:
    """What the exporter makes of an installation; its folders are below another one."""
    rendered = objects(values)
    text = config_of(rendered)
    for path in ("valkey", "webhook"):
        (folder / path).mkdir(exist_ok=True)
    (folder / "valkey" / "password").write_text("secret")
    (folder / "webhook" / "secret").write_text("secret")
    file = folder / "config.yaml"
    file.write_text(text.replace(_ETC, str(folder)))
    (container,) = pod(rendered)["containers"]
    environment = {
        one["name"]: one["value"].replace("$(HOST_IP)", "192.168.7.1")
        for one in container.get("env", ())
        if "value" in one
    }
    return load(Settings, config_file=str(file), environment=environment, flags={})


_ALLOWED = {name: values for name, values in allowed().items() if name.endswith("/auto")}


@pytest.mark.parametrize("name", _ALLOWED)
def test_the_file_is_valid_and_says_what_was_chosen(name: str, tmp_path: Path) -> None:
    """Mode, TLS and store as they were asked for."""
    mode, tls, store, _ = name.split("/")
    settings = settings_of(_ALLOWED[name], tmp_path)
    is_plain = tls == "plain" or (tls == "default" and mode != "node")
    relay = f"hubble-relay.kube-system.svc.cluster.local:{80 if is_plain else 443}"
    addresses = {"relay": relay, "node": "192.168.7.1:4244", "socket": "unix:///var/run/cilium/hubble.sock"}
    assert settings.hubble.address == addresses[mode]
    assert settings.hubble.tls.enabled is not is_plain
    assert bool(settings.hubble.tls.cert_file) is (not is_plain and tls != "server-only")
    assert settings.known.store == ("valkey" if store.startswith("valkey") else "sqlite")
    assert (settings.known.valkey.tls, settings.known.valkey.user) == (
        (True, "egress") if store == "valkey-tls" else (False, "")
    )


def test_the_name_in_the_agents_certificate_follows_from_the_cluster(tmp_path: Path) -> None:
    """Agents have `*.<cluster>.hubble-grpc.cilium.io`, Relay has `*.hubble-relay.cilium.io`."""
    tls = {"hubble": {"tls": {"mode": "hubble"}}}
    names = [
        settings_of(merged(values, tls), tmp_path).hubble.tls.server_name
        for values in ({}, {"mode": "node"}, {"mode": "node", "cluster": {"name": "east"}})
    ]
    assert names == [
        "ui.hubble-relay.cilium.io",
        "agent.default.hubble-grpc.cilium.io",
        "agent.east.hubble-grpc.cilium.io",
    ]


def test_settings_are_passed_on_as_they_are(tmp_path: Path) -> None:
    """Large numbers stay numbers, durations texts, and what is beside them stays."""
    config = {
        "metrics": {"series": 1_000_000},
        "known": {"expire": "30d", "learning": {"quiet": "12h"}},
        "detectors": {"dns": {"failure-share": 0.25}},
        "destinations": {"cidr-names": {"203.0.113.0/24": "payments"}},
        "log": {"level": "debug"},
    }
    settings = settings_of({"config": config}, tmp_path)
    assert settings.metrics.series == 1_000_000
    assert (settings.known.expire, settings.known.learning.quiet) == (30 * 86_400, 12 * 3_600)
    assert settings.known.file == f"{_STATE}/known.db"
    assert settings.detectors.dns.failure_share == 0.25
    assert settings.log.level == "debug"


def test_every_file_that_the_exporter_reads_is_mounted() -> None:
    """Paths in its file lie below a mount, and each key of a secret has the name that is read."""
    rendered = objects(
        merged(
            allowed()["node/secret/valkey-tls/cilium"],
            {
                "webhook": {"url": "http://hook/", "secretName": "hook", "secretKey": "hmac", "caSecretName": "ca"},
                "networkPolicy": {"webhook": {"podLabels": {"app": "hook"}}},
                "expectations": {"files": {"a.yaml": "allow: []"}, "configMaps": ["policies"]},
            },
        )
    )
    spec = pod(rendered)
    mounts = {one["mountPath"]: one["name"] for one in spec["containers"][0]["volumeMounts"]}
    volumes = {one["name"]: one for one in spec["volumes"]}
    files = set()
    for path, name in mounts.items():
        for source in volumes[name].get("projected", {}).get("sources", ()):
            files |= {f"{path}/{item['path']}" for one in source.values() for item in one["items"]}
    read = [path for path in _texts(yaml.safe_load(config_of(rendered))) if path.startswith(_ETC)]
    folders = [path for path in read if "/expectations/" in path]
    assert set(read) - set(folders) == files
    assert set(folders) <= mounts.keys()


def _texts(value: object) -> list[str]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, str) else [text for one in inside for text in _texts(one)]


@pytest.mark.parametrize("values", _CI, ids=[path.stem for path in _CI])
def test_check_config_takes_the_examples(values: Path, tmp_path: Path) -> None:
    """The command itself, on the file of each example; the allowlist in it is read too."""
    loaded = yaml.safe_load(values.read_text(encoding="utf-8"))
    settings_of(loaded, tmp_path)
    rendered = objects(loaded)
    if loaded.get("expectations", {}).get("files"):
        folder = tmp_path / "expectations" / "files"
        folder.mkdir(parents=True)
        for name, text in only(rendered, "ConfigMap", "hubble-egress-exporter-expectations")["data"].items():
            (folder / name).write_text(text)
    ended = run("check-config", "--config.file", str(tmp_path / "config.yaml"))
    assert (ended.returncode, ended.stderr) == (0, "")


def test_check_config_finds_a_setting_that_does_not_exist(tmp_path: Path) -> None:
    """The chart passes it on, and the exporter names it."""
    (tmp_path / "config.yaml").write_text(config_of(objects({"config": {"metrics": {"seris": 5}}})))
    ended = run("check-config", "--config.file", str(tmp_path / "config.yaml"))
    assert ended.returncode == 2
    assert "metrics.series" in ended.stderr


def test_changed_settings_replace_the_pods_and_changed_allowlists_do_not() -> None:
    """Settings are read at the start; files of expectations are read again when they change."""

    def checksum(values: dict[str, Any]) -> object:
        (deployment,) = (one for one in objects(values) if one["kind"] == "Deployment")
        return deployment["spec"]["template"]["metadata"]["annotations"]["checksum/config"]

    plain = {"expectations": {"files": {"a.yaml": "allow: []"}}}
    assert checksum(plain) == checksum({"expectations": {"files": {"a.yaml": "allow: [ ]"}}})
    assert checksum(plain) != checksum(merged(plain, {"config": {"log": {"level": "debug"}}}))

"""Secrets: never from a flag, never in a message. Tested with stand-ins, as there is no secret setting yet."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from exporter.settings.fields import effective, fields

NAME = "cluster: c\n"
TOKEN = "HUBBLE_EGRESS_WEBHOOK__TOKEN"  # noqa: S105 - the name of a variable
FILE = "HUBBLE_EGRESS_WEBHOOK__TOKEN_FILE"


def test_secret_as_flag(message_of: Callable[..., str], cluster: type[BaseModel]) -> None:
    """A secret is refused as a flag, and the message says which ways are open."""
    assert message_of(NAME, None, {"webhook.token": ["hunter2"]}, cluster) == (
        "--webhook.token: a secret is refused as a flag, `ps` would show it; "
        "use --webhook.token-file or HUBBLE_EGRESS_WEBHOOK__TOKEN"
    )


def test_secret_of_file(load_from: Callable[..., Any], cluster: type[BaseModel], tmp_path: Path) -> None:
    """The twin that ends in `-file` names the file of the secret, whose last line break is not part of it."""
    (tmp_path / "token").write_text("hunter2\n")
    settings = load_from(f"{NAME}webhook: {{url: u}}", None, {"webhook.token-file": [str(tmp_path / "token")]}, cluster)
    assert settings.webhook.token.get_secret_value() == "hunter2"
    assert effective(settings)["webhook.token"] == "'**********'"
    assert "hunter2" not in str(effective(settings))


def test_bad_secret_file(message_of: Callable[..., str], cluster: type[BaseModel], tmp_path: Path) -> None:
    """A file of a secret that cannot be read, or is there beside the secret itself, is an error."""
    assert message_of(NAME, {FILE: str(tmp_path / "none")}, None, cluster) == (
        f"{FILE}: the file of the secret cannot be read: No such file or directory"
    )
    (tmp_path / "token").write_bytes(b"hunter2\xff")
    assert message_of(NAME, {FILE: str(tmp_path / "token")}, None, cluster) == (
        f"{FILE}: the file of the secret cannot be read: it is no UTF-8 text"
    )
    assert message_of(NAME + "webhook: {token: hunter2, url: u}", {FILE: "token"}, None, cluster) == (
        f"{FILE}: the secret is given at config.yaml:2:18 too; remove one"
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "webhook: {token: abc}",
            "config.yaml:2:18: webhook.token: ********** is too short; the least length is 4",
        ),
        ("webhook: {token: hunter 2}", "config.yaml:2:18: webhook.token: the value is not accepted"),
        ("webhook: {token: hunter2}", "config.yaml:2:18: webhook: the value is not accepted"),
        ("webhook: {token: [hunter2]}", "config.yaml:2:18: webhook.token: a list, where one value is expected"),
        (
            "webhook: {token: !hunter2 a}",
            "config.yaml:2:18: webhook.token: a tag (`!name`) has no meaning here; remove it",
        ),
        ("webhook: {token: *hunter2}", "config.yaml:2:18: found undefined alias; correct the YAML here or just above"),
    ],
)
def test_secret_in_message(message_of: Callable[..., str], cluster: type[BaseModel], text: str, fault: str) -> None:
    """No message holds a secret, not even where a check or the YAML parser would put it there."""
    assert message_of(NAME + text, model=cluster) == fault


def test_missing(message_of: Callable[..., str], cluster: type[BaseModel]) -> None:
    """A setting without a default that nobody gives is named with all ways to give it."""
    assert message_of(model=cluster) == (
        "cluster: missing; set it in the file, with --cluster or with HUBBLE_EGRESS_CLUSTER"
    )


def test_other_kinds(load_from: Callable[..., Any], message_of: Callable[..., str], cluster: type[BaseModel]) -> None:
    """Settings outside blocks, optional ones and yes-or-no ones work as all others."""
    settings = load_from("cluster: c\nwebhook: {retry: off, url: ~, pause: 1m}", model=cluster)
    assert (settings.cluster, settings.webhook.retry, settings.webhook.url, settings.webhook.pause) == (
        "c",
        False,
        None,
        60,
    )
    assert message_of("webhook: {retry: maybe, pause: 61s}", {"HUBBLE_EGRESS_CLUSTER": "c"}, None, cluster) == (
        "config.yaml:1:18: webhook.retry: 'maybe' is neither true nor false\n"
        "config.yaml:1:32: webhook.pause: '61s' is too large; the most is 1m"
    )


def test_secret_without_twin() -> None:
    """A secret without a twin that ends in `-file` is a fault of the program."""

    class Alone(BaseModel):
        token: SecretStr

    with pytest.raises(TypeError, match="token: a secret is one text and has a twin token-file"):
        fields(Alone)

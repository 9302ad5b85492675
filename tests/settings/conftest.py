"""How the tests of the settings load them, and the stand-ins for settings that do not exist yet."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from exporter.duration import Duration
from exporter.settings import Settings
from exporter.settings.faults import SettingsError
from exporter.settings.layers import load

Load = Callable[..., Any]


class Webhook(BaseModel):
    """A block with a secret and with checks whose author did not think of secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr | None = Field(default=None, min_length=4, description="Token of the receiver.")
    token_file: str | None = Field(default=None, description="File of the token.")
    url: str | None = Field(default=None, description="Where to post.")
    retry: bool = Field(default=True, description="Whether to try again.")
    pause: Duration | None = Field(default=None, gt=0, le=60, description="Rest between attempts.")

    @field_validator("token")
    @classmethod
    def _no_spaces(cls, token: SecretStr | None) -> SecretStr | None:
        if token and " " in token.get_secret_value():
            raise ValueError(f"{token.get_secret_value()} has a space in it")
        return token

    @model_validator(mode="after")
    def _token_needs_url(self) -> "Webhook":
        if self.token and not self.url:
            raise ValueError(f"{self.token.get_secret_value()} is for no url; set webhook.url")
        return self


class Cluster(BaseModel):
    """A model with settings of kinds that `Settings` has none of yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cluster: str = Field(description="Name of the cluster.")
    webhook: Webhook = Field(default=Webhook(), description="Where findings go.")


@pytest.fixture
def load_from(tmp_path: Path) -> Load:
    """Load settings from the text of a file, an environment and flags, each of them optional."""

    def load_them(
        text: str | bytes | None = None,
        environment: Mapping[str, str] | None = None,
        flags: Mapping[str, list[str]] | None = None,
        model: type[BaseModel] = Settings,
    ) -> BaseModel:
        file = tmp_path / "config.yaml"
        if text is not None:
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        config_file = None if text is None else str(file)
        return load(model, config_file=config_file, environment=environment or {}, flags=flags or {})

    return load_them


@pytest.fixture
def message_of(load_from: Load, tmp_path: Path) -> Callable[..., str]:
    """The message with which the same fails; the file is called config.yaml in it."""

    def fail(*args: Any, **kwargs: Any) -> str:  # noqa: ANN401 - passed on
        with pytest.raises(SettingsError) as raised:
            load_from(*args, **kwargs)
        return str(raised.value).replace(f"{tmp_path}/", "")

    return fail


@pytest.fixture
def cluster() -> type[Cluster]:
    """The stand-in model."""
    return Cluster

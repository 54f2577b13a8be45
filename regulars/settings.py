"""One shop's settings, frozen: from the command line, the environment and `<home>/settings.toml`."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from ledger.errors import InputError
from ledger.home import Home

LimitName = Annotated[str, Field(pattern=r"^[AC]_[0-3]$")]
Days = Annotated[int, Field(ge=1, le=3650)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]
AttributeName = Annotated[str, Field(pattern=r"^\w[\w \-]{0,59}$")]


class Settings(BaseSettings):
    """What a shop may set.

    A name below is a key of `settings.toml`; with `REGULARS_` before it in capitals, an environment variable.

    Parameters
    ----------
    home : Path
        The shop's directory. Only from the command line or the environment, as it says where the file is.
    horizon_days : int, days
        How far ahead the trained probability looks.
    seed : int
        Start of every random choice in training: the same data and seed give the same release.
    mlflow_tracking_uri : str or None
        Where runs are recorded; None keeps them in the home. `MLFLOW_TRACKING_URI` is understood too.
    memory_limit_mb : int or None, MB
        How much memory reading the ledger for training and scoring may take; what does not fit is written to the home
        for a while. None is half of the machine's.
    reminder_lead_days : int, days
        How long before it is due a refill counts as due soon: what delivery takes.
    lifecycle_limits : dict of str to int, days
        Days of the lifecycle grid that the owner sets in place of the store's own: `A_k`, until which customers with k
        orders (3: or more) count as active, and `C_k`, after which they count as lost. Taken up by the next training.
    acquisition_costs : dict of str to float, currency
        What a new customer costs, by channel of the first order; `all` stands for those that are not named. Told on the
        Cohorts page from the next scoring on.
    sensitive_attributes : list of str
        Attributes of customers that segments may ask for though their names look sensitive, such as religion or income;
        any other is refused. Releases say which; taken up by the next training.
    host : str
        Address that `serve` listens on. Elsewhere than on loopback it refuses to start without API keys.
    port : int
        Port that `serve` listens on.
    workers : int
        Processes that answer. Each takes its own memory; more than processors gain nothing.
    webhook_url : str or None
        Receiver of `export segment --to webhook` when `--url` does not say another.
    webhook_secret : SecretStr or None
        What posts to it are signed with; better in the environment than in a file. See `serving.export.signature`.
    shopify_secret : SecretStr or None
        What Shopify signs its webhooks with, which `serve` then takes; better in the environment too.
    """

    model_config = SettingsConfigDict(
        env_prefix="REGULARS_", frozen=True, extra="forbid", populate_by_name=True, env_ignore_empty=True
    )

    home: Path = Path("regulars-home")
    horizon_days: int = Field(default=90, ge=7, le=365)
    seed: int = Field(default=20240229, ge=0, lt=2**31)
    mlflow_tracking_uri: str | None = Field(
        default=None, validation_alias=AliasChoices("REGULARS_MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_URI")
    )
    memory_limit_mb: int | None = Field(default=None, ge=100)
    reminder_lead_days: int = Field(default=5, ge=0, le=60)
    lifecycle_limits: dict[LimitName, Days] = Field(default_factory=dict)
    acquisition_costs: dict[str, Cost] = Field(default_factory=dict)
    sensitive_attributes: tuple[AttributeName, ...] = ()
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=64)

    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None
    shopify_secret: SecretStr | None = None

    @field_validator("lifecycle_limits")
    @classmethod
    def _in_order(cls, limits: dict[str, int]) -> dict[str, int]:
        for count in range(4):
            active, lost = limits.get(f"A_{count}"), limits.get(f"C_{count}")
            if active is not None and lost is not None and active >= lost:
                raise ValueError(f"A_{count} must be less than C_{count}")
        return limits


def load(**given: object) -> Settings:
    """
    Return the settings in force.

    Parameters
    ----------
    **given
        What the command line said, by setting; None means not said.

    Returns
    -------
    Settings

    Raises
    ------
    InputError
        For a file that is not TOML, an unknown key or a value out of range; names each.
    """
    said = {name: value for name, value in given.items() if value is not None}
    home = _valid(_from(said, {})).home
    return _valid(_from(said, _read(Home(home).settings)))


def _from(said: dict[str, Any], in_file: dict[str, Any]) -> type[Settings]:
    """Return the settings class that reads these two beside the environment."""

    class Sourced(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            command_line, file = (
                InitSettingsSource(settings_cls, said),
                InitSettingsSource(settings_cls, in_file),
            )
            return command_line, env_settings, file

    return Sourced


def _valid(settings: type[Settings]) -> Settings:
    try:
        return settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]).removeprefix("REGULARS_").lower()
        known = ", ".join(Settings.model_fields)
        if first["type"] == "extra_forbidden":
            raise InputError(f"settings.toml: unknown setting '{name}'; settings are {known}") from error
        secret = name.startswith(("webhook", "shopify"))
        got = "something else" if secret else repr(first["input"])
        raise InputError(f"setting '{name}': {first['msg']}, got {got}") from error


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    if "home" in values:
        raise InputError(f"{path} cannot set 'home': it lies in the home. Use --home or REGULARS_HOME")
    return values

"""The schema of ``experiment.toml``; described in docs/reference/experiment-toml.md."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from workbench.sources.timing import N_CODES

Number = Annotated[float, Field(allow_inf_nan=False)]
Limit = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Range = Annotated[list[float], Field(min_length=2, max_length=2)]
Codes = Annotated[list[int], Field(min_length=1)]
LARGEST_CODE = N_CODES - 1


class Strict(BaseModel):
    """A table in which every key is known and no text passes for a number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ChannelTable(Strict):
    """A friendly name with a unit: ``{ field = "...", scale = 2.0, unit = "ps" }``."""

    field: str
    scale: Number = 1.0
    offset: Number = 0.0
    unit: str = ""
    long_name: str = ""


class StatusTable(Strict):
    """``[status]``."""

    xray: Codes | str | None = None
    laser: Codes | str | None = None
    destination: Annotated[int, Field(ge=0, le=15)] | None = None


class DelayTable(Strict):
    """``[delay]``."""

    source: str = ""
    unit: str = ""
    scale: Number | None = None
    kind: Literal["time", "stage"] | None = None
    time_tool: Literal["", "compensated", "uncompensated", "none"] = ""
    sign: Literal[1, -1] | None = None
    t0: Number | None = None


class TimeToolTable(Strict):
    """``[time_tool]``."""

    polynomial: Annotated[list[Number], Field(min_length=2)] | None = None
    unit: str = "ps"
    position: str = ""


class AcknowledgedTable(Strict):
    """``[[acknowledged]]``."""

    code: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    field: str = ""


class Section(Strict):
    """What can stand at the top for every run, and under ``[[runs]]`` for some."""

    channels: dict[str, str | ChannelTable] = Field(default_factory=dict)
    roles: dict[str, str | list[str]] = Field(default_factory=dict)
    good: dict[str, Range] = Field(default_factory=dict)
    saturation: dict[str, Limit] = Field(default_factory=dict)
    status: StatusTable | None = None
    delay: DelayTable | None = None
    time_tool: TimeToolTable | None = None
    acknowledged: list[AcknowledgedTable] = Field(default_factory=list)


class RunsTable(Section):
    """``[[runs]]``: a range of runs, both ends included."""

    first: Annotated[int, Field(ge=0)]
    last: Annotated[int, Field(ge=0)] | None = None


class FileTable(Section):
    """The whole file."""

    version: Literal[1]
    experiment: str = ""
    archiver: str = ""
    runs: list[RunsTable] = Field(default_factory=list)

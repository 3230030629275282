"""A raw run and the user's config to one small-data file; bad entries are skipped and named."""

from workbench.producer.assemble import ConfigRefusedError
from workbench.producer.config import ProducerConfig
from workbench.producer.entries import PvEntry, ReductionEntry, Skipped, SumEntry
from workbench.producer.produce import OutputExistsError, produce
from workbench.producer.request import (
    LiveReport,
    LiveState,
    ProduceRequest,
    ProduceResult,
    Progress,
)
from workbench.producer.workspace import AlreadyProducingError, CannotResumeError

__all__ = [
    "AlreadyProducingError",
    "CannotResumeError",
    "ConfigRefusedError",
    "LiveReport",
    "LiveState",
    "OutputExistsError",
    "ProduceRequest",
    "ProduceResult",
    "ProducerConfig",
    "Progress",
    "PvEntry",
    "ReductionEntry",
    "Skipped",
    "SumEntry",
    "produce",
]

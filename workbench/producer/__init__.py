"""A raw run and the user's config to one small-data file; bad entries are skipped and named."""

from workbench.producer.config import ProducerConfig
from workbench.producer.entries import PvEntry, RoiEntry, Skipped, SumEntry

__all__ = ["ProducerConfig", "PvEntry", "RoiEntry", "Skipped", "SumEntry"]

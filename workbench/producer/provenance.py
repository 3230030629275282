"""How a file was made: everything that two productions of one run could differ in."""

import platform
import socket
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

import workbench
from workbench.core.findings import Finding
from workbench.producer.area_detector import AreaDetector
from workbench.producer.config import ProducerConfig
from workbench.producer.entries import Skipped
from workbench.producer.plan import Plan
from workbench.producer.request import ProduceRequest

DEFINITIONS = (
    "as smalldata_tools: bad pixels count as 0 in sum, mean and max of a region; the mean divides "
    "by all pixels of the region; stored areas keep what bad pixels read"
)


def provenance(
    request: ProduceRequest,
    config: ProducerConfig,
    plan: Plan,
    *,
    started: datetime,
    findings: Iterable[Finding],
    skipped: Iterable[Skipped],
    constants: Mapping[str, str],
) -> dict[str, object]:
    """Return the record that goes into the file; `constants`: hash of those of each detector."""
    return {
        "config": config.text,
        "config_path": str(config.path or ""),
        "config_sha256": config.hash if config.path else "",
        "command": request.command,
        "host": socket.gethostname(),
        "workers": str(request.crew),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "source": request.source,
        "archiver": request.asked,
        "inputs": [file_facts(path) for path in sorted(plan.raw.files)],
        "constants": file_facts(request.constants) if request.constants else {},
        "calibration": {
            area.name: {**_calibration(area), "sha256": constants.get(area.name, "")}
            for area in plan.areas
        },
        "runs": {"requested": request.run, "in_file": plan.raw.number},
        "naming": request.naming,
        "experiment_in_file": plan.raw.experiment,
        "definitions": DEFINITIONS,
        "findings": [finding.as_dict() for finding in findings],
        "skipped": [entry.as_dict() for entry in skipped],
    }


def _calibration(area: AreaDetector) -> dict[str, str]:
    return {"unit": area.calibration.unit, "constants": area.origin}


@cache
def versions() -> dict[str, str]:
    """Return the versions of what computes."""
    return {
        "workbench": workbench.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "numba", "h5py")},
    }


def file_facts(path: Path) -> dict[str, object]:
    """Return what tells one version of a file from another."""
    facts = path.stat()
    modified = datetime.fromtimestamp(facts.st_mtime, UTC).isoformat(timespec="seconds")
    return {"path": str(path.absolute()), "bytes": facts.st_size, "modified": modified}

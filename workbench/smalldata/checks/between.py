"""Checks between files of one experiment: settings or fields that changed on the way."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding, Severity
from workbench.smalldata.checks.columns import leading_fields
from workbench.smalldata.layout import ONCE_GROUPS
from workbench.smalldata.reader import SmallDataFile
from workbench.smalldata.settings_keys import GROUP, split_key

KINDS = {  # parameter -> what it decides; others are scratch arrays or follow from these
    **dict.fromkeys(("ROI", "bound"), "region"),
    **dict.fromkeys(("mask", "cmask", "mask_img", "mask_ones", "userMask"), "mask"),
    **dict.fromkeys(("q", "qbins", "phiVec", "qbin", "phiBins", "npts", "int_units"), "axis"),
    **dict.fromkeys(
        ("x", "y", "z", "ix", "iy", "pixelsize", "poni_file", "azcfg_dist"), "geometry"
    ),
    **dict.fromkeys(("xcen", "ycen", "dis_to_sam", "eBeam", "tx", "ty"), "geometry"),
    **dict.fromkeys(("thresADU", "thresRms", "threshold", "thresholdLow", "useRms"), "threshold"),
    **dict.fromkeys(("ADU_per_photon", "aduspphot", "thr_fraction"), "threshold"),
    **dict.fromkeys(("ped", "rms", "gain", "statusMask"), "calibration"),
}
DECISIVE = ("i0", "delay", "jitter", "energy")  # roles that results are normalised or sorted by
HARMLESS = ("calibration",)  # a new dark run between runs is good practice
CHANGING = ("scan", *ONCE_GROUPS)  # another motor is scanned in every run


@dataclass(frozen=True)
class Facts:
    """What is compared of one file.

    Parameters
    ----------
    experiment, run
        Where it belongs.
    label
        How messages name it.
    fields
        Names of the datasets with data of events.
    leading
        For each role the dataset that a run would take.
    settings
        For each setting that decides a result: its kind and a hash of its value.
    config
        Hash of the producer config; empty where the file does not hold it.
    """

    experiment: str
    run: int | None
    label: str
    fields: frozenset[str]
    leading: Mapping[str, str]
    settings: Mapping[str, tuple[str, str]]
    config: str


def gather(file: SmallDataFile) -> Facts:
    """Collect what is compared of one file."""
    fields = (n for n in file.names if "/" in n and n.split("/")[0] not in CHANGING)
    config = file.provenance.get("config", "")
    return Facts(
        experiment=file.experiment,
        run=file.run,
        label=f"run {file.run}" if file.run is not None else file.path.name,
        fields=frozenset(fields),
        leading=leading_fields(file),
        settings={name: (kind, _hash(file, name)) for name, kind in _settings(file)},
        config=sha256(str(config).encode()).hexdigest() if config else "",
    )


def compare(files: Sequence[Facts]) -> Iterator[Finding]:
    """Compare every file with the first."""
    yield from _compare_settings(files)
    yield from _compare_fields(files)


def _settings(file: SmallDataFile) -> Iterator[tuple[str, str]]:
    for name in file.names:
        if not name.startswith(f"{GROUP}/") or name.count("/") < 2:
            continue
        key = name.split("/", 2)[2]
        parameter = split_key(key)[1]
        kind = KINDS.get(parameter) or KINDS.get(parameter.rpartition("_")[2])
        if kind:
            yield name, kind


def _hash(file: SmallDataFile, name: str) -> str:
    try:
        value = file.read(name)
    except WorkbenchError as error:
        return f"not readable: {error}"
    plain = value.astype(str) if value.dtype.kind in "OSU" else np.ascontiguousarray(value)
    return f"{plain.shape} {sha256(plain.tobytes()).hexdigest()}"


def _compare_settings(files: Sequence[Facts]) -> Iterator[Finding]:
    first = files[0]
    changed: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(dict)
    for name, (kind, value) in first.settings.items():
        others = [f.label for f in files[1:] if f.settings.get(name, (kind, value))[1] != value]
        if others:
            changed[name.split("/")[1], kind][name] = others
    for (detector, kind), names in changed.items():
        labels = sorted({label for others in names.values() for label in others})
        yield Finding(
            "settings-differ",
            Severity.INFO if kind in HARMLESS else Severity.WARNING,
            f"another {kind} in {_list(labels)} than in {first.label} "
            f"({_list([name.split('/', 2)[2] for name in names])}): values of {detector} cannot be "
            "compared between them; produce these runs again with one config",
            detector,
            len(labels),
        )
    configs = [f.label for f in files[1:] if first.config and f.config and f.config != first.config]
    if configs:
        text = f"another producer config in {_list(configs)} than in {first.label}"
        yield Finding("settings-differ", Severity.INFO, text, "provenance/config", len(configs))


def _compare_fields(files: Sequence[Facts]) -> Iterator[Finding]:
    first = files[0]
    for role in (role for role in DECISIVE if role in first.leading):
        name = first.leading[role]
        others = [f for f in files[1:] if f.leading.get(role, name) != name]
        if others:
            taken = sorted({f.leading[role] for f in others})
            yield Finding(
                "fields-differ",
                Severity.WARNING,
                f"serves as {role} in {first.label}, but {_list(taken)} in "
                f"{_list([f.label for f in others])}: {role} is another quantity there; name one "
                "that all runs have in experiment.toml",
                name,
                len(others),
            )
    groups: dict[str, set[str]] = defaultdict(set)
    for other in files[1:]:
        for name in first.fields ^ other.fields:
            groups[name.split("/")[0]].add(name)
    if groups:
        count = sum(len(names) for names in groups.values())
        yield Finding(
            "fields-differ",
            Severity.INFO,
            f"{count} fields are not in all of the files (of {_list(sorted(groups))}): what uses "
            "them fails for some runs; workbench info A --against B lists them",
            count=count,
        )


def _list(names: Sequence[str]) -> str:
    few = ", ".join(names[:3])
    return f"{few} and {len(names) - 3} more" if len(names) > 3 else few

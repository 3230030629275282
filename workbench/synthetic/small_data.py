"""Writes a made-up run as a small-data file, without frames: fast enough for hundreds of runs.

Scalars are those of the raw run with the same values, number by number. Sums over regions follow
the same law as the frames' (Poisson photons, pixel noise), drawn anew.
"""

from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from workbench.core.arrays import Array
from workbench.core.atomic import make_folder, write_text
from workbench.core.errors import InputError
from workbench.facility import FieldFact, epics_fact, hutch
from workbench.smalldata import DatasetSpec, OnceValue, create_part, merge_parts
from workbench.smalldata.facility_style import write_lcls1, write_lcls2
from workbench.synthetic.dialect import columns, record_names
from workbench.synthetic.pump_probe import PumpProbe, Scan
from workbench.synthetic.scenes import Planted, Scene
from workbench.synthetic.shots import Shots, blocks
from workbench.synthetic.station import Station, station
from workbench.synthetic.truth import Counts, truth_text
from workbench.synthetic.user_detectors import UserDetectors

GENERATION = "lcls2"


class Style(StrEnum):
    """Whose writer a made-up file looks like: ours, or the facility's."""

    OURS = "ours"
    FACILITY = "facility"


def small_data_name(spec: PumpProbe) -> str:
    """Return the file name of the run's small data."""
    return f"{spec.experiment}_Run{spec.run:04d}.h5"


def write_small_data(
    spec: PumpProbe,
    path: Path,
    *,
    generation: str = GENERATION,
    style: Style | str = Style.OURS,
    scene: Scene | None = None,
) -> Path:
    """Write one run as small data, with its truth beside it; return the file.

    Parameters
    ----------
    spec
        The run; the begin of its experiment's name is the hutch: xpp, xcs or mec.
    path
        The file to write, or a folder, in which the file gets the facility's name.
    generation
        "lcls1" or "lcls2": the names, units and identity of events of that DAQ.
    style
        "ours": as the producer of this project writes. "facility": as the facility's writers do,
        without units and provenance, with the layout of PyTables (LCLS-I) or as a virtual
        file over parts, rows unsorted and gaps at the begin filled with 0 (LCLS-II). LCLS-II
        files of XPP then have no ``lightStatus``.
    scene
        Another measurement than the pump-probe one, from `workbench.synthetic.scenes`.

    Raises `InputError` for an unknown hutch, generation or style, and for a fast scan in a hutch
    without a fast delay stage.
    """
    place = station(spec.experiment, generation)
    style = _style(style)
    if spec.scan is Scan.FAST and not place.stage:
        raise InputError(
            f"{spec.experiment}: {place.hutch} has no fast delay stage; use scan='step'"
        )
    path = Path(path)
    target = path if path.suffix in {".h5", ".hdf5"} else path / small_data_name(spec)
    make_folder(target.parent)
    write = _write_ours if style is Style.OURS else _write_facility
    scene = scene or Scene()
    counts = write(spec, place, target, scene)
    planted = _counted(spec, place, counts) | scene.quantities(spec, place)
    truth = truth_text(spec, counts, place, planted)
    write_text(target.with_name(f"{target.stem}.truth.json"), truth)
    return target


def _counted(spec: PumpProbe, place: Station, counts: Counts) -> dict[str, Planted]:
    """Return as quantities what an analysis counts: classes of events, detectors in them."""
    kinds = {"all": "events", "on": "on", "off": "off", "dark": "dark"}
    found: dict[str, Planted] = {
        f"events_{name}": (counts.totals[kind], "1", f"events of the class {name}")
        for name, kind in kinds.items()
    }
    for name, states in _failures(spec, place, counts).items():
        found[f"present_{name}"] = (states["present"], "1", f"events with {name}")
    return found


def _style(style: Style | str) -> Style:
    try:
        return Style(style)
    except ValueError:
        raise InputError(
            f"style is {style!r}; use {' or '.join(map(repr, map(str, Style)))}"
        ) from None


def _write_ours(spec: PumpProbe, place: Station, target: Path, scene: Scene) -> Counts:
    counts, user = Counts(), UserDetectors(spec, place)

    def block(shots: Shots) -> dict[str, Array]:
        found = columns(spec, place, shots) | user.columns(shots)
        return scene.change(found, spec, place, shots)

    with TemporaryDirectory(prefix=".parts-", dir=target.parent) as scratch:
        part_file = Path(scratch) / "part.h5"
        first = next(blocks(spec))
        specs = _specs(place, block(first), user, scene)
        with create_part(part_file, specs) as part:
            for shots in blocks(spec):
                counts.add(shots)
                part.append(block(shots))
        merge_parts(
            [part_file],
            target,
            specs=specs,
            once=_once(spec, place, user.once(counts), scene),
            provenance={
                "made_by": "workbench.synthetic",
                "spec": asdict(spec),
                "scene": asdict(scene),
            },
            attributes={
                "experiment": spec.experiment,
                "run": spec.run,
                "generation": place.generation,
            },
            failures=_failures(spec, place, counts),
        )
    return counts


def _write_facility(spec: PumpProbe, place: Station, target: Path, scene: Scene) -> Counts:
    """Write with all columns in memory: about 7 kB an event."""
    counts, user = Counts(), UserDetectors(spec, place)
    found: list[Mapping[str, Array]] = []
    for shots in blocks(spec):
        counts.add(shots)
        drawn = columns(spec, place, shots) | user.columns(shots)
        found.append(scene.change(drawn, spec, place, shots))
    names = [name for name in found[0] if place.facility_status or "lightStatus" not in name]
    whole = {name: np.concatenate([part[name] for part in found]) for name in names}
    write = write_lcls1 if place.generation == "lcls1" else write_lcls2
    once = _once(spec, place, user.once(counts), scene)
    write(target, whole, {name: item.value for name, item in once.items()})
    return counts


def _once(
    spec: PumpProbe, place: Station, found: Mapping[str, OnceValue], scene: Scene
) -> dict[str, OnceValue]:
    kept = {name: value for name, value in found.items() if scene.keeps(name)}
    return kept | scene.once(spec, place)


def _specs(
    place: Station, found: Mapping[str, Array], user: UserDetectors, scene: Scene
) -> list[DatasetSpec]:
    return [
        _dataset(name, values, scene.fact(place, name) or _fact(place, name, user))
        for name, values in found.items()
    ]


def _dataset(name: str, values: Array, fact: FieldFact) -> DatasetSpec:
    group, _, leaf = name.rpartition("/")
    if values.dtype == object:
        kind = str(np.concatenate(list(values)).dtype)
        return DatasetSpec(name, kind, (), fact.unit or "1", fact.long_name or leaf, ragged=True)
    shape = values.shape[1:]
    dims = fact.dims if len(fact.dims) == len(shape) else ()
    unit = fact.unit if group == "epics" else fact.unit or "1"  # slow values: unknown stays unknown
    meaning = fact.long_name or leaf
    packed = name == "timing/eventcodes"
    return DatasetSpec(name, str(values.dtype), shape, unit, meaning, dims, compress=packed)


def _fact(place: Station, name: str, user: UserDetectors) -> FieldFact:
    group, _, leaf = name.rpartition("/")
    if name == "timestamp":
        return FieldFact(
            name, "1", "seconds since 1990-01-01 UTC in the high 32 bits, ns in the low"
        )
    if group == "epics":
        return epics_fact(leaf)
    if group == "damage":
        return FieldFact(leaf, "1", "1 where the detector is in the event")
    if group == "ai":
        return FieldFact(leaf, "V", "analog input")
    return user.fact(name) or hutch(place.hutch).fact(name, place.generation)


def _failures(spec: PumpProbe, place: Station, counts: Counts) -> dict[str, dict[str, int]]:
    names = {**record_names(place), "epix_1": place.spot, "jungfrau1M": place.rings}
    return {
        names[det]: {
            "present": present,
            "partial": counts.partial[det],
            "absent": spec.n_events - present - counts.partial[det],
            "damaged": 0,
        }
        for det, present in counts.present.items()
        if names[det]
    }

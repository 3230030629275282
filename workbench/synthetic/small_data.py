"""Writes a made-up run as a small-data file, without frames: fast enough for hundreds of runs.

Scalars are those of the raw run with the same values, number by number. Sums over regions follow
the same law as the frames' (Poisson photons, pixel noise), drawn anew.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.atomic import make_folder, write_text
from workbench.core.bounds import Bounds
from workbench.facility import FieldFact, epics_fact, hutch
from workbench.smalldata import DatasetSpec, create_part, merge_parts
from workbench.synthetic.cameras import (
    BACKGROUND,
    RING,
    SIGNAL,
    Camera,
    epix_1,
    jungfrau_1m,
    ring_shape,
)
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import RATE, PumpProbe, Scan
from workbench.synthetic.records import slow_record, step_record
from workbench.synthetic.shots import Shots, blocks, event_codes
from workbench.synthetic.truth import Counts, truth_text

GENERATION = "lcls2"
BEAMLINE_GROUPS = ("ebeamh", "gasdet", "XppSb2BmMon", "XppSb3BmMon", "tt")
CAMERAS = ("epix_1", "jungfrau1M")


def small_data_name(spec: PumpProbe) -> str:
    """Return the file name of the run's small data."""
    return f"{spec.experiment}_Run{spec.run:04d}.h5"


def write_small_data(spec: PumpProbe, path: Path) -> Path:
    """Write one run as small data, with its truth beside it; return the file.

    Parameters
    ----------
    spec
        The run.
    path
        The file to write, or a folder, in which the file gets the facility's name.
    """
    path = Path(path)
    target = path if path.suffix in {".h5", ".hdf5"} else path / small_data_name(spec)
    make_folder(target.parent)
    counts = Counts()
    regions = _Regions(spec)
    with TemporaryDirectory(prefix=".parts-", dir=target.parent) as scratch:
        part_file = Path(scratch) / "part.h5"
        specs = _specs(_columns(spec, next(blocks(spec)), regions))
        with create_part(part_file, specs) as part:
            for shots in blocks(spec):
                counts.add(shots)
                part.append(_columns(spec, shots, regions))
        merge_parts(
            [part_file],
            target,
            specs=specs,
            provenance={"made_by": "workbench.synthetic", "spec": asdict(spec)},
            attributes={
                "experiment": spec.experiment,
                "run": spec.run,
                "generation": GENERATION,
            },
            failures=_failures(spec, counts),
        )
    write_text(target.with_name(f"{target.stem}.truth.json"), truth_text(spec, counts))
    return target


def _columns(spec: PumpProbe, shots: Shots, regions: "_Regions") -> dict[str, Array]:
    """Return every dataset of one block; NaN where the detector is not in the event."""
    columns: dict[str, Array] = {
        "timestamp": shots.timestamps.astype(np.int64),
        "lightStatus/xray": shots.xray.astype(np.int64),
        "lightStatus/laser": shots.laser.astype(np.int64),
        "timing/eventcodes": event_codes(shots.xray, shots.laser).astype(np.int64),
        "timing/pulseId": shots.records["timing"]["pulseId"].astype(np.int64),
        "timing/destination": shots.records["timing"]["ebeamDestn"].astype(np.int32),
        "scan/varStep": shots.step,
    }
    for group in BEAMLINE_GROUPS:
        for name, values in shots.records[group].items():
            columns[f"{group}/{name}"] = _blanked(values, shots.present[group])
    encoder = shots.records["XppUsbEncoder02"]["encoder_values"][:, 0]
    columns["enc/lasDelay"] = _blanked(encoder, shots.present["XppUsbEncoder02"])
    columns |= _slow_columns(spec, shots)
    there = dict(shots.present) | {
        "epix_1": np.asarray(shots.epix[1].all(axis=1)),
        "jungfrau1M": np.asarray(shots.jungfrau[1].all(axis=1)),
    }
    columns |= {f"damage/{det}": here.astype(np.int64) for det, here in there.items()}
    return columns | regions.columns(shots)


def _slow_columns(spec: PumpProbe, shots: Shots) -> dict[str, Array]:
    columns: dict[str, Array] = {"scan/step_value": shots.step.astype(np.float32)}
    if spec.scan is Scan.STEP:
        steps, where = np.unique(shots.step, return_inverse=True)
        delays = np.array([step_record(spec, step)["lxt_ttc"] for step in steps.tolist()])
        columns["scan/lxt_ttc"] = delays[where]
    begins = -(-shots.step * spec.n_events // len(spec.delays))  # first event of each one's step
    updates = np.maximum(shots.events // RATE * RATE, begins)  # the event of the last slow update
    events, place = np.unique(updates, return_inverse=True)
    then = zip(spec.step_of(events).tolist(), events.tolist(), strict=True)
    records = [slow_record(spec, step, event) for step, event in then]
    for name in records[0]:
        columns[f"epics/{name}"] = np.array([record[name] for record in records])[place]
    return columns


def _blanked(values: Array, present: Bools) -> Array:
    """Return values as stored: NaN, or the integers' sentinel, where not present."""
    narrow = np.int32 if values.dtype.itemsize <= 2 else np.int64
    kept = values.astype(np.float64 if values.dtype.kind == "f" else narrow)
    kept[~present] = np.nan if kept.dtype.kind == "f" else -99999
    return kept


class _Regions:
    """What the producer config's regions would give, drawn from the law of their sums."""

    def __init__(self, spec: PumpProbe) -> None:
        self._spec = spec
        epix, jungfrau = epix_1(), jungfrau_1m()
        self._noise = {
            "signal": _sum_noise(epix, SIGNAL, spec),
            "background": _sum_noise(epix, BACKGROUND, spec),
            "ring": _sum_noise(jungfrau, RING, spec),
        }
        self._background = spec.background_photons * _good_pixels(epix, BACKGROUND)
        good = jungfrau.good[RING.slices]
        rings = ring_shape(spec.photon_energy)[RING.slices][good].sum()
        self._ring = spec.ring_photons * float(rings) + spec.diffuse_photons * int(good.sum())

    def columns(self, shots: Shots) -> dict[str, Array]:
        """Return sum and mean of every region, shape (event,) [keV]."""
        spec = self._spec
        place = (spec.run, int(shots.events[0]))
        draw = generator(spec.seed, Draw.REDUCED, *place)
        relative = shots.i0 / spec.pulse_energy
        epix, jungfrau = shots.epix[1].all(1), shots.jungfrau[1].all(1)
        columns: dict[str, Array] = {}
        for det, region, bounds, rate, there in (
            ("epix_1", "signal", SIGNAL, spec.signal_photons * shots.change, epix),
            ("epix_1", "background", BACKGROUND, self._background * np.ones(len(shots)), epix),
            ("jungfrau1M", "ring", RING, self._ring * np.ones(len(shots)), jungfrau),
        ):
            total = np.full(len(shots), np.nan)
            total[there] = self._sum(draw, region, (rate * relative)[there])
            columns[f"{det}/{region}_sum"] = total
            columns[f"{det}/{region}_mean"] = total / int(np.prod(bounds.shape))
        return columns

    def _sum(self, draw: np.random.Generator, region: str, rate: Floats) -> Floats:
        photons = draw.poisson(rate)
        noise: Floats = self._noise[region] * draw.standard_normal(len(rate))
        return self._spec.photon_energy * photons + noise


def _good_pixels(camera: Camera, bounds: Bounds) -> int:
    return int(camera.good[bounds.slices].sum())


def _sum_noise(camera: Camera, bounds: Bounds, spec: PumpProbe) -> float:
    """Return the standard deviation of a region's dark sum [keV], rounding included."""
    good = camera.good[bounds.slices]
    gain = camera.adu[bounds.slices][good].astype(np.float64) / spec.photon_energy
    variance = camera.noise[bounds.slices][good].astype(np.float64) ** 2 + 1 / 12
    return float(np.sqrt((variance / gain**2).sum()))


def _specs(columns: Mapping[str, Array]) -> list[DatasetSpec]:
    return [_dataset(name, values) for name, values in columns.items()]


def _dataset(name: str, values: Array) -> DatasetSpec:
    group, _, leaf = name.rpartition("/")
    shape = values.shape[1:]
    fact = _fact(name, group, leaf)
    dims = fact.dims if len(fact.dims) == len(shape) else ()
    unit = fact.unit if group == "epics" else fact.unit or "1"  # slow values: unknown stays unknown
    meaning = fact.long_name or leaf
    packed = name == "timing/eventcodes"
    return DatasetSpec(name, str(values.dtype), shape, unit, meaning, dims, compress=packed)


def _fact(name: str, group: str, leaf: str) -> FieldFact:
    if name == "timestamp":
        return FieldFact(
            name, "1", "seconds since 1990-01-01 UTC in the high 32 bits, ns in the low"
        )
    if group == "epics":
        return epics_fact(leaf)
    if group == "damage":
        return FieldFact(leaf, "1", "1 where the detector is in the event")
    if group in CAMERAS:
        return FieldFact(leaf, "keV", f"{leaf.rpartition('_')[2]} of the region")
    return hutch("xpp").fact(name, GENERATION)


def _failures(spec: PumpProbe, counts: Counts) -> dict[str, dict[str, int]]:
    return {
        det: {
            "present": present,
            "partial": counts.partial[det],
            "absent": spec.n_events - present - counts.partial[det],
            "damaged": 0,
        }
        for det, present in counts.present.items()
    }

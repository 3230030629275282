"""Writes a made-up run as XTC2 files, with its constants, producer config and truth."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workbench.core import clock
from workbench.core.atomic import make_folder, write_text
from workbench.sources.constants import write_constants
from workbench.sources.xtc2_writer import Xtc2Writer
from workbench.synthetic.cameras import RING, epix_1, jungfrau_1m
from workbench.synthetic.frames import Exposures
from workbench.synthetic.hutch_run import config_of, in_hutch, names_of
from workbench.synthetic.integrating import IntegratingCamera, with_camera
from workbench.synthetic.pump_probe import RATE, PumpProbe
from workbench.synthetic.records import (
    EPIX_STREAM,
    JUNGFRAU_STREAM,
    all_names,
    slow_record,
    step_record,
    streams,
)
from workbench.synthetic.shots import Shots, blocks, event_times
from workbench.synthetic.station import Station, station
from workbench.synthetic.truth import Counts, truth_text

CONSTANTS_NAME = "constants.h5"
MILLISECOND = 1_000_000  # ns
_SCAN, _EPICS = ((0, 1), (2, 2))  # stream, record type


@dataclass(frozen=True)
class RawFiles:
    """What was written for one raw run.

    Parameters
    ----------
    folder
        Where everything lies.
    paths
        The XTC2 data files, one for each stream.
    truth, constants, config
        Truth JSON, constants file, producer config.
    """

    folder: Path
    paths: tuple[Path, ...]
    truth: Path
    constants: Path
    config: Path

    @property
    def size(self) -> int:
        """Size of the data files [bytes]."""
        return sum(path.stat().st_size for path in self.paths)


def write_raw_run(spec: PumpProbe, folder: Path) -> RawFiles:
    """Write one run into a folder: data and index files, constants, config, truth.

    The begin of its experiment's name is the hutch: xpp, xcs or mec. The memory needed does not
    grow with the run. Raises `InputError` for another hutch.
    """
    place = station(spec.experiment, "lcls2")
    folder = make_folder(Path(folder))
    counts = Counts()
    paths = _write_streams(spec, place, folder, counts)
    truth, constants = folder / f"{spec.stem}.truth.json", folder / CONSTANTS_NAME
    held = replace(place, rings=jungfrau_1m().name, ring_roi=RING)
    write_text(truth, truth_text(spec, counts, held))
    spot, rings = (camera.constants(spec.photon_energy) for camera in (epix_1(), jungfrau_1m()))
    write_constants(constants, [replace(spot, detector=place.spot), rings])
    name, text = config_of(place)
    config = folder / name
    write_text(config, with_camera(text) if spec.integrating_every else text)
    return RawFiles(folder, paths, truth, constants, config)


def _write_streams(
    spec: PumpProbe, place: Station, folder: Path, counts: Counts
) -> tuple[Path, ...]:
    sample, called = in_hutch(spec, place, next(blocks(spec))), names_of(place)
    with ExitStack() as stack:
        writers = []
        for number, names in enumerate(all_names(spec, sample, called)):
            stem = f"{spec.stem}-s{number:03d}-c000"
            index = folder / "smalldata" / f"{stem}.smd.xtc2"
            writer = Xtc2Writer(folder / f"{stem}.xtc2", names, smd=index)
            writers.append(stack.enter_context(writer))
        run = _Run(spec, writers, streams(sample))
        run.begin()
        for shots in blocks(spec):
            counts.add(shots)
            run.write(in_hutch(spec, place, shots))
        run.end()
    counts.rename(called)
    return tuple(writer.path for writer in writers)


class _Run:
    """The open streams of one run; transitions go to all of them, with equal time stamps."""

    def __init__(
        self, spec: PumpProbe, writers: list[Xtc2Writer], small: tuple[tuple[str, ...], ...]
    ) -> None:
        self._spec = spec
        self._small = small
        self._writers = writers
        self._exposures = Exposures(spec)
        self._slow = IntegratingCamera(spec) if spec.integrating_every else None
        self._step = -1

    def begin(self) -> None:
        """Configure all streams and begin the run."""
        first = _shifted(self._spec, 0, -1000)
        for writer in self._writers:
            writer.configure(first)
            writer.begin_run(first, experiment=self._spec.experiment, run=self._spec.run)

    def end(self) -> None:
        """End the last step and the run."""
        self._end_step(self._spec.n_events)
        for writer in self._writers:
            writer.end_run(_shifted(self._spec, self._spec.n_events, 0))

    def write(self, shots: Shots) -> None:
        """Write one block of events, and the transitions among them."""
        for place, event in enumerate(shots.events.tolist()):
            step = int(shots.step[place])
            if step != self._step:
                self._next_step(event, step)
            if event % RATE == 0:
                self._slow_update(event, -1)
            time = int(shots.timestamps[place])
            for number, stream in enumerate(self._small):
                records = {
                    kind: {name: values[place] for name, values in shots.records[det].items()}
                    for kind, det in enumerate(stream)
                    if det in shots.present and shots.present[det][place]
                }
                if records:
                    self._writers[number].event(time, records)
            self._write_cameras(shots, place, time)

    def _write_cameras(self, shots: Shots, place: int, time: int) -> None:
        event = int(shots.events[place])
        relative = float(shots.i0[place]) / self._spec.pulse_energy
        slow = None if self._slow is None else self._slow.expose(event, relative)
        if slow is not None:
            self._writers[-1].event(time, {0: {"raw": slow}})
        if shots.epix[1][place].any():
            change = float(shots.change[place])
            frame = self._exposures.epix(event, relative=relative, change=change)
            self._writers[EPIX_STREAM].event(time, {0: {"raw": frame}})
        arrived = np.flatnonzero(shots.jungfrau[1][place]).tolist()
        if not arrived:
            return
        frames = self._exposures.jungfrau(event, relative=relative)
        for segment in arrived:
            record = {
                "raw": frames[segment : segment + 1],
                "frame_cnt": event // self._spec.jungfrau_every,
                "timestamp": time,
            }
            self._writers[JUNGFRAU_STREAM + segment].event(time, {0: record})

    def _next_step(self, event: int, step: int) -> None:
        if self._step >= 0:
            self._end_step(event)
        self._step = step
        for number, writer in enumerate(self._writers):
            here = number == _SCAN[0]
            scan = {_SCAN[1]: step_record(self._spec, step)} if here else {}
            writer.begin_step(_shifted(self._spec, event, -4), scan)
            writer.enable(_shifted(self._spec, event, -3))
        self._slow_update(event, -2)

    def _end_step(self, event: int) -> None:
        for writer in self._writers:
            writer.disable(_shifted(self._spec, event, -6))
            writer.end_step(_shifted(self._spec, event, -5))

    def _slow_update(self, event: int, milliseconds: int) -> None:
        values = {_EPICS[1]: slow_record(self._spec, self._step, event)}
        time = _shifted(self._spec, event, milliseconds)
        for number, writer in enumerate(self._writers):
            writer.slow_update(time, values if number == _EPICS[0] else {})


def _shifted(spec: PumpProbe, event: int, milliseconds: int) -> int:
    """Return the time stamp so far from an event, which need not exist."""
    stamp = clock.nanoseconds(event_times(spec, np.array([event])))
    moved = stamp + milliseconds * MILLISECOND
    return int(clock.pack(moved // 1_000_000_000, moved % 1_000_000_000)[0])

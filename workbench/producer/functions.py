"""Functions of a config that return, for each detector, what is made of its frames."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.producer.azimuthal_entries import read_azav
from workbench.producer.correlation_entries import read_autocorrelation
from workbench.producer.curve_entries import read_polynomial_correction
from workbench.producer.droplet_entries import read_droplet, read_droplet2photon
from workbench.producer.edge_entries import read_mectt
from workbench.producer.entries import EntryError, Recipe, ReductionEntry
from workbench.producer.image_entries import read_image
from workbench.producer.photon_entries import read_photon
from workbench.producer.pyfai_entries import read_azav_pyfai
from workbench.producer.regions import Shapes
from workbench.producer.report import Report, kind, suggestion
from workbench.producer.waveform_entries import (
    read_wf_cfd,
    read_wf_hitfinder,
    read_wf_integrate,
    read_wf_svd,
)
from workbench.reductions import Droplets, Reduction

Read = tuple[str, Reduction | Recipe]
Reader = Callable[[object], Read]

FUNCTIONS: Mapping[str, Reader] = {  # with the names that older configs give them
    "get_azav": read_azav,
    "getAzIntParams": read_azav,
    "get_azav_pyfai": read_azav_pyfai,
    "getAzIntPyFAIParams": read_azav_pyfai,
    "get_droplet": read_droplet,
    "getDropletParams": read_droplet,
    "get_droplet2photon": read_droplet2photon,
    "getDroplet2Photons": read_droplet2photon,
    "get_image": read_image,
    "get_mectt": read_mectt,
    "getmectt": read_mectt,
    "get_photon": read_photon,
    "getPhotonParams": read_photon,
    "get_wf_integrate": read_wf_integrate,
    "get_wf_hitfinder": read_wf_hitfinder,
    "get_wf_cfd": read_wf_cfd,
    "get_wf_svd": read_wf_svd,
    "getSvdParams": read_wf_svd,
    "get_polynomial_correction": read_polynomial_correction,
    "get_autocorrelation": read_autocorrelation,
    "getAutocorrParams": read_autocorrelation,
}


def read_functions(
    values: Mapping[str, Any],
    listed: tuple[str, ...],
    shapes: Shapes | None,
    report: Report,
    readers: Mapping[str, Reader] = FUNCTIONS,
) -> list[ReductionEntry]:
    """Return the usable entries of all functions; the others go to `report`.

    A detector has one dictionary, or several in a list.
    """
    entries = [
        entry
        for function, reader in readers.items()
        for entry in _of_function(function, reader, values.get(function), listed, shapes, report)
    ]
    return list(_without_second_droplets(entries, report))


def _of_function(
    function: str,
    reader: Reader,
    value: object,
    listed: tuple[str, ...],
    shapes: Shapes | None,
    report: Report,
) -> Iterator[ReductionEntry]:
    if value is None:
        return
    if not isinstance(value, dict):
        report.skip("wrong-type", f"{function} must return a dict, not {kind(value)}", function)
        return
    for detector, given in value.items():
        if detector not in listed:
            hint = suggestion(str(detector), listed) if listed else ""
            text = f"detector {detector!r} is not in the list `detectors`{hint}"
            report.skip("detector-not-listed", text, function, detector)
        elif shapes is None or detector in shapes:  # others are reported at the list of detectors
            dicts = list(enumerate(given)) if isinstance(given, list) else [(None, given)]
            shape = (shapes or {}).get(detector)
            yield from _of_detector(function, reader, detector, dicts, shape, report)


def _without_second_droplets(
    entries: Iterable[ReductionEntry], report: Report
) -> Iterator[ReductionEntry]:
    """Leave out droplets under the name of others: the facility's producer loses one in silence."""
    taken: dict[tuple[str, str], str] = {}
    for entry in entries:
        key = entry.detector, entry.name
        alone = not isinstance(entry.reduction, Droplets)
        if alone or taken.setdefault(key, entry.function) == entry.function:
            yield entry
        else:
            text = f"{taken[key]} stores its droplets as {entry.name!r} too"
            text += "; add a 'name' to one dict"
            report.skip("name-clash", text, entry.function, entry.detector)


def _of_detector(
    function: str,
    reader: Reader,
    detector: str,
    dicts: Iterable[tuple[int | None, object]],
    shape: tuple[int, ...] | None,
    report: Report,
) -> Iterator[ReductionEntry]:
    taken: set[str] = set()
    for position, given in dicts:
        path: tuple[str | int, ...] = (function, detector)
        path = path if position is None else (*path, position)
        try:
            name, made = reader(given)
            if name in taken:
                text = f"another entry of {detector} is already named {name!r}; give it a name of "
                raise EntryError("duplicate-name", f"{text}its own", "name")
            _check_fit(made, shape)
        except EntryError as error:
            inner = (*path, error.key) if error.key else path
            report.skip(error.code, str(error), *inner)
        else:
            taken.add(name)
            yield ReductionEntry(detector, name, made, function, report.line(*path))


def _check_fit(made: Reduction | Recipe, shape: tuple[int, ...] | None) -> None:
    """Compare with the shape of the frames, where both are known without the constants."""
    if shape is None or isinstance(made, Recipe):
        return
    every = np.ones(shape, np.bool_)
    try:
        made.outputs(FrameSpec(shape, "keV", every, noise=every.astype(np.float32)))
    except InputError as error:
        raise EntryError("does-not-fit", str(error)) from error

"""``get_wf_*`` functions of a config: dictionaries to typed reductions of waveforms."""

import numpy as np

from workbench.core.bounds import Bounds
from workbench.core.errors import WorkbenchError
from workbench.producer.entries import EntryError
from workbench.producer.given import Given, naming
from workbench.reductions import (
    AboveThreshold,
    Basis,
    Hits,
    Reduction,
    Roi,
    SvdFit,
    WaveformIntegral,
)
from workbench.reductions.base import Nested
from workbench.smalldata.svd_basis import read_svd_basis

INTEGRATE_KEYS = ("name", "sig_roi", "bkg_roi", "negative_signal")
HIT_KEYS = ("name", "threshold", "threshold_max", "use_rms", "bkg_roi")
CFD_KEYS = (
    "name", "channel", "convFilterLength", "CFDOffset", "inverseMultiplier", "threshold",
    "nmax_hits",
)  # fmt: skip
SVD_KEYS = (
    "name", "basis_file", "n_components", "n_pulse", "delay", "sampling", "mode",
    "return_reconstructed",
)  # fmt: skip
ALL_SAMPLES = 1_000_000  # regions end where the detector does


def read_wf_integrate(value: object) -> tuple[str, WaveformIntegral]:
    """Return name and reduction of one entry of ``get_wf_integrate``, or raise `EntryError`."""
    given = Given(value, INTEGRATE_KEYS, "a waveform entry")
    return given.name("wfintegrate"), WaveformIntegral(
        given.samples("sig_roi"),
        given.samples("bkg_roi"),
        given.flag("negative_signal", default=False),
    )


def read_wf_hitfinder(value: object) -> tuple[str, AboveThreshold]:
    """Return name and reduction of one dictionary of ``get_wf_hitfinder``, or raise `EntryError`.

    With ``use_rms`` the threshold is in standard deviations of ``bkg_roi``, which must be given.
    """
    given = Given(value, HIT_KEYS, "a hit finder")
    background = given.samples("bkg_roi")
    in_sigma = given.flag("use_rms", default=False)
    if in_sigma and background is None:
        raise EntryError("missing-key", "use_rms needs the samples bkg_roi", "bkg_roi")
    return given.name("hitfinder"), AboveThreshold(
        given.number("threshold", 1.0),
        given.number("threshold_max", 1e6),
        background if in_sigma else None,
    )


def read_wf_cfd(value: object) -> tuple[str, Reduction]:
    """Return name and reduction of one dictionary of ``get_wf_cfd``, or raise `EntryError`.

    The keys are those of today's constant-fraction hit finder; ``channel`` is that of a detector
    with several.
    """
    given = Given(value, CFD_KEYS, "a hit finder")
    with naming("convFilterLength"):
        hits = Hits(
            given.whole("convFilterLength", 35),
            given.whole("CFDOffset", 25),
            given.number("inverseMultiplier", -0.75),
            given.number("threshold", 4.0),
            given.whole("nmax_hits", 100),
        )
    if "channel" not in given:
        return given.name("hitFinderCFD"), hits
    channel = given.whole("channel")
    if channel < 0:
        raise EntryError("wrong-type", f"channel is 0 or more, not {channel}", "channel")
    line = Bounds((channel, 0), (channel + 1, ALL_SAMPLES))
    one = Roi(line, statistics=False, children=(Nested("", hits),))
    return given.name(f"hitFinderCFD_ch{channel}"), one


def read_wf_svd(value: object) -> tuple[str, SvdFit]:
    """Return name and reduction of one dictionary of ``get_wf_svd``, or raise `EntryError`.

    The file of the basis must be named: which one is the newest changes with time.
    """
    given = Given(value, SVD_KEYS, "a fit of waveforms")
    basis = _basis(given)
    with naming("mode"):
        fit = SvdFit(
            basis,
            given.whole("n_components", 2),
            _delays(given),
            given.text("mode", "max"),  # type: ignore[arg-type]  # checked by the fit
            given.flag("return_reconstructed", default=False),
        )
    own = "svdFit" if basis.channel is None else f"svdFit_ch{basis.channel}"
    return given.name(own), fit


def _basis(given: Given) -> Basis:
    if "basis_file" not in given:
        text = "name the file of the basis, a path: {'basis_file': '.../wave_basis_det.h5'}"
        raise EntryError("missing-key", text, "basis_file")
    try:
        return read_svd_basis(given.path("basis_file"))
    except WorkbenchError as error:
        raise EntryError("no-basis", f"basis_file: {error}", "basis_file") from error


def _delays(given: Given) -> tuple[int, ...]:
    """Return the delay of each pulse [sample]; the config's are in units of ``sampling``."""
    sampling = given.number("sampling", 1.0)
    if not sampling > 0:
        raise EntryError("wrong-type", f"sampling must be above 0, not {sampling}", "sampling")
    delays = given.numbers("delay") if "delay" in given else [0.0]
    pulses = given.whole("n_pulse", 1)
    if len(delays) == pulses - 1:
        delays = [0.0, *delays]  # those of the later pulses alone
    if len(delays) != pulses:
        text = f"{pulses} pulses need {pulses} delays, or those of all but the first, not {delays}"
        raise EntryError("wrong-type", text, "delay")
    return tuple(int(delay) for delay in np.rint(np.array(delays) / sampling))

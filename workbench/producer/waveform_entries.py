"""``get_wf_integrate`` and ``get_wf_hitfinder`` of a config: dictionaries to typed reductions."""

from workbench.producer.entries import EntryError
from workbench.producer.given import Given
from workbench.reductions import AboveThreshold, WaveformIntegral

INTEGRATE_KEYS = ("name", "sig_roi", "bkg_roi", "negative_signal")
HIT_KEYS = ("name", "threshold", "threshold_max", "use_rms", "bkg_roi")


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

"""Unit strings that the project writes, and the few conversions between them.

Spelling follows UDUNITS (https://docs.unidata.ucar.edu/udunits/); "ADU", "pixel", "count" and
"photon" are ours.
"""

from workbench.core.errors import InputError

_SCALES = {  # unit -> (dimension, factor to the first unit of that dimension)
    "s": ("time", 1.0),
    "ms": ("time", 1e-3),
    "us": ("time", 1e-6),
    "ns": ("time", 1e-9),
    "ps": ("time", 1e-12),
    "fs": ("time", 1e-15),
    "m": ("length", 1.0),
    "mm": ("length", 1e-3),
    "um": ("length", 1e-6),
    "nm": ("length", 1e-9),
    "angstrom": ("length", 1e-10),
    "eV": ("energy", 1.0),
    "keV": ("energy", 1e3),
    "MeV": ("energy", 1e6),
    "GeV": ("energy", 1e9),
    "J": ("pulse energy", 1.0),
    "mJ": ("pulse energy", 1e-3),
    "uJ": ("pulse energy", 1e-6),
    "rad": ("angle", 1.0),
    "degree": ("angle", 0.017453292519943295),
    "A": ("current", 1.0),
    "V": ("voltage", 1.0),
    "C": ("charge", 1.0),
    "nC": ("charge", 1e-9),
    "pC": ("charge", 1e-12),
    "ADU": ("ADU", 1.0),
    "pixel": ("pixel", 1.0),
    "count": ("count", 1.0),
    "photon": ("photon", 1.0),
    "1": ("number", 1.0),
}


class UnitError(InputError):
    """A unit that is unknown, or two that measure different things."""


def factor(source: str, target: str) -> float:
    """Return what to multiply a value in `source` by to have it in `target`."""
    if source == target:
        return 1.0
    try:
        kind, scale = _SCALES[source]
        other, wanted = _SCALES[target]
    except KeyError as error:
        raise UnitError(f"unknown unit {error.args[0]!r}; known are {', '.join(_SCALES)}") from None
    if kind != other:
        raise UnitError(f"{source!r} is a {kind}, {target!r} a {other}: no conversion")
    return scale / wanted

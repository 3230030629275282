"""What a producer config asks for, entry by entry, with types."""

from dataclasses import asdict, dataclass

from workbench.reductions import PixelSum, Roi


@dataclass(frozen=True)
class RoiEntry:
    """One region of one detector; its values are stored as ``<detector>/<name>_<value>``.

    Parameters
    ----------
    detector
        As in the run.
    name
        First part of the datasets' names.
    roi
        What is computed.
    line
        Where it stands in the config; 0 where it does not.
    """

    detector: str
    name: str
    roi: Roi
    line: int = 0


@dataclass(frozen=True)
class SumEntry:
    """One run sum of one detector, stored as ``Sums/<detector>_<sum.name>``."""

    detector: str
    sum: PixelSum
    line: int = 0


@dataclass(frozen=True)
class PvEntry:
    """One control-system variable and the name under which it is stored."""

    pv: str
    alias: str
    line: int = 0


@dataclass(frozen=True)
class Skipped:
    """Something that the config asks for and the file will not hold.

    Parameters
    ----------
    entry
        For example ``getROIs['epix_1'][0] (ROI_0)``.
    reason
        The finding's message.
    file, line
        Where it is written.
    """

    entry: str
    reason: str
    file: str = ""
    line: int = 0

    def as_dict(self) -> dict[str, str | int]:
        """Return plain values for JSON."""
        return asdict(self)

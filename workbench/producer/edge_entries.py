"""``get_mectt`` of a config: the spatial-encoding time tool of a camera."""

from workbench.core.arrays import Floats
from workbench.core.bounds import Bounds
from workbench.core.errors import WorkbenchError
from workbench.producer.entries import EntryError
from workbench.producer.given import Given, naming
from workbench.producer.regions import read_bounds
from workbench.reductions.edge import EdgeRegions, TimeToolEdge
from workbench.smalldata import open_file

KEYS = (
    "name", "bkgfile", "bkgdet", "roi_n", "roi_s", "tilt", "sigma_TT", "sm", "ttRaw", "debug",
)  # fmt: skip
BACKGROUND = "alvium_tt_calib"  # run sum of the background's file


def read_mectt(value: object) -> tuple[str, TimeToolEdge]:
    """Return name and reduction of one dictionary of ``get_mectt``, or raise `EntryError`.

    ``bkgfile`` is the small-data file of a run without pump, whose ``Sums/<bkgdet>`` is read;
    ``debug`` is read, and nothing is made of it.
    """
    given = Given(value, KEYS, "a time tool")
    given.flag("debug", default=False)
    with naming("sigma_TT"):
        return given.name("mectt"), TimeToolEdge(
            _background(given),
            EdgeRegions(_region(given, "roi_n"), _region(given, "roi_s")),
            given.number("tilt", 0.0),
            given.number("sigma_TT", 18.0),
            given.number("sm", 0.0),
            given.flag("ttRaw", default=False),
        )


def _region(given: Given, key: str) -> Bounds:
    bounds = read_bounds(given.get(key))
    if bounds is None:
        raise EntryError("missing-key", f"{key} is needed: [[r0, r1], [c0, c1]]", key)
    return bounds


def _background(given: Given) -> Floats:
    if "bkgfile" not in given:
        text = "name the small-data file of a run without pump: {'bkgfile': '.../exp_Run0012.h5'}"
        raise EntryError("missing-key", text, "bkgfile")
    name = f"Sums/{given.text('bkgdet', BACKGROUND)}"
    try:
        with open_file(given.path("bkgfile")) as file:
            found: Floats = file.read(name).astype("float64")
    except WorkbenchError as error:
        raise EntryError("no-background", f"bkgfile: {error}", "bkgfile") from error
    return found

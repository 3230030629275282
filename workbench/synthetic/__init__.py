"""Made-up experiments with known truth, as raw and as small-data files; for tests and the demo."""

from workbench.synthetic.pump_probe import MONITORS, Monitor, PumpProbe, Scan, response
from workbench.synthetic.raw import RawFiles, write_raw_run

__all__ = ["MONITORS", "Monitor", "PumpProbe", "RawFiles", "Scan", "response", "write_raw_run"]

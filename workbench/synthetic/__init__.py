"""Made-up experiments with known truth, as raw and as small-data files; for tests and the demo."""

from workbench.synthetic.experiment import ExperimentFiles, write_experiment
from workbench.synthetic.pump_probe import MONITORS, Monitor, PumpProbe, Scan, response
from workbench.synthetic.raw import RawFiles, write_raw_run
from workbench.synthetic.recorded import ArmFrame, read_arm_scan, write_frames
from workbench.synthetic.small_data import Style, small_data_name, write_small_data

__all__ = [
    "MONITORS",
    "ArmFrame",
    "ExperimentFiles",
    "Monitor",
    "PumpProbe",
    "RawFiles",
    "Scan",
    "Style",
    "read_arm_scan",
    "response",
    "small_data_name",
    "write_experiment",
    "write_frames",
    "write_raw_run",
    "write_small_data",
]

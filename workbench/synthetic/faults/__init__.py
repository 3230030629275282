"""The fault catalogue: each way in which files are known to mislead, to put into a clean one."""

from workbench.synthetic.faults.base import UNVERIFIED, Fault, Injected
from workbench.synthetic.faults.files import FILE_FAULTS
from workbench.synthetic.faults.physics import PHYSICS_FAULTS
from workbench.synthetic.faults.values import VALUE_FAULTS

FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in (*FILE_FAULTS, *VALUE_FAULTS, *PHYSICS_FAULTS)
}

__all__ = ["FAULTS", "UNVERIFIED", "Fault", "Injected"]

"""Names for the array types that cross rooms.

``Any`` stands where the sort of number varies with the detector and is known only at run time.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Frames = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Times = NDArray[np.uint64]

"""Lock files that are there only while somebody holds or awaits them."""

import os
from pathlib import Path


def same_file(handle: int, path: Path) -> bool:
    """Tell whether an open file is still the one of this path.

    Who waits for a lock must ask so once it has it, and begin anew where it is not: the holder
    before removed the file, and a third process may hold a lock on a new one of the same name.
    """
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False

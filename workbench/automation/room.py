"""Whether there is room for a page, found out before the work is done for it."""

import os
from pathlib import Path

from workbench.core.atomic import CannotWriteError, refusal

NEEDED = 4 << 20  # bytes for a notebook and its report


def check_room(folder: Path) -> None:
    """Raise `CannotWriteError` where a folder has no room for a page.

    Bytes are written for it: how much is left of a quota is not known otherwise.
    """
    trial = folder / "room"
    try:
        with trial.open("wb") as file:
            file.write(bytes(NEEDED))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CannotWriteError(
            f"cannot write in {folder.parent}: {refusal(error, folder)}"
        ) from error
    finally:
        trial.unlink(missing_ok=True)

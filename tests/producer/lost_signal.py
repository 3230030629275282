"""Runs the command so that a SIGTERM is lost: `python lost_signal.py FOLDER WORDS...`.

The signal comes as soon as a unit of work is done in the folder, while garbage is collected: Python
prints what its handler raises there, and goes on.
"""

import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path

from workbench.cli.app import main

FOLDER = Path(sys.argv.pop(1))
OFTEN = 10, 10_000, 10_000  # objects made between two collections; of young objects alone
PAUSE = 0.005  # s between looks into the folder
looked = 0.0


def ask(phase: str, _: object) -> None:
    global looked
    here = threading.current_thread() is threading.main_thread()
    if phase != "stop" or not here or time.monotonic() - looked < PAUSE:
        return
    looked = time.monotonic()
    if any(FOLDER.glob(".*.parts/**/unit_*.done")):
        gc.callbacks.clear()
        gc.set_threshold(700)
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    gc.callbacks.append(ask)
    gc.set_threshold(*OFTEN)
    main()

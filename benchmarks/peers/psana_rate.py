"""Times psana over one XTC2 file; run by the python of psana's own environment.

usage: psana_rate.py FILE; prints {"seconds", "datagrams", "sum"} as JSON. Each datagram is read and
decoded by psana's own C++ datagram, then every number and array of each event is added up.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from psana import dgram


def total(datagram: Any) -> float:
    value = 0.0
    for name, segments in vars(datagram).items():
        if name.startswith("_"):
            continue
        for algorithms in segments.values():
            for alg, container in vars(algorithms).items():
                if alg.startswith("_"):
                    continue
                for field, content in vars(container).items():
                    if field.startswith("_"):
                        continue
                    value += float(content.sum() if isinstance(content, np.ndarray) else content)
    return value


def events(path: str, *, decode_only: bool) -> tuple[float, int, float]:
    handle = os.open(path, os.O_RDONLY)
    configuration = dgram.Dgram(file_descriptor=handle)
    size = Path(path).stat().st_size
    offset, count, value = configuration._size, 1, 0.0
    start = time.perf_counter()
    while offset < size:  # psana waits a second at the end of a file, which is no part of its rate
        datagram = dgram.Dgram(config=configuration)
        offset += datagram._size
        count += 1
        if datagram.service() == 12 and not decode_only:
            value += total(datagram)
    seconds = time.perf_counter() - start
    os.close(handle)
    return seconds, count, value


if __name__ == "__main__":
    decoding, datagrams, _ = min(events(sys.argv[1], decode_only=True) for _ in range(2))
    summing, _, value = events(sys.argv[1], decode_only=False)
    print(json.dumps({"decode": decoding, "sum_s": summing, "datagrams": datagrams, "sum": value}))

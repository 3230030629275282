"""Copies the files of a finished run as if they were being taken: `python growing_run.py FROM TO`.

Each line on its standard input is the share of the run that is to be there; it answers when that
is so. Bytes arrive in pieces that end anywhere, in each stream at its own pace, with pauses of any
length; a file carries ``.inprogress`` until it is whole, and the next chunk comes after that.
"""

import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PIECES = 40  # of each stream
PAUSE = 0.01  # s, the longest


@dataclass
class Stream:
    """One stream: its files in order, and how many bytes of it are there."""

    files: list[Path]
    target: Path
    there: int = 0

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(path.stat().st_size for path in self.files)

    def take(self, most: int) -> None:
        """Add bytes to the file that grows, and give it its name when it is whole."""
        before = 0
        for path in self.files:
            end = before + path.stat().st_size
            if self.there < end:
                data = path.read_bytes()[self.there - before : self.there - before + most]
                growing = self.target / f"{path.name}.inprogress"
                with growing.open("ab") as file:
                    file.write(data)
                self.there += len(data)
                if self.there == end:
                    growing.rename(self.target / path.name)
                return
            before = end


def grow(streams: list[Stream], share: float, chance: random.Random) -> None:
    """Let all streams grow, in turns by chance, up to a share of their size."""
    while going := [stream for stream in streams if stream.there < int(share * stream.size)]:
        stream = chance.choice(going)
        left = int(share * stream.size) - stream.there
        stream.take(min(left, chance.randint(1, 2 * stream.size // PIECES)))
        time.sleep(chance.uniform(0, PAUSE))


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    by_stream: dict[str, list[Path]] = {}
    for path in sorted(source.glob("*.xtc2")):
        by_stream.setdefault(path.name.split("-s")[1][:3], []).append(path)
    streams = [Stream(files, target) for files in by_stream.values()]
    for line in sys.stdin:
        grow(streams, float(line), random.Random(line))
        sys.stdout.write("there\n")
        sys.stdout.flush()

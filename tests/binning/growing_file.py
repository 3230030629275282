"""Adds the events of a finished small-data file to a live one: `python growing_file.py FINISHED`.

The live file stands in a folder ``live`` beside the finished one. Each line on standard input is
how many events it is to hold; "end" makes it the finished file. It answers when that is so.
"""

import shutil
import sys
from pathlib import Path

from workbench.runs import open_run
from workbench.smalldata import DatasetSpec, create_live, live_name

GROUPS = ("timestamp", "lightStatus", "scan", "tt", "damage", "XppSb2BmMon", "epix_1")  # enough

if __name__ == "__main__":
    finished = open_run(Path(sys.argv[1]))
    target = finished.path.parent / "live" / finished.path.name
    specs = [
        DatasetSpec(info.name, info.dtype, info.shape[1:], info.unit, info.long_name)
        for info in finished.infos.values()
        if info.kind == "event" and len(info.shape) == 1 and info.name.partition("/")[0] in GROUPS
    ]
    about = {"experiment": finished.experiment, "run": finished.run, "generation": "lcls2"}
    done = 0
    with create_live(
        live_name(target), specs, place=target.parent, attributes=about, once={}
    ) as file:
        for line in sys.stdin:
            if line.strip() == "end":
                break
            rows = slice(done, int(line))
            file.append({spec.name: finished[spec.name].read_stored(rows=rows) for spec in specs})
            done = rows.stop
            sys.stdout.write("there\n")
            sys.stdout.flush()
    shutil.copy(finished.path, target)
    live_name(target).unlink()
    sys.stdout.write("there\n")
    sys.stdout.flush()

"""How little is read: bytes and requests counted by the system, delays injected below HDF5."""

import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.runs import open_run
from workbench.smalldata import DatasetSpec, blocks, create_part, merge_parts, open_file

N_FIELDS = 900
N_EVENTS = 72_000
FIELDS = [f"det{number // 12:02d}/field{number % 12:02d}" for number in range(N_FIELDS)]
READ = ("det03/field04", "det04/field00")  # the columns whose values tests read
OURS_LIMIT = 1e6  # bytes that opening may read
OTHERS_LIMIT = 8e6
DELAY = 0.005  # s, of each operation on a slow network file system
LISTING_LIMIT = 2.0  # s


def read_bytes() -> int:
    """Return the bytes that this process has asked the system for so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("rchar")).split()[1])


def ours(folder: Path) -> Path:
    specs = [
        DatasetSpec("timestamp", "int64"),
        *(DatasetSpec(name, "float64", unit="mJ", long_name=f"energy {name}") for name in FIELDS),
    ]
    with create_part(folder / "part.h5", specs) as part:
        for first in range(0, N_EVENTS, N_EVENTS // 4):
            events = np.arange(first, first + N_EVENTS // 4)
            values = dict.fromkeys(FIELDS, events + 0.5)
            part.append({"timestamp": events << 24, **values})
    path = folder / "xpplx1234_Run0001.h5"
    attributes = {"experiment": "xpplx1234", "run": 1, "generation": "lcls2"}
    merge_parts([folder / "part.h5"], path, specs=specs, attributes=attributes)
    (folder / "part.h5").unlink()
    return path


def pytables_layout(folder: Path) -> Path:
    """Write as the LCLS-I producer does: old-style groups, attributes, each gather appended."""
    path = folder / "xppl1234_Run0001.h5"
    with h5py.File(path, "w") as h5:
        for name in ("event_time", "fiducials", *FIELDS):
            whole = name in {"event_time", "fiducials"}
            column = h5.create_dataset(
                name, (0,), maxshape=(None,), chunks=(8192,), dtype="i8" if whole else "f8"
            )
            for key, text in (("CLASS", b"EARRAY"), ("VERSION", b"1.1"), ("TITLE", b"")):
                column.attrs[key] = np.bytes_(text)
            column.resize(N_EVENTS, axis=0)
            written = N_EVENTS if name in READ else 100  # the others take no room on disk
            column[:written] = np.arange(written) + (0 if whole else 0.5)
    return path


def virtual_layout(folder: Path) -> Path:
    """Write a master over four parts, as the LCLS-II producer does."""
    rows = N_EVENTS // 4
    names = ("timestamp", *FIELDS)
    parts = [folder / f"xpplx1234_Run0002_part{number}.h5" for number in range(4)]
    for number, part in enumerate(parts):
        with h5py.File(part, "w") as h5:
            for name in ("timestamp", *READ):
                values = np.arange(rows) * 4 + number + (0 if name == "timestamp" else 0.5)
                kind = "i8" if name == "timestamp" else "f8"
                h5.create_dataset(name, data=values.astype(kind), chunks=(10_000,))
    path = folder / "xpplx1234_Run0002.h5"
    with h5py.File(path, "w", libver="latest") as h5:
        for name in names:
            layout = h5py.VirtualLayout((N_EVENTS,), "i8" if name == "timestamp" else "f8")
            for number, part in enumerate(parts):
                layout[number * rows : (number + 1) * rows] = h5py.VirtualSource(
                    str(part), name, (rows,)
                )
            h5.create_virtual_dataset(name, layout, fillvalue=0)
    return path


LAYOUTS = {"ours": ours, "pytables": pytables_layout, "virtual": virtual_layout}


@pytest.fixture(scope="module", params=list(LAYOUTS))
def large(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp(request.param)
    yield LAYOUTS[request.param](folder)
    shutil.rmtree(folder)  # half a gigabyte


def is_ours(path: Path) -> bool:
    return path.name == "xpplx1234_Run0001.h5"


def test_opening_900_fields_of_72000_events_reads_no_values(large: Path) -> None:
    open_run(large)  # loads the hutch's facts
    before = read_bytes()
    fields = open_run(large).fields
    read = read_bytes() - before
    assert len(fields) >= N_FIELDS
    assert fields["det03/field04"].shape == (N_EVENTS,)
    assert read < (OURS_LIMIT if is_ours(large) else OTHERS_LIMIT), read


def test_a_column_reads_its_own_bytes_and_little_else(large: Path) -> None:
    channel = open_run(large)["det03/field04"]
    before = read_bytes()
    values = channel.read()
    read = read_bytes() - before
    assert values[0] == 0.5
    assert len(np.unique(values)) == N_EVENTS
    assert values.nbytes <= read < 1.35 * values.nbytes, read


def test_reading_again_reads_nothing(large: Path) -> None:
    run = open_run(large)
    first = run["det03/field04"].read()
    before = read_bytes()
    again = run["det03/field04"].read()
    assert read_bytes() - before < 1000
    np.testing.assert_array_equal(again, first)
    run.drop()
    before = read_bytes()
    run["det03/field04"].read()
    assert read_bytes() - before >= first.nbytes


def test_nothing_stays_open_between_calls(large: Path) -> None:
    run = open_run(large)
    run["det03/field04"].read()
    for number, _ in zip(range(2), run["det04/field00"].iter_stacks(1000), strict=False):
        assert number < 2
    targets = [os.path.realpath(handle) for handle in Path("/proc/self/fd").iterdir()]
    assert not [target for target in targets if str(large.parent) in target]


def test_no_more_requests_wait_for_each_other_than_2_s_allow(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_run(large)
    alone: list[int] = []
    together: Counter[str] = Counter()  # per pool of threads, which its threads are named after
    read = os.pread

    def counted(handle: int, count: int, place: int) -> bytes:
        if threading.current_thread() is threading.main_thread():
            alone.append(place)
        else:
            together[threading.current_thread().name.partition("_")[0]] += 1
        return read(handle, count, place)

    monkeypatch.setattr(blocks.os, "pread", counted)
    monkeypatch.setattr(blocks, "FAST", 0)
    assert len(open_run(large).fields) >= N_FIELDS
    in_turn = len(alone) + sum(-(-count // blocks.ATONCE) for count in together.values())
    by_hdf5 = 40  # requests to identify the file, one after the other
    assert (in_turn + by_hdf5) * DELAY < LISTING_LIMIT / 3, (len(alone), together)


SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
static void wait_a_bit(void) { if (getenv("SLOW_FILES")) usleep(5000); }
#define SLOW(type, name, params, args) \\
  type name params { static type (*real) params; \\
    if (!real) real = (type (*) params) dlsym(RTLD_NEXT, #name); wait_a_bit(); return real args; }
SLOW(ssize_t, pread, (int f, void *b, size_t n, off_t o), (f, b, n, o))
SLOW(ssize_t, pread64, (int f, void *b, size_t n, off_t o), (f, b, n, o))
SLOW(ssize_t, read, (int f, void *b, size_t n), (f, b, n))
SLOW(int, fstat, (int f, struct stat *s), (f, s))
SLOW(int, stat, (const char *p, struct stat *s), (p, s))
SLOW(int, lstat, (const char *p, struct stat *s), (p, s))
SLOW(off_t, lseek, (int f, off_t o, int w), (f, o, w))
SLOW(int, close, (int f), (f))
int open(const char *p, int flags, ...) {
  static int (*real)(const char *, int, ...);
  va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest);
  if (!real) real = (int (*)(const char *, int, ...)) dlsym(RTLD_NEXT, "open");
  wait_a_bit(); return real(p, flags, mode); }
int open64(const char *p, int flags, ...) {
  static int (*real)(const char *, int, ...);
  va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest);
  if (!real) real = (int (*)(const char *, int, ...)) dlsym(RTLD_NEXT, "open64");
  wait_a_bit(); return real(p, flags, mode); }
"""
TIMED = """
import ctypes, sys, time
from workbench.runs import open_run
def seconds():
    wall, own = time.perf_counter(), time.process_time()
    assert len(open_run(sys.argv[1]).fields) >= 900
    return time.perf_counter() - wall, time.process_time() - own
seconds()  # loads modules and the hutch's facts
fast, own = min(seconds() for attempt in range(5))
ctypes.CDLL(None).setenv(b"SLOW_FILES", b"1", 1)
slow, _ = min(seconds() for attempt in range(3))
print(slow - fast + own)  # without what other processes take of the processor
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc to slow down the C library")
def test_where_each_system_call_takes_5_ms_900_fields_are_listed_within_2_s(
    large: Path, tmp_path: Path
) -> None:
    (tmp_path / "slow.c").write_text(SHIM)
    build = ["gcc", "-shared", "-fPIC", "-O1", "-o", "slow.so", "slow.c", "-ldl"]
    subprocess.run(build, cwd=tmp_path, check=True)
    environment = {**os.environ, "LD_PRELOAD": str(tmp_path / "slow.so")}
    answer = subprocess.run(
        [sys.executable, "-c", TIMED, str(large)],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert 0.05 < float(answer.stdout) < LISTING_LIMIT, answer.stdout


def test_a_catalogue_says_what_the_file_says(make_file: Callable[..., Path]) -> None:
    path = make_file()
    with open_file(path) as file:
        assert file.catalogue is not None
        listed = repr(file.fields)
    with h5py.File(path, "r+"):
        pass  # HDF5 cuts the catalogue off
    with open_file(path) as file:
        assert file.catalogue is None
        assert repr(file.fields) == listed


def test_a_catalogue_never_outlives_a_change_of_the_file(make_file: Callable[..., Path]) -> None:
    path = make_file()
    with h5py.File(path, "r+") as h5:
        h5["enc/lasDelay"].attrs["units"] = "fs"
        h5["mine/new"] = np.arange(300.0)
        del h5["scan/step_docstring"]
    with open_file(path) as file:
        assert file.info("enc/lasDelay").unit == "fs"
        assert "mine/new" in file.names
        assert "scan/step_docstring" not in file.names


def test_a_copied_file_keeps_its_catalogue(tmp_path: Path, make_file: Callable[..., Path]) -> None:
    copy = Path(shutil.copyfile(make_file(), tmp_path / "copy_Run0001.h5"))
    os.utime(copy, (0, 0))
    with open_file(copy) as file:
        assert file.catalogue is not None
        assert len(file.fields) > 10


def test_what_somebody_else_appended_is_no_catalogue(make_file: Callable[..., Path]) -> None:
    path = make_file()
    with h5py.File(path, "r+"):
        pass
    with path.open("ab") as file:
        file.write(b"a note of my own")
    with open_file(path) as small_data:
        assert small_data.catalogue is None
        assert len(small_data.fields) > 10

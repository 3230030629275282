"""Whatever happens to a file, the checker answers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding, Severity
from workbench.smalldata import check_file, isolated, open_file

Write = Callable[..., Path]


def errors(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.severity is Severity.ERROR]


def test_a_file_cut_off_at_any_place_is_refused(make_file: Write, tmp_path: Path) -> None:
    whole = make_file().read_bytes()
    places = np.random.default_rng(11).integers(0, len(whole), 20)
    path = tmp_path / "cut.h5"
    for place in [0, 1, 8, len(whole) - 1, *places]:
        path.write_bytes(whole[:place])
        (finding,) = check_file(path)
        assert finding.severity is Severity.ERROR, place
        assert finding.code in {"truncated", "not-hdf5", "damaged"}, place
        assert "cut.h5" in finding.message
        with pytest.raises(WorkbenchError, match=r"cut\.h5"), open_file(path):
            pass


def flipped(whole: bytes, random: np.random.Generator) -> bytes:
    data = bytearray(whole)
    for _ in range(random.integers(1, 9)):
        data[random.integers(0, len(data))] = random.integers(0, 256)
    return bytes(data)


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bytes_get_an_answer(make_file: Write, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "flipped.h5"
    path.write_bytes(flipped(make_file().read_bytes(), np.random.default_rng(seed)))
    assert all(each.message for each in check_file(path))


@pytest.mark.long
def test_hundreds_of_flipped_files_get_an_answer(
    make_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "TIME_LIMIT", 20)  # some flips make HDF5 loop for ever
    whole = make_file().read_bytes()
    random = np.random.default_rng(5)
    path = tmp_path / "flipped.h5"
    for _ in range(300):
        path.write_bytes(flipped(whole, random))
        assert all(each.message for each in check_file(path))


def test_random_bytes_an_empty_file_a_folder_and_nothing_get_an_answer(tmp_path: Path) -> None:
    noise = tmp_path / "noise.h5"
    noise.write_bytes(np.random.default_rng(0).bytes(5000))
    signed = tmp_path / "signed.h5"
    signed.write_bytes(b"\x89HDF\r\n\x1a\n" + np.random.default_rng(0).bytes(5000))
    empty = tmp_path / "empty.h5"
    empty.touch()
    codes = {
        path.name: [each.code for each in errors(check_file(path))]
        for path in (noise, signed, empty, tmp_path, tmp_path / "none.h5")
    }
    assert codes == {
        "noise.h5": ["not-hdf5"],
        "signed.h5": ["damaged"],
        "empty.h5": ["not-hdf5"],
        tmp_path.name: ["not-a-file"],
        "none.h5": ["not-there"],
    }


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed (SIGSEGV)"),
        ("raise SystemExit(7)", "exit code 7"),
        ("import time; time.sleep(60)", "did not finish within"),
    ],
)
def test_a_crash_or_a_hang_of_hdf5_is_a_finding(
    make_file: Write, monkeypatch: pytest.MonkeyPatch, code: str, text: str
) -> None:
    monkeypatch.setattr(isolated, "_CHILD", code)
    monkeypatch.setattr(isolated, "TIME_LIMIT", 1)
    (finding,) = check_file(make_file())
    assert (finding.code, finding.severity) == ("damaged", "error")
    assert text in finding.message


def test_the_checker_changes_nothing(make_file: Write) -> None:
    path = make_file()
    before, changed = path.read_bytes(), path.stat().st_mtime_ns
    check_file(path)
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == changed

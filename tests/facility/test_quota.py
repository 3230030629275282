"""Files and bytes of a results folder against its limits."""

import os
from pathlib import Path

from workbench.facility import Quota, QuotaState, Usage, count_usage, results_quota


def test_files_and_bytes_are_those_that_find_counts(tmp_path: Path) -> None:
    for part, count in (("a", 3), ("b", 5)):
        (tmp_path / part / "deep").mkdir(parents=True)
        for number in range(count):
            (tmp_path / part / "deep" / f"{number}").write_bytes(b"x" * 10)
    (tmp_path / "top").write_bytes(b"x" * 7)
    os.link(tmp_path / "top", tmp_path / "a" / "same")  # one file, two names
    (tmp_path / "b" / "link").symlink_to(tmp_path / "a")  # counts, and is not followed
    usage = count_usage(tmp_path)
    size = (tmp_path / "b" / "link").lstat().st_size
    assert (usage.files, usage.bytes, usage.unread) == (10, 8 * 10 + 7 + size, ())
    assert [row[:2] for row in usage.parts] == [("b", 6), ("a", 3), ("top", 1)]


def test_the_forecast_warns_from_four_fifths_and_refuses_beyond_the_limit(tmp_path: Path) -> None:
    quota = Quota(tmp_path, Usage(files=7_999, bytes=0), 10_000, 4 * 10**12)
    assert quota.state is QuotaState.FINE
    assert quota.after(1, 0).state is QuotaState.WARNING
    assert quota.after(2_001, 0).state is QuotaState.WARNING  # exactly full
    assert quota.after(2_002, 0).state is QuotaState.OVER
    assert quota.after(0, 32 * 10**11).state is QuotaState.WARNING
    assert quota.after(0, 4 * 10**12 + 1).state is QuotaState.OVER
    assert str(quota) == "7,999 of 10,000 files (80.0%), 0 B of 4 TB (0.0%)"


def test_a_results_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert results_quota(tmp_path / "none").usage == Usage()

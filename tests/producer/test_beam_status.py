"""Status of X-rays and laser where the superconducting linac sends the beam to several lines."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.producer import ProduceRequest, produce
from workbench.smalldata import open_file
from workbench.sources.xtc2_writer import Names, Xtc2Writer

EVENTS, SOFT = 40, 4  # SC_SXR
SENT = np.where(np.arange(EVENTS) % 5 == 2, 3, SOFT)  # every fifth pulse goes to another line
DROPPED = np.arange(EVENTS) % 4 == 1  # code 273: no laser
RECORDED = np.arange(EVENTS) % 9 != 8


def write_run(folder: Path, experiment: str, *, destination: bool) -> None:
    fields: dict[str, tuple[str, int]] = {"sequenceValues": ("uint16", 1)}
    if destination:
        fields["ebeamDestn"] = ("uint8", 0)
    names = [
        Names("timing", "ts", "raw", fields=fields),
        Names("gmd", "gmd", "raw", fields={"energy": ("float64", 0)}),
    ]
    codes = np.zeros((EVENTS, 288), np.uint8)
    codes[:, 40], codes[:, 273] = 1, DROPPED
    words = np.packbits(codes, axis=1, bitorder="little").view("<u2")
    begin = 1_100_000_000 << 32
    with Xtc2Writer(folder / f"{experiment}-r0007-s000-c000.xtc2", names) as stream:
        stream.configure(begin - 50)
        stream.begin_run(begin - 40, experiment=experiment, run=7)
        stream.begin_step(begin - 30)
        stream.enable(begin - 20)
        for event in range(EVENTS):
            timing: dict[str, Any] = {"sequenceValues": words[event]}
            if destination:
                timing["ebeamDestn"] = int(SENT[event])
            records = {1: {"energy": 1.0}} | ({0: timing} if RECORDED[event] else {})
            stream.event(begin + event, records)
        stream.end_run(begin + 1000)


def test_x_rays_of_rix_are_told_by_where_the_linac_sent_the_pulse(tmp_path: Path) -> None:
    write_run(tmp_path, "rixlx1234", destination=True)
    with open_file(produce(ProduceRequest("rixlx1234", 7, tmp_path, tmp_path)).output) as file:
        xray, laser = file.read("lightStatus/xray"), file.read("lightStatus/laser")
    np.testing.assert_array_equal(xray, np.where(RECORDED, SENT == SOFT, -1))
    np.testing.assert_array_equal(laser, np.where(RECORDED, ~DROPPED, -1))


@pytest.mark.parametrize("naming", ["lcls1", "lcls2"])
def test_without_a_destination_x_rays_are_unknown_and_that_is_said(
    tmp_path: Path, naming: str
) -> None:
    write_run(tmp_path, "rixlx1234", destination=False)
    result = produce(ProduceRequest("rixlx1234", 7, tmp_path, tmp_path, naming=naming))
    (told,) = [found for found in result.findings if found.code == "no-destination"]
    assert "ebeamDestn" in told.message
    with open_file(result.output) as file:
        assert set(file.read("lightStatus/xray")) == {-1}
        np.testing.assert_array_equal(
            file.read("lightStatus/laser"), np.where(RECORDED, ~DROPPED, -1)
        )

"""Pictures of whole runs: of a full one, and of one that holds next to nothing."""

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench import plots
from workbench.core.findings import Finding, Severity
from workbench.runs import Run, cut, open_run
from workbench.smalldata import DatasetSpec, OnceValue, create_part, merge_parts
from workbench.synthetic import PumpProbe
from workbench.synthetic.small_data import write_small_data


@pytest.fixture(scope="module")
def full(module_folder: ModuleFolder) -> Run:
    return open_run(write_small_data(PumpProbe(n_events=600), module_folder("full")))


@pytest.fixture
def bare(tmp_path: Path) -> Run:
    """A run with one image sum and nothing else."""
    specs = [DatasetSpec("timestamp", "int64"), DatasetSpec("damage/epix_1", "int64")]
    with create_part(tmp_path / "part.h5", specs) as part:
        part.append({"timestamp": np.arange(4), "damage/epix_1": np.array([1, 0, 1, 1])})
    total = np.arange(48.0).reshape(6, 8)
    good = np.ones((6, 8), np.uint8)
    good[0, 0] = 0
    once = {
        "Sums/epix_1_calib": OnceValue(total, "keV", "sum"),
        "UserDataCfg/epix_1/calib__n_events": OnceValue(4, "1", "events"),
        "UserDataCfg/epix_1/mask": OnceValue(good, "1", "use"),
        "UserDataCfg/epix_1/ROI_0__ROI_0_bound": OnceValue(
            np.array([[1, 3], [2, 7]]), "pixel", "region"
        ),
    }
    target = tmp_path / "xpplx1234_Run0001.h5"
    attributes = {"experiment": "xpplx1234", "run": 1, "generation": "lcls2"}
    merge_parts([tmp_path / "part.h5"], target, specs=specs, once=once, attributes=attributes)
    return open_run(target)


def labels(picture: plots.Picture) -> list[str]:
    return [axes.get_xlabel().replace("\n", " ") for axes in picture.axes if axes.get_visible()]


def words(picture: plots.Picture) -> str:
    return " ".join(text.get_text() for axes in picture.axes for text in axes.texts)


def test_presence_is_that_of_the_record_of_production(full: Run) -> None:
    counts = full.failures["epix_1"]["present"]
    assert f"{counts} of 600" in words(plots.presence_of(full))


def test_presence_is_counted_from_flags_where_there_is_no_record(bare: Run) -> None:
    assert "3 of 4" in words(plots.presence_of(bare))


def test_failures_of_a_detector_are_written_beside_its_bar() -> None:
    counts = {"epix_1": {"present": 90, "absent": 10, "damaged": 3, "error_roi": 2}}
    assert "90 of 100, 3 damaged, 2 error_roi" in words(plots.presence(counts, 100))


def test_delays_covered_say_which_way_is_positive(full: Run) -> None:
    found = labels(plots.delay_coverage(full))
    assert len(found) == 2
    assert all("positive = pump before X-rays" in one for one in found)


def test_event_codes_are_counted_and_explained(full: Run) -> None:
    picture = plots.event_codes_of(full)
    codes = full["timing/eventcodes"].read()
    names = [tick.get_text() for tick in picture.axes[0].get_yticklabels()]
    assert "137  X-rays on" in names
    assert f"{int(codes[:, 137].sum())}" in words(picture)


def test_cuts_are_drawn_over_the_events_they_concern(full: Run) -> None:
    selection = cut("i0", 0.0) & cut("tt_amplitude", 0.01, scope="on")
    picture = plots.cut_histograms(full, selection)
    drawn = [axes.patches[0].get_data().values.sum() for axes in picture.axes]
    assert drawn[1] <= full.classes.on.sum() < drawn[0]


def test_a_sum_over_dropped_shots_is_not_divided_by_the_number_of_all_events(full: Run) -> None:
    assert full.failures["epix_1"]["present"]
    assert "UserDataCfg/epix_1/calib_dropped__n_events" not in full
    titles = [one.get_title() for one in plots.average_images(full).axes]
    assert any("epix_1 calib, mean of" in one for one in titles)
    assert "epix_1 calib_dropped, sum of an unknown number of events" in titles


def test_average_images_divide_by_the_events_summed_and_leave_bad_pixels_out(bare: Run) -> None:
    picture = plots.average_images(bare)
    shown = picture.axes[0].images[0].get_array()
    np.testing.assert_allclose(shown[1], np.arange(8, 16) / 4)
    assert shown.mask[0, 0]
    assert "mean of 4 events" in picture.axes[0].get_title()
    (box,) = picture.axes[0].patches
    assert box.get_bbox().bounds == (1.5, 0.5, 5, 2)
    assert plots.regions_of(bare, "epix_1")["ROI_0"].shape == (2, 5)


@pytest.mark.parametrize(
    ("draw", "reason"),
    [
        (plots.monitors, "nothing serves as i0"),
        (plots.monitor_correlation, "nothing serves as i0"),
        (plots.intensity_trend, "nothing serves as i0"),
        (plots.time_tool, "nothing serves as tt_amplitude"),
        (plots.delay_coverage, "nothing serves as delay"),
        (plots.event_codes_of, "no channel 'timing/eventcodes'"),
    ],
)
def test_what_a_run_lacks_is_said_instead_of_drawn(bare: Run, draw, reason: str) -> None:
    picture = draw(bare)
    assert reason in words(picture)
    assert picture._repr_png_()[0].startswith(b"\x89PNG")


def test_findings_stand_worst_first_in_a_table() -> None:
    info = Finding("a", Severity.INFO, "small", "x")
    error = Finding("b", Severity.ERROR, "grave", "y", 3)
    table = plots.findings_table([info, error])
    assert [row[0] for row in table.rows] == ["error", "info"]
    assert [row[1] for row in table.rows] == ["b", "a"]
    short = plots.findings_table([info, info, error], most=1)
    assert [row[1] for row in short.rows] == ["b"]
    assert "a (2)" in short.notes[0]
    assert "nothing that could mislead" in plots.findings_table([]).caption


def test_the_trend_goes_forward_in_time_in_files_that_are_not_sorted(tmp_path: Path) -> None:
    spec = PumpProbe(n_events=900)
    run = open_run(write_small_data(spec, tmp_path, generation="lcls2", style="facility"))
    assert not run.is_time_ordered
    (line,) = plots.intensity_trend(run).axes[0].lines
    assert (np.diff(line.get_xdata()) > 0).all()
    assert line.get_xdata()[0] > 0

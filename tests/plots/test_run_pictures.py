"""Pictures straight from runs and binned datasets: labelled by the run, true to the numbers."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.image import imread

import workbench as wb
from workbench import plots
from workbench.core.errors import InputError, UnknownNameError
from workbench.runs import Run, cut, open_run, open_runs

Write = Callable[..., Path]
RNG = np.random.default_rng(8)
N = 400
MONITOR = "XppSb2BmMon/totalIntensityJoules"


def columns() -> dict[str, object]:
    x = RNG.normal(5, 1, N)
    x[7] = np.nan
    return {
        "lightStatus/xray": np.ones(N, int),
        "lightStatus/laser": np.arange(N) % 2,
        MONITOR: (1 + RNG.random(N), "J"),
        "x": (x, "mm"),
        "s": (np.arange(N) % 4 * 1.0, "keV"),
        "step": (np.arange(N) % 4 * 1.0, "mm"),
        "det/azav_azav": (np.tile(np.arange(5.0), (N, 1)), "ADU"),
        "UserDataCfg/det/azav__azav_q": np.linspace(1, 2, 5),
    }


@pytest.fixture
def run(write: Write) -> Run:
    return open_run(write(columns()))


def readable(picture: plots.Picture) -> bool:
    pixels = imread(io.BytesIO(picture._repr_png_()[0]))
    return 700 <= pixels.shape[1] <= 1200 and bool(picture.alt)


def test_each_cut_is_drawn_before_and_after_with_the_others_applied(run: Run) -> None:
    picture = plots.cut_histograms(run, cut("x", 4, 6) & cut("s", 1, None, scope="on"))
    assert readable(picture)
    first, second = picture.axes
    before, after = (patch.get_data().values.sum() for patch in first.patches[:2])
    x, s = run["x"].read(), run["s"].read()
    others = ~run.classes.on | (s >= 1)
    kept = others & (x >= 4) & (x < 6)
    assert after == kept.sum()
    outside = others.sum() - before - 1  # one event is missing
    assert 0 <= outside < 0.05 * N
    assert f"{kept.sum()} of {int(before)} events kept" in first.get_xlabel()
    assert "x [mm]" in first.get_xlabel()
    assert "1 missing" in first.get_xlabel()
    assert second.patches[1].get_data().values.sum() <= run.classes.on.sum()
    assert "could be drawn" in plots.cut_histograms(run, wb.xray_on()).alt


def test_a_field_over_events_shows_its_median_and_where_runs_begin(write: Write) -> None:
    first, second = write(columns()), write(columns(), run=15)
    runs = open_runs([first, second])
    picture = plots.over_events(runs, "x", wb.laser_on(), window=20)
    assert readable(picture)
    (axes,) = picture.axes
    points, median, border = axes.lines
    assert len(points.get_xdata()) == N
    assert border.get_xdata()[0] == N // 2
    assert axes.get_ylabel() == "x [mm]"
    on = runs["x"].read()[runs.classes.on]
    middle = np.nanmedian(on[90:111])
    assert median.get_ydata()[100] == pytest.approx(middle)
    assert "400 events, 2 missing" in axes.get_title(loc="right")
    with pytest.raises(InputError, match="one number per event"):
        plots.over_events(runs, "det/azav_azav")


def test_two_fields_of_a_run_against_each_other_carry_their_units(run: Run) -> None:
    picture = plots.against(run, "i0", "x", wb.laser_on())
    assert readable(picture)
    axes = picture.axes[0]
    assert axes.get_xlabel() == f"{MONITOR} [J]"  # not what it is: that is said of each monitor
    assert axes.get_ylabel() == "x [mm]"
    shown = run.classes.on & np.isfinite(run["x"].read())
    assert f"{shown.sum()} events" in axes.get_title(loc="right")


def test_many_events_are_drawn_as_hexagons_that_hold_them_all() -> None:
    values = RNG.uniform(0, 1, (2, 9000))
    picture = plots.correlation(plots.Axis(values[0], "a", "J"), plots.Axis(values[1], "b", "J"))
    (cells,) = picture.axes[0].collections
    assert cells.get_array().sum() == pytest.approx(9000, rel=0.01)
    assert picture.axes[1].get_ylabel() == "events per cell"


@pytest.fixture
def binned(run: Run) -> xr.Dataset:
    edges = [-0.5, 0.5, 1.5, 2.5, 3.5]
    return wb.bin(run, {"step": edges}, ["s", "det/azav_azav"], where=wb.laser_on())


def test_a_binned_curve_holds_the_values_at_the_mean_positions(binned: xr.Dataset) -> None:
    picture = plots.curve(binned, "s")
    assert readable(picture)
    top, bottom = picture.axes
    line = top.lines[0]
    np.testing.assert_allclose(line.get_xdata(), [1, 3])  # laser on: every other event
    np.testing.assert_allclose(line.get_ydata(), [1, 3])
    assert top.get_ylabel() == "s [keV]"
    assert bottom.get_xlabel() == "step [mm]"
    np.testing.assert_array_equal(bottom.patches[0].get_data().values, binned["s_count"])


def test_a_map_lies_on_its_edges_and_leaves_empty_cells_empty(binned: xr.Dataset) -> None:
    picture = plots.heat_map(binned, "det/azav_azav")
    assert readable(picture)
    axes, bar = picture.axes
    mesh = axes.collections[0]
    shown = mesh.get_array().reshape(5, 4)
    np.testing.assert_array_equal(shown[:, 1], np.arange(5.0))
    assert shown.mask[:, [0, 2]].all()
    assert axes.get_xlim() == (-0.5, 3.5)
    np.testing.assert_allclose(axes.get_ylim(), (0.875, 2.125))
    assert axes.get_ylabel() == "scattering vector [1/angstrom]"
    assert bar.get_ylabel().endswith("[ADU]")


def test_the_change_on_a_map_is_taken_from_the_bins_before(binned: xr.Dataset) -> None:
    scaled = binned.copy()
    scaled["det/azav_azav"] = binned["det/azav_azav"] * np.array([1, 1, 1, 3])[:, None]
    scaled["det/azav_azav"].attrs = binned["det/azav_azav"].attrs
    mesh = plots.heat_map(scaled, "det/azav_azav", change_from=2).axes[0].collections[0]
    shown = mesh.get_array().reshape(5, 4)
    np.testing.assert_allclose(shown[:, 3], 2 * np.arange(5.0))
    np.testing.assert_allclose(shown[:, 1], 0)
    with pytest.raises(InputError, match="nothing to take the change from"):
        plots.heat_map(binned, "det/azav_azav", change_from=-5)


def test_colours_of_a_change_are_the_same_distance_from_zero(binned: xr.Dataset) -> None:
    signed = binned.copy()
    signed["det/azav_azav"] = binned["det/azav_azav"] - 1.0
    mesh = plots.heat_map(signed, "det/azav_azav").axes[0].collections[0]
    low, high = mesh.get_clim()
    assert low == -high
    assert mesh.get_cmap().name == "RdBu_r"


def test_a_field_with_other_axes_than_the_picture_is_refused(binned: xr.Dataset) -> None:
    with pytest.raises(InputError, match="heat_map"):
        plots.curve(binned, "det/azav_azav")
    with pytest.raises(InputError, match="a map needs two"):
        plots.heat_map(binned, "s")
    with pytest.raises(UnknownNameError, match="binned dataset"):
        plots.curve(binned, "nothing")


def test_long_labels_are_broken_until_they_fit(run: Run) -> None:
    binned = wb.bin(run, {"step": [0, 2, 4]}, ["s"], by="i0")
    binned["s"].attrs["long_name"] = (
        "sum of the region of interest over XppSb2BmMon/totalIntensityJoules of the monitor"
    )
    picture = plots.curve(binned, "s")
    picture.draw_without_rendering()
    axes = picture.axes[0]
    box = axes.yaxis.label.get_window_extent()
    assert box.y0 >= 0
    assert box.y1 <= picture.bbox.y1
    wide = xr.Dataset({"a": (("step", "det_azav_phi", "q"), np.zeros((2, 3, 4)))})
    with pytest.raises(InputError, match=r"as in binned.isel\(det_azav_phi=0\)"):
        plots.heat_map(wide, "a")

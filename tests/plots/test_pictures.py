import io
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.image import imread

from workbench import plots
from workbench.core.bounds import Bounds, BoundsError
from workbench.core.errors import InputError
from workbench.plots.style import CUT, robust_range

LOOK = os.environ.get("WORKBENCH_PICTURES")  # folder in which to leave the pictures for a look
RNG = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    return Path(LOOK) if LOOK else tmp_path


def drawn(picture: plots.Picture, folder: Path, name: str) -> np.ndarray:
    """Render as a notebook would, and return the pixels."""
    png, _ = picture._repr_png_()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(png)
    return imread(io.BytesIO(png))


def shown(picture: plots.Picture) -> list[Axes]:
    return [axes for axes in picture.axes if axes.get_visible() and axes.axison]


def texts(axes: Axes) -> str:
    legend = axes.get_legend()
    parts = [text.get_text() for text in axes.texts]
    parts += [text.get_text() for text in legend.get_texts()] if legend else []
    parts += [axes.get_title(loc="right"), axes.get_title()]
    return " | ".join(parts)


def curve(n_bins: int = 30, height: float = 0.0) -> plots.Curve:
    x = np.linspace(-1, 3, n_bins)
    return plots.Curve(x, np.where(x > 0, height, 0.0) + 1, np.full(n_bins, 0.1))


def every_picture() -> Iterator[tuple[str, plots.Picture]]:
    values = RNG.normal(5, 1, 4000)
    axis = plots.Axis(values, "I0", "J")
    yield "histogram", plots.histogram(values, "I0", "J", low=3, high=8)
    yield "correlation", plots.correlation(axis, axis, line=(0, 1))
    yield "curve", plots.binned_curve(curve(), "signal", "keV", counts=np.arange(30))
    line = plots.Line(np.linspace(-1, 3, 99), np.ones(99), np.ones(30))
    on_off = plots.on_off_curves(curve(), curve(), curve(), text="signal", unit="keV", fit=line)
    yield "on_off", on_off
    sectors = {"around 90 deg": 3 + np.sin(np.arange(50) / 5), "around 270 deg": np.ones(50)}
    q, rings = ("scattering vector", "1/angstrom"), np.array([0.5, 1.1, 7.0])
    yield (
        "averages",
        plots.averages(np.linspace(0.1, 2, 50), sectors, axis=q, unit="keV", rings=rings),
    )
    yield "trend", plots.trend(np.arange(4000) / 120, values, "I0", "J")
    yield "presence", plots.presence({"epix_1": {"present": 60, "absent": 40}}, 100)
    yield "tally", plots.tally(["a", "b"], [10, 20], [10, 8])
    yield "codes", plots.event_codes([40, 137], np.array([9, 3]), names={137: "X-rays"})
    frame = plots.Frame(RNG.normal(0, 1, (2, 30, 40)), "jungfrau1M", "keV")
    yield "image", plots.image(frame)


PICTURES = dict(every_picture())


@pytest.mark.parametrize(("name", "picture"), PICTURES.items())
def test_every_axis_is_labelled_and_readable_at_1200_pixels(
    name: str, picture: plots.Picture, folder: Path
) -> None:
    pixels = drawn(picture, folder, name)
    assert 700 <= pixels.shape[1] <= 1200
    bars = {"presence", "tally", "codes"}
    for axes in shown(picture):
        label = axes.get_xlabel() + axes.get_ylabel()
        assert label, name
        assert "[" in label or "events" in label or name in bars
        assert axes.xaxis.get_label().get_fontsize() >= 10
        assert all(tick.get_fontsize() >= 9 for tick in axes.get_xticklabels())
    assert picture.alt


@pytest.mark.parametrize("name", ["curve", "on_off"])
def test_every_delay_axis_says_which_way_is_positive(name: str) -> None:
    picture = PICTURES[name]
    assert picture.axes[-1].get_xlabel() == "delay [ps], positive = pump before X-rays"


def test_a_histogram_counts_every_event_it_does_not_show() -> None:
    values = np.concatenate([np.linspace(0, 1, 1000), [np.nan] * 7, [1e9, 1e9]])
    (axes,) = shown(plots.histogram(values, "I0", "J", low=-0.2))
    inside = sum(
        patch.get_data().values.sum() for patch in axes.patches if hasattr(patch, "get_data")
    )
    assert "7 missing" in axes.get_xlabel()
    outside = int(axes.get_xlabel().split(" outside")[0].split()[-1])
    assert outside >= 2
    assert inside + outside + 7 == len(values)


def test_a_histogram_draws_both_ends_of_a_cut() -> None:
    (axes,) = shown(plots.histogram(RNG.normal(5, 1, 500), "I0", "J", low=4, high=20))
    ends = [line.get_xdata()[0] for line in axes.lines if line.get_color() == CUT]
    assert ends == [4, 20]
    assert axes.get_xlim()[1] > 20


@pytest.mark.parametrize("values", [np.empty(0), np.full(5, np.nan)])
def test_an_empty_histogram_says_why(values: np.ndarray, folder: Path) -> None:
    picture = plots.histogram(values, "I0", "J", low=1)
    drawn(picture, folder, f"empty_{len(values)}")
    assert "values" in texts(shown(picture)[0])


def test_a_constant_quantity_still_has_a_range() -> None:
    assert robust_range(np.full(9, 3.0)) == (2.85, 3.15)
    assert robust_range(np.zeros(4)) == (-0.5, 0.5)
    assert robust_range(np.array([np.nan])) == (0, 1)


def test_a_correlation_states_the_coefficient_of_the_complete_events() -> None:
    x = np.array([1.0, 2, 3, 4, np.nan])
    picture = plots.correlation(plots.Axis(x, "a", "J"), plots.Axis(2 * x, "b", "J"))
    assert "r = 1.0000, 4 events" in texts(shown(picture)[0])


def test_residuals_are_in_units_of_the_errors() -> None:
    data = curve(height=0.5)
    fit = plots.Line(data.x, data.value - 0.2, data.value - 0.2, "model")
    picture = plots.on_off_curves(curve(), curve(), data, text="s", unit="1", fit=fit)
    points = picture.axes[2].lines[-1].get_ydata()
    assert picture.axes[2].get_ylabel() == "residual [sigma]"
    np.testing.assert_allclose(points, 2.0)
    assert "model" in texts(picture.axes[1])


def test_a_footer_tells_what_was_forced() -> None:
    flat = curve()
    picture = plots.on_off_curves(flat, flat, flat, text="s", unit="1", footer="t0 = 0 was forced")
    assert picture.get_supxlabel() == "t0 = 0 was forced"


def test_names_of_overlapping_regions_stand_apart_below_the_picture() -> None:
    regions = {f"ROI_{n}": Bounds((5, n), (20, n + 6)) for n in range(12)}
    picture = plots.image(plots.Frame(np.ones((30, 40)), "epix_1", "keV", regions))
    picture.draw_without_rendering()
    axes = picture.axes[0]
    boxes = [text.get_window_extent() for text in axes.get_legend().get_texts()]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert max(box.y1 for box in boxes) < axes.xaxis.label.get_window_extent().y0
    looks = {(line.get_edgecolor(), line.get_linestyle()) for line in axes.patches}
    assert len(looks) == len(regions)  # each looks different


def test_a_region_is_drawn_where_its_pixels_lie() -> None:
    regions = {"ROI_0": Bounds((1, 5, 10), (2, 15, 30))}
    picture = plots.image(plots.Frame(np.ones((2, 30, 40)), "jungfrau1M", "keV", regions))
    (box,) = picture.axes[0].patches
    shift = 30 + 12  # the first tile and the gap
    assert box.get_bbox().bounds == (9.5, 5 + shift - 0.5, 20, 10)
    assert "ROI_0" in texts(picture.axes[0])
    with pytest.raises(BoundsError, match="outside"):
        plots.image(plots.Frame(np.ones((8, 8)), "x", "keV", {"r": Bounds((9, 0), (12, 2))}))


def test_one_hot_pixel_does_not_take_the_colours() -> None:
    values = RNG.normal(10, 1, (50, 50))
    values[3, 3] = 1e9
    picture = plots.image(plots.Frame(values, "epix_1", "keV"))
    assert picture.axes[0].images[0].get_clim()[1] < 20


def test_tiles_are_assembled_by_the_positions_of_their_pixels() -> None:
    # Two tiles of 2 x 3 pixels of 50 um side by side along x, the second turned upside down.
    column, row = np.meshgrid(np.arange(3) * 50.0, np.arange(2) * 50.0)
    x = np.stack([-column, -column[:, ::-1] - 200])
    y = np.stack([-row, -row[::-1]])
    values = np.arange(12.0).reshape(2, 2, 3)
    places = plots.pixel_places(x, y)
    assert places is not None
    frame = plots.Frame(values, "d", "keV", {"r": Bounds((1, 0, 0), (2, 1, 1))}, places)
    gap = np.nan
    expected = [[0, 1, 2, gap, 11, 10, 9], [3, 4, 5, gap, 8, 7, 6]]
    np.testing.assert_array_equal(frame.page, expected)
    (box,) = plots.image(frame).axes[0].patches
    assert box.get_bbox().bounds == (5.5, 0.5, 1, 1)  # pixel (0, 0) of the second tile, value 6


def test_positions_that_make_no_picture_are_not_used() -> None:
    assert plots.pixel_places(np.zeros((4, 4)), np.zeros((4, 4))) is None
    assert plots.pixel_places(np.full((4, 4), np.nan), np.zeros((4, 4))) is None
    far = np.arange(16.0).reshape(4, 4)
    far[-1, -1] = 1e6
    assert plots.pixel_places(far, far) is None


def test_powers_of_ten_stand_in_the_unit_of_an_axis() -> None:
    (axes,) = shown(plots.histogram(RNG.normal(5e-6, 1e-7, 4000), "I0", "J"))
    assert axes.get_xlabel().startswith("I0 [10⁻⁶ J]")
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert "5" in ticks
    assert axes.xaxis.get_offset_text().get_text() == ""


def test_frames_of_other_dimensions_are_refused() -> None:
    with pytest.raises(InputError, match="row, col"):
        plots.tiled(np.ones(5))


def test_drawing_leaves_the_users_settings_and_pyplot_alone() -> None:
    before = dict(mpl.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.histogram(RNG.normal(0, 1, 50), "x", "mm")._repr_png_()
    assert dict(mpl.rcParams) == before
    code = "import sys, workbench.plots; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

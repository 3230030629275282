"""Masks pixel by pixel against brute force; files of others read, or refused by name."""

import itertools
from pathlib import Path

import fabio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from workbench.core.bounds import Bounds
from workbench.core.errors import InputError, NotThereError
from workbench.regions import (
    Box,
    Circle,
    Layout,
    MaskFileError,
    Polarity,
    Rectangle,
    border,
    check_mask,
    edges,
    from_status,
    grown,
    inner_edges,
    inside,
    read_mask,
    shrunk,
)

masks = array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7).flatmap(
    lambda shape: arrays(np.bool_, shape)
)


def around(good: np.ndarray, at: tuple[int, ...], pixels: int) -> np.ndarray:
    row, col = at[-2:]
    return good[at[:-2]][
        max(row - pixels, 0) : row + pixels + 1, max(col - pixels, 0) : col + pixels + 1
    ]


@settings(max_examples=60, deadline=None)
@given(masks, st.integers(0, 3))
def test_masks_grow_and_shrink_pixel_by_pixel_as_said(good: np.ndarray, pixels: int) -> None:
    larger, smaller = grown(good, pixels), shrunk(good, pixels)
    for at in np.ndindex(good.shape):
        assert larger[at] == around(good, at, pixels).all()
        assert smaller[at] == around(good, at, pixels).any()
    assert (larger <= good).all()
    assert (good <= smaller).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(2, 5), st.integers(0, 1))
def test_seams_between_asics_are_left_out(down: int, right: int, size: int, width: int) -> None:
    shape = (2, down * size, right * size)
    good = inner_edges(shape, (down, right), width)
    for tile, row, col in np.ndindex(shape):
        near = any(
            -width <= place - seam < width
            for place, length in ((row, shape[1]), (col, shape[2]))
            for seam in range(size, length, size)
        )
        assert good[tile, row, col] == (not near)


def test_masks_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="do not divide"):
        inner_edges((7, 8), (2, 2), 1)
    with pytest.raises(InputError, match="shrinks by 0"):
        shrunk(np.ones((3, 3), np.bool_), -1)
    with pytest.raises(InputError, match="grows by 0"):
        grown(np.ones((3, 3), np.bool_), -1)
    with pytest.raises(InputError, match="whole numbers"):
        from_status(np.zeros((3, 3)))


def test_status_counts_a_pixel_bad_in_any_gain_range() -> None:
    status = np.zeros((3, 2, 4, 5), np.uint64)
    status[1, 0, 2, 3] = 8
    good = from_status(status)
    assert good.shape == (2, 4, 5)
    assert np.argwhere(~good).tolist() == [[0, 2, 3]]
    assert from_status(status[0]).all()


def test_regions_make_masks_inside_and_outside() -> None:
    layout = Layout.flat((2, 20, 30))
    shapes = [Rectangle(2, 9, 3, 8), Circle(35, 10, 5), Box(Bounds((1, 0, 0), (2, 2, 2)))]
    good = inside(layout, shapes)
    for tile, row, col in np.ndindex(layout.frame_shape):
        down, right = row + tile * 28, col
        member = 2 <= down < 9 and 3 <= right < 8
        member |= np.hypot(down + 0.5 - 35, right + 0.5 - 10) < 5
        member |= tile == 1 and row < 2 and col < 2
        assert good[tile, row, col] == member
    assert not inside(layout, []).any()


@settings(max_examples=20, deadline=None)
@given(arrays(np.bool_, (2, 4, 5)))
def test_masks_come_back_from_every_kind_of_file(
    tmp_path_factory: pytest.TempPathFactory, good: np.ndarray
) -> None:
    folder, shape = tmp_path_factory.mktemp("masks"), good.shape
    layout = Layout.flat(shape)
    np.save(folder / "a.npy", good)
    np.savetxt(folder / "b.txt", good.reshape(8, 5), fmt="%d")
    np.save(folder / "c.npy", layout.on_picture(good).astype(np.uint8))
    fabio.edfimage.EdfImage(data=(~good).reshape(8, 5).astype(np.uint8)).write(
        str(folder / "d.edf")
    )
    np.save(folder / "e.npy", ~good)
    for name in ("a.npy", "b.txt", "d.edf"):
        np.testing.assert_array_equal(read_mask(folder / name, shape), good)
    np.testing.assert_array_equal(read_mask(folder / "c.npy", shape, layout=layout), good)
    np.testing.assert_array_equal(read_mask(folder / "e.npy", shape, polarity=Polarity.BAD), good)


def test_files_that_hold_no_mask_are_refused_by_name(tmp_path: Path) -> None:
    shape = (2, 4, 5)
    np.save(tmp_path / "turned.npy", np.ones((5, 8)))
    np.save(tmp_path / "picture.npy", np.arange(40.0).reshape(shape))
    np.save(tmp_path / "nan.npy", np.full(shape, np.nan))
    np.save(tmp_path / "words.npy", np.full(shape, "a"))
    (tmp_path / "words.txt").write_text("one two\n")
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY")
    for name, message in {
        "turned.npy": r"turned.npy has shape \(5, 8\).*tiles one below.*transposed",
        "picture.npy": r"picture.npy holds 38 values that are not 0 or 1",
        "nan.npy": r"nan.npy holds 40 values",
        "words.npy": r"words.npy holds <U1",
        "words.txt": r"words.txt holds no mask",
        "cut.npy": r"cut.npy holds no mask",
    }.items():
        with pytest.raises(MaskFileError, match=message):
            read_mask(tmp_path / name, shape)
    with pytest.raises(MaskFileError, match="assembled picture"):
        read_mask(tmp_path / "turned.npy", shape, layout=Layout.flat(shape))
    with pytest.raises(NotThereError, match="no mask file"):
        read_mask(tmp_path / "none.npy", shape)


def test_inverted_masks_are_told_by_what_the_detector_calls_bad() -> None:
    status = edges((40, 50), 2)
    mine = edges((40, 50), 3)
    assert check_mask(mine, status=status) == []
    wrong = check_mask(~mine, status=status)
    assert [(one.code, str(one.severity)) for one in wrong] == [("mask-inverted", "error")]
    assert "1 means use" in str(wrong[0])
    # A small region is legal though it takes most pixels out; without status it is a warning only.
    (few,) = check_mask(~mine)
    assert (few.code, str(few.severity)) == ("mask-leaves-few", "warning")
    assert "inverted?" in str(few)
    assert [one.code for one in check_mask(np.ones((4, 5), np.bool_))] == ["mask-without-effect"]
    assert [one.code for one in check_mask(np.zeros((4, 5), np.bool_))] == ["mask-empty"]
    assert [one.code for one in check_mask(mine, status=status.T)] == ["mask-shape"]
    assert [one.code for one in check_mask(mine, shape=(50, 40))] == ["mask-shape"]


def enclosed(lines: tuple[np.ndarray, ...], shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels that closed lines go around, to the right of who walks along."""
    wound = np.zeros(shape, int)
    for line in lines:
        assert (line[0] == line[-1]).all()
        for (row, col), (to_row, to_col) in itertools.pairwise(line.astype(int).tolist()):
            assert (row == to_row) != (col == to_col)
            wound[min(row, to_row) : max(row, to_row), col:] += np.sign(row - to_row)
    assert set(np.unique(wound)) <= {0, 1}
    return wound == 1


def test_the_border_of_pixels_runs_between_those_inside_and_those_outside() -> None:
    (line,) = border(np.array([[1, 1, 0], [1, 0, 0]], np.bool_))
    corners = [(0, 0), (0, 2), (1, 2), (1, 1), (2, 1), (2, 0)]
    assert {tuple(point) for point in line.astype(int).tolist()} == set(corners)
    assert len(line) == 7
    assert border(np.zeros((3, 4), np.bool_)) == ()
    rng = np.random.default_rng(4)
    for share in (0.02, 0.5, 0.98):
        pixels = rng.random((23, 31)) < share
        np.testing.assert_array_equal(enclosed(border(pixels), pixels.shape), pixels)


def test_a_border_with_too_many_lines_leaves_out_the_smallest_holes() -> None:
    rows, cols = np.indices((403, 301))
    disc = (rows - 200) ** 2 + (cols - 140) ** 2 < 120**2
    holes = disc & (np.random.default_rng(5).random(disc.shape) < 0.95)
    lines = border(holes, most=1000)
    assert sum(len(line) - 1 for line in lines) <= 1000
    assert len(border(holes)) > 1000  # hole by hole
    around = enclosed(lines, disc.shape)
    assert not (holes & ~around).any()
    assert not (around & ~ndimage.binary_dilation(disc, np.ones((3, 3)))).any()

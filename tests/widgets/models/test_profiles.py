"""The azimuthal preview: the producer's reduction, at the centre that was drawn."""

import numpy as np
import pytest

from workbench.widgets.models import (
    PictureError,
    RawFrames,
    azav_of,
    picture_of_array,
    picture_of_raw,
    place_of,
    profile,
    signal,
)

from .conftest import Made


def test_a_place_in_the_picture_has_the_position_of_its_pixels(made: Made) -> None:
    picture = picture_of_raw(made.raw, "tiles", events=1, constants=made.constants)
    assert picture.x is not None
    assert picture.y is not None
    for pixel in ((0, 5, 7), (1, 100, 300), (0, 190, 380)):
        at = picture.layout.rows[pixel] + 0.5, picture.layout.cols[pixel] + 0.5
        x, y = place_of(picture, at)
        assert x == pytest.approx(picture.x[pixel], abs=26)  # half a pixel: places are rounded
        assert y == pytest.approx(picture.y[pixel], abs=26)


def test_the_preview_of_one_event_is_that_events_integral(made: Made) -> None:
    picture = picture_of_raw(made.raw, "tiles", events=1, constants=made.constants)
    centre = place_of(picture, (200, 100))
    image = [-centre[1], -centre[0]]  # of psana
    values = {"center": image, "dis_to_sam": 80, "eBeam": 9.5, "qbin": 0.02, "phiBins": 3}
    mask = np.ones(picture.frame.shape, bool)
    mask[0, :40] = False
    reduction = azav_of(picture, values, good=mask)
    shown = profile(picture, reduction)
    frames = RawFrames.of(made.raw, "tiles", constants=made.constants)
    events = signal(frames, reduction)
    np.testing.assert_array_equal(shown.values.ravel(), events["azav"][0].ravel())
    # Brute force, bin by bin: which pixels look there, and their mean.
    used = picture.good & mask
    where = reduction.scattering
    for bin_q in (3, 10):
        inside = used & (where.radial >= reduction.radial_edges[bin_q])
        inside &= where.radial < reduction.radial_edges[bin_q + 1]
        turn = (where.phi - reduction.phi_edges[0]) % (2 * np.pi) + reduction.phi_edges[0]
        inside &= (turn >= reduction.phi_edges[1]) & (turn < reduction.phi_edges[2])
        if inside.any():
            expected = picture.frame[inside].sum() / where.norm[inside].sum()
            assert shown.values[1, bin_q] == pytest.approx(expected)
    assert shown.q.shape == (shown.values.shape[1],)
    assert np.isfinite(shown.values).any()


def test_without_positions_there_is_no_preview() -> None:
    picture = picture_of_array(np.ones((4, 5)))
    with pytest.raises(PictureError, match="geometry"):
        azav_of(picture, {"center": [0, 0], "dis_to_sam": 80, "eBeam": 9.5})

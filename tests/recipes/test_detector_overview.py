"""The area detectors of a run: what is counted, averaged and named as missing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from workbench import plots
from workbench.core.errors import InputError, UnknownNameError
from workbench.recipes import detector_overview
from workbench.runs import Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import MaskedCamera

SMALL = PumpProbe(n_events=600)


@pytest.fixture(scope="module")
def file(module_folder: ModuleFolder) -> Path:
    return write_small_data(SMALL, module_folder("masked"), scene=MaskedCamera(bad=77))


@pytest.fixture(scope="module")
def run(file: Path) -> Run:
    return wb.open_run(file)


def test_frames_masks_noise_and_average_are_those_of_the_file(run: Run) -> None:
    found = detector_overview(run)["epix_1"]
    signal = run["epix_1/signal_sum"].read()
    assert found.frames == np.count_nonzero(np.isfinite(signal)) == 119
    assert (found.bad_pixels, found.median_noise, found.missing) == (77, 2.5, ())
    assert found.average is not None
    good = run["UserDataCfg/epix_1/mask"].read() == 1
    sums = run["Sums/epix_1_calib"].read()
    np.testing.assert_allclose(found.average[good], sums[good] / 119, rtol=1e-6)
    assert np.isnan(found.average[~good]).all()
    assert found.unit == "keV"


def test_what_a_file_lacks_of_a_detector_is_named(run: Run) -> None:
    overview = detector_overview(run)
    assert overview["jungfrau1M"].missing == ("run sum", "noise", "stored pixels")
    assert "run sum, noise, stored pixels" in str(overview)
    with pytest.raises(UnknownNameError, match="epix_1"):
        overview["epix_2"]


@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_frames_are_counted_in_files_of_the_facility_too(tmp_path: Path, generation: str) -> None:
    place = write_small_data(SMALL, tmp_path, generation=generation, style="facility")
    found = wb.open_run(place)
    (name,) = (one for one in detector_overview(found).detectors if one.startswith("epix"))
    assert detector_overview(found)[name].frames == 119


def test_a_run_without_area_detectors_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"holds no area detector.*producer config"):
        detector_overview(wb.open_run(write({"ipm2/sum": np.arange(5.0)})))


def test_the_pictures_show_average_noise_and_masks(run: Run) -> None:
    picture = plots.detector_pictures(detector_overview(run)["epix_1"])
    titles = [axes.get_title() for axes in picture.axes if axes.get_title()]
    begins = [title.partition(", ")[2][:8] for title in titles]
    assert begins == ["mean of ", "dark noi", "left out"]
    bare = plots.detector_pictures(detector_overview(run)["jungfrau1M"])
    assert "left out by mask" in bare.axes[0].get_title()


@pytest.mark.parametrize("name", ["missing-detector", "zero-events", "one-event", "truncated"])
def test_a_faulty_file_is_overviewed_or_refused(name: str, file: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / file.name
    spoilt.write_bytes(file.read_bytes())
    with FAULTS[name].inject(spoilt, np.random.default_rng(7)):
        if name == "truncated":
            with pytest.raises(wb.WorkbenchError, match=r"truncated|cut off|damaged"):
                wb.open_run(spoilt)
            return
        found = detector_overview(wb.open_run(spoilt))
    assert found["epix_1"].bad_pixels == 77


def test_noisy_pixels_that_were_planted_are_found_among_pixels_that_differ(run: Run) -> None:
    found, planted = detector_overview(run)["epix_1"], MaskedCamera()
    assert found.noise is not None
    quiet = found.noise[found.noise < 2 * planted.noise]
    assert np.std(quiet) / planted.noise == pytest.approx(0.1, rel=0.02)
    limited = found.limited(2 * planted.noise)
    assert limited.noisy_pixels == planted.noisy
    assert limited.noisy is not None
    assert found.good["mask"][limited.noisy].all()


def test_pixels_above_a_limit_of_the_noise_are_counted_and_drawn(run: Run) -> None:
    noise = np.full((4, 5), 2.0)
    noise[1, 2:] = (3.0, 4.0, np.nan)
    found = replace(detector_overview(run)["epix_1"], noise=noise, good={})
    assert (found.noisy, found.noisy_pixels) == (None, None)
    assert [found.limited(high).noisy_pixels for high in (1.0, 3.0, 9.0)] == [19, 1, 0]
    limited = found.limited(3.0)
    assert limited.noisy is not None
    assert np.argwhere(limited.noisy).tolist() == [[1, 3]]
    assert "masks and noise above 3 ADU" in plots.detector_pictures(limited).alt
    assert detector_overview(run)["jungfrau1M"].limited(3.0).noisy_pixels is None

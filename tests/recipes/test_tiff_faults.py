"""Export of pictures under faults: of the file, of its pictures, of the place to write to."""

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import tifffile

import workbench as wb
from tests.conftest import ModuleFolder
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench.binning import Parameter
from workbench.core.arrays import Array
from workbench.core.atomic import CannotWriteError
from workbench.core.errors import UnknownNameError
from workbench.recipes import NoPictureError, browse_pictures, export_pictures, tiff_pictures
from workbench.runs import Run
from workbench.smalldata.editing import Editor, edit_file
from workbench.smalldata.exports.tiffs import QuotaRefusedError
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import PowderShots

EVERY = {"camera_every": 1, "jungfrau_every": 1, "n_steps": 1}
SPEC = PumpProbe(
    experiment="mecsyn0126", n_events=4, **EVERY, missing=0.0, camera_missing=0.0, partial=0
)
RINGS, PEAK = "Epix10kaQuad2/full_area", "epix100a_2_bxrts/peak_area"
TILES = 4
Spoil = Callable[[str, Callable[[Array], None]], Path]


@pytest.fixture(scope="module")
def file(module_folder: ModuleFolder) -> Path:
    return write_small_data(SPEC, module_folder("whole"), generation="lcls1", scene=PowderShots())


@pytest.fixture
def spoil(file: Path, tmp_path: Path) -> Spoil:
    def make(name: str, change: Callable[[Array], None]) -> Path:
        copy = tmp_path / file.name
        copy.write_bytes(file.read_bytes())
        with edit_file(copy) as editor:
            values = editor.read(name)
            change(values)
            editor.write(name, values)
        return copy

    return make


def stored(file: Path, name: str) -> dict[int, Array]:
    """Return the frames of a file by time stamp, read without the package."""
    with h5py.File(file, swmr=True) as h5:  # a growing file is open for writing meanwhile
        stamps = h5["event_time" if "event_time" in h5 else "timestamp"][()]
        return dict(zip(stamps.tolist(), h5[name][()], strict=True))


def pages_of(files: tuple[Path, ...]) -> Iterator[tuple[int, Array]]:
    """Yield time stamp and pixels of every page."""
    for path in files:
        with tifffile.TiffFile(path) as tiff:
            for page in tiff.series[0].pages:
                yield json.loads(tiff.pages[0].description)["timestamp"], page.asarray()


@pytest.mark.faults
@pytest.mark.parametrize("name", met("tiff_browse"))
def test_a_faulty_file_gives_its_pictures_or_says_why_not(
    name: str, file: Path, tmp_path: Path, meet: Meet
) -> None:
    def analyse(run: Run) -> SimpleNamespace:
        true = stored(run.path, PEAK)  # an export is true when it is what the file holds
        written = export_pictures(run, [PEAK], tmp_path / "tiffs", pack=False)
        pages = list(pages_of(written.files))
        good = sum(np.array_equal(page, true[stamp]) for stamp, page in pages)
        counts = {"pages": len(pages), "good": good, "same": int(written.same)}
        numbers = {key: Parameter(count, 0.0, "1") for key, count in counts.items()}
        return SimpleNamespace(parameters=numbers, state="", message="")

    planted = {"pages": SPEC.n_events, "good": SPEC.n_events, "same": 1}
    meet("tiff_browse", name, file, analyse, (SPEC, PowderShots()), planted=planted)


@pytest.mark.faults
@pytest.mark.parametrize("pack", [True, False])
def test_a_lost_frame_is_no_page_and_one_with_dead_pixels_is_written_as_it_is(
    spoil: Spoil, tmp_path: Path, pack: bool
) -> None:
    def change(frames: Array) -> None:
        frames[1] = np.nan
        frames[2, :, 10:20] = np.nan

    run = wb.open_run(spoil(RINGS, change))
    written = export_pictures(run, [RINGS], tmp_path / "tiffs", pack=pack)
    true = np.delete(np.stack(list(stored(run.path, RINGS).values())), 1, axis=0)
    found = np.concatenate([np.atleast_3d(tifffile.imread(path)) for path in written.files])
    np.testing.assert_array_equal(found.reshape(true.shape), true)
    assert [row[2:5] for row in written.table.rows] == [(3 * TILES, 1, True)]


@pytest.mark.faults
def test_a_camera_that_the_shown_shot_lacks_is_exported_all_the_same(
    spoil: Spoil, tmp_path: Path
) -> None:
    def change(frames: Array) -> None:
        frames[0] = np.nan

    run = wb.open_run(spoil(RINGS, change))
    seen = browse_pictures(run, shot=1)
    assert [one.name for one in seen.pictures] == [PEAK]
    assert seen.fields == (RINGS, PEAK)
    written = export_pictures(run, seen.fields, tmp_path / "tiffs")
    assert [row[2:4] for row in written.table.rows] == [(3 * TILES, 1), (4, 0)]


@pytest.mark.faults
@pytest.mark.parametrize("pack", [True, False])
def test_a_camera_without_any_frame_gives_no_file_and_a_row_that_says_so(
    spoil: Spoil, tmp_path: Path, pack: bool
) -> None:
    run = wb.open_run(spoil(PEAK, lambda frames: frames.fill(np.nan)))
    written = export_pictures(run, [PEAK], tmp_path / "tiffs", pack=pack)
    assert written.files == ()
    assert [row[1:5] for row in written.table.rows] == [("none", 0, 4, True)]
    assert list((tmp_path / "tiffs").iterdir()) == []


@pytest.mark.faults
def test_zeros_before_a_cameras_first_frame_are_no_pages(tmp_path: Path) -> None:
    file = write_small_data(SPEC, tmp_path, style="facility", scene=PowderShots())
    late = 1
    with edit_file(file) as editor:
        _appear_late(editor, PEAK, late)
    run = wb.open_run(file)
    written = export_pictures(run, [PEAK], tmp_path / "tiffs", pack=False)
    true = stored(file, PEAK)
    pages = list(pages_of(written.files))
    assert len(pages) == SPEC.n_events - late
    assert all(page.any() and np.array_equal(page, true[stamp]) for stamp, page in pages)
    assert [row[2:5] for row in written.table.rows] == [(SPEC.n_events - late, late, True)]


def _appear_late(editor: Editor, name: str, events: int) -> None:
    first = editor.time_order[:events]
    for one in (name, f"damage/{name.partition('/')[0]}"):
        values = editor.read(one)
        values[first] = 0
        editor.write(one, values)


@pytest.mark.faults
def test_a_camera_that_is_not_in_the_file_is_refused_by_name(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / file.name
    copy.write_bytes(file.read_bytes())
    with edit_file(copy) as editor:
        editor.remove("Epix10kaQuad2")
    run = wb.open_run(copy)
    with pytest.raises(UnknownNameError) as refused:
        export_pictures(run, [RINGS], tmp_path / "tiffs")
    assert RINGS in str(refused.value)
    assert copy.name in str(refused.value)
    assert browse_pictures(run).fields == (PEAK,)


@pytest.mark.faults
def test_a_place_that_cannot_be_written_is_refused_and_left_as_it_was(
    file: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("a file, no folder")
    with pytest.raises(CannotWriteError, match=r"notes\.txt.*choose another"):
        export_pictures(wb.open_run(file), [PEAK], tmp_path / "notes.txt" / "tiffs")
    assert (tmp_path / "notes.txt").read_text() == "a file, no folder"


@pytest.mark.faults
def test_a_quota_that_is_reached_refuses_single_files_and_takes_a_packed_one(
    file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "results" / "tiffs"
    folder.mkdir(parents=True)
    for number in range(10_000 - SPEC.n_events + 1):
        (folder / f"{number}").touch()
    run = wb.open_run(file)
    with pytest.raises(QuotaRefusedError, match=r"10,000.*pack them into one"):
        export_pictures(run, [PEAK], folder, pack=False)
    assert not list(folder.glob("*.tiff"))
    assert export_pictures(run, [PEAK], folder).same


@pytest.mark.faults
@pytest.mark.parametrize("pack", [True, False])
def test_a_disk_that_fills_up_leaves_no_half_file_and_an_older_one_whole(
    file: Path, tmp_path: Path, pack: bool
) -> None:
    run = wb.open_run(file)
    older = export_pictures(run, [RINGS], tmp_path, pack=pack).files[0]
    before = older.read_bytes()
    with _largest_file(200_000), pytest.raises(CannotWriteError, match="nothing was left there"):
        export_pictures(run, [RINGS], tmp_path, pack=pack)
    assert older.read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """Let the system refuse to make a file larger than `size` bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.faults
@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.99])
def test_a_half_written_tiff_file_of_others_is_refused_by_name(
    file: Path, tmp_path: Path, share: float
) -> None:
    path = tmp_path / "theirs.tiff"
    frames = np.stack(list(stored(file, PEAK).values()))
    tifffile.imwrite(path, frames, metadata=None, photometric="minisblack")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(NoPictureError, match=rf"{path.name}.*copy or write it again"):
        tiff_pictures(path)


@pytest.mark.faults
def test_damaged_bytes_of_a_tiff_file_give_pictures_or_a_refusal(
    file: Path, tmp_path: Path
) -> None:
    (path,) = export_pictures(wb.open_run(file), [PEAK], tmp_path).files
    whole, refused = path.read_bytes(), 0
    for seed in range(60):
        draw, damaged = np.random.default_rng(seed), bytearray(whole)
        for place in draw.integers(0, 400, 4):  # of the header and the tags of the first page
            damaged[place] = draw.integers(0, 256)
        path.write_bytes(damaged)
        try:
            frames = tiff_pictures(path).frames
        except NoPictureError as error:
            refused += path.name in str(error)
        else:
            refused -= frames.ndim != 3
    assert refused > 10

import pytest

from workbench.synthetic import PumpProbe, RawFiles, write_raw_run

SMALL = PumpProbe(n_events=460, n_steps=5, missing=0.02, camera_missing=0.1, partial=0.3)


@pytest.fixture(scope="session")
def spec() -> PumpProbe:
    return SMALL


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> RawFiles:
    return write_raw_run(SMALL, tmp_path_factory.mktemp("made_up"))

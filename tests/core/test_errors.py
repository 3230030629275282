import pickle

from workbench.core.errors import UnknownNameError, WorkbenchError


def test_unknown_name_suggests_the_nearest_whatever_the_case() -> None:
    error = UnknownNameError("channel", "IPM2/sun", ["ipm2/sum", "ipm3/sum", "tt/ampl"], "run 14")
    assert "did you mean ipm2/sum" in str(error)
    assert isinstance(error, KeyError)
    assert isinstance(error, WorkbenchError)


def test_unknown_name_without_a_near_one_lists_some() -> None:
    assert "it has alpha, beta" in str(UnknownNameError("thing", "zzz", ["beta", "alpha"], "here"))
    assert "holds none" in str(UnknownNameError("thing", "zzz", [], "here"))


def test_errors_cross_process_borders() -> None:
    error = UnknownNameError("channel", "a", ["b"], "c")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)

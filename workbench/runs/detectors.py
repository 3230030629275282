"""Fields by detector, for the Tab key: ``run.det.ipm2.sum``."""

from collections.abc import Iterator

from workbench.core.errors import UnknownNameError
from workbench.core.table import Table
from workbench.runs.channel import Channel
from workbench.runs.protocol import AnyRun


class Detector:
    """The fields of one detector as attributes; names that are no Python names in brackets."""

    def __init__(self, run: AnyRun, name: str) -> None:
        self._run = run
        self._name = name
        start = f"{name}/"
        self._fields = {
            field.removeprefix(start): field for field in run.infos if field.startswith(start)
        }

    def __dir__(self) -> list[str]:
        return [name for name in self._fields if name.isidentifier()]

    def __getattr__(self, name: str) -> Channel:
        if name.startswith("_") or name not in self._fields:
            raise AttributeError(str(self._unknown(name)))
        return self._run[self._fields[name]]

    def __getitem__(self, name: str) -> Channel:
        if name not in self._fields:
            raise self._unknown(name)
        return self._run[self._fields[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def _unknown(self, name: str) -> UnknownNameError:
        return UnknownNameError("field", name, self._fields, f"{self._run.label}, {self._name}")

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._fields)

    def __repr__(self) -> str:
        return str(self._table)

    def _repr_html_(self) -> str:
        return self._table._repr_html_()

    @property
    def _table(self) -> Table:
        infos = ((name, self._run.infos[field]) for name, field in self._fields.items())
        rows = tuple((name, " x ".join(map(str, i.shape)), i.dtype, i.unit) for name, i in infos)
        return Table(("field", "shape", "type", "unit"), rows, caption=self._name)


class Detectors:
    """The detectors of a run, and the other folders of its file, as attributes."""

    def __init__(self, run: AnyRun) -> None:
        self._run = run
        self._names = sorted({name.split("/")[0] for name in run.infos if "/" in name})

    def __dir__(self) -> list[str]:
        return [name for name in self._names if name.isidentifier()]

    def __getattr__(self, name: str) -> Detector:
        if name.startswith("_") or name not in self._names:
            raise AttributeError(str(self._unknown(name)))
        return Detector(self._run, name)

    def __getitem__(self, name: str) -> Detector:
        if name not in self._names:
            raise self._unknown(name)
        return Detector(self._run, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def _unknown(self, name: str) -> UnknownNameError:
        return UnknownNameError("detector", name, self._names, self._run.label)

    def _ipython_key_completions_(self) -> list[str]:
        return self._names

    def __repr__(self) -> str:
        return f"{self._run.label}: {', '.join(self._names)}"

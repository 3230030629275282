"""The user's own reductions: classes of the config itself or of an installed package.

A class of the config runs in the producer's processes, not in one of its own as the config does
when it is read: it works on every event.
"""

import sys
import types
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Array, Bools, Frames
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.producer.evaluate import FACILITY, Facility
from workbench.reductions import Reduction, reductions

# What a user's class may raise; the rest is a fault of the machine and stops the run.
USER_ERRORS = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, OSError,
    RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip


class OwnReductionError(InputError):
    """A user's own reduction that cannot be made, failed, or returned what it did not declare."""


@dataclass(frozen=True, eq=False)
class OwnReduction(Reduction):
    """A reduction by the name of its class; every process makes it for itself.

    Parameters
    ----------
    kind
        Name of a class in the config, of an entry point ``workbench.reductions``, or of ours.
    parameters
        What the class is called with.
    path, text
        The config.
    """

    kind: str
    parameters: Mapping[str, Any]
    path: str = ""
    text: str = ""

    @cached_property
    def made(self) -> Reduction:
        """The user's reduction; raises `OwnReductionError` where it cannot be made."""
        with self._blamed():
            kind = vars(_module(self.path, self.text)).get(self.kind)
            if kind is None:
                kind = self._installed()
            if not isinstance(kind, type) or not issubclass(kind, Reduction):
                raise TypeError("it is no class derived from workbench.reductions.Reduction")
            return kind(**self.parameters)

    def region(self, spec: FrameSpec) -> Bounds:
        """Return the pixels that it needs, which must lie on the detector."""
        with self._blamed():
            return self.made.region(spec).fit(spec.shape)

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare what the class declares."""
        with self._blamed():
            return tuple(self.made.outputs(spec))

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return its class and what the class keeps."""
        with self._blamed():
            kept = dict(self.made.settings(spec))
        return {"reduction": Setting(self.kind, "1", "class of the user's reduction"), **kept}

    def usable(self, spec: FrameSpec) -> Bools:
        """Tell which pixels the class makes values of."""
        with self._blamed():
            return self.made.usable(spec)

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return what the class returns, checked against what it declares."""
        outputs = self.outputs(spec)
        with self._blamed():
            values: Any = self.made.reduce_region(pixels, spec)
            if not isinstance(values, Mapping) or set(values) != {one.name for one in outputs}:
                raise TypeError(f"it declares {[one.name for one in outputs]} and returns others")
            return {one.name: _checked(values[one.name], one, len(pixels)) for one in outputs}

    def __getstate__(self) -> dict[str, Any]:
        return {key: kept for key, kept in self.__dict__.items() if key != "made"}

    def _installed(self) -> type:
        try:
            return reductions[self.kind]
        except UnknownNameError as error:
            raise LookupError(f"no class of that name in the config; {error}") from error

    @contextmanager
    def _blamed(self) -> Generator[None]:
        """Let what goes wrong in the user's class be one kind of error that names it."""
        try:
            yield
        except OwnReductionError:
            raise
        except USER_ERRORS as error:
            text = f"reduction {self.kind}: {type(error).__name__}: {error}"
            raise OwnReductionError(text + _line(error, self.path)) from error


def _checked(values: Any, output: Output, events: int) -> Array:
    array = np.asarray(values, object if output.ragged else None)
    if len(array) != events or not (output.ragged or array.shape[1:] == output.shape):
        shape = "(event,)" if output.ragged else f"(event, {str(output.shape)[1:-1]})"
        raise ValueError(f"{output.name!r} of {events} events has shape {array.shape}, not {shape}")
    return array if output.ragged else array.astype(output.dtype, casting="same_kind", copy=False)


def _module(path: str, text: str) -> types.ModuleType:
    """Run the config's text as a module, once per process; facility packages may be missing."""
    name = f"producer_config_{sha256(text.encode()).hexdigest()[:16]}"
    if name not in sys.modules:
        module = types.ModuleType(name)
        module.__file__ = path
        sys.modules[name] = module  # dataclasses look their module up
        whole = False
        try:
            with _stand_ins(Path(path).parent):
                exec(compile(text, path, "exec"), vars(module))  # noqa: S102 - the user's own code
            whole = True
        finally:
            if not whole:
                del sys.modules[name]
    return sys.modules[name]


@contextmanager
def _stand_ins(folder: Path) -> Generator[None]:
    """Let a config find modules beside it, and stand-ins for facility packages that are missing."""
    before, finder, place = set(sys.modules), Facility(), str(folder.absolute())
    sys.meta_path.append(finder)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            loader = getattr(sys.modules[name], "__loader__", None)
            if name.split(".", 1)[0] in FACILITY and isinstance(loader, Facility):
                del sys.modules[name]


def _line(error: BaseException, path: str) -> str:
    """Return the line of the config that failed, as the end of a message."""
    step, line = error.__traceback__, 0
    while step is not None:
        line = step.tb_lineno if step.tb_frame.f_code.co_filename == path else line
        step = step.tb_next
    return f" (line {line} of the config)" if line else ""

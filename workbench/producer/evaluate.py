"""Runs a user's config file in a process of its own.

Called as ``python evaluate.py PATH RUN NAMES FD SECONDS BYTES``, RUN a number or a text in JSON.
The text of the file comes on standard input; results go to the file descriptor FD as one JSON
object a line, as soon as each is known, so that a later crash loses nothing. This file imports
nothing of the project, because the config must not be able to see or change it, and little else,
because a production waits for it.
"""

import base64
import faulthandler
import importlib.machinery
import json
import os
import resource
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

# Imported by configs written for the facility's computers and not needed to read values.
FACILITY = (
    "psana", "smalldata_tools", "Detector", "ImgAlgos", "PSCalib", "pyimgalgos", "psmon",
    "psalgos", "RegDB", "xtcav", "xtcav2", "UtilsPsana", "mpi4py",
)  # fmt: skip
MODULE = "producer_config"  # name under which a config runs
DEEPEST = 20  # levels of nested lists; more is a list that contains itself
ERROR_WIDTH = 300  # characters of an exception's text that are kept


def main(arguments: Sequence[str]) -> None:
    """Evaluate the config and leave one message per name."""
    path, run, names, descriptor, seconds, size = arguments
    text = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_AS, (int(size), int(size)))
    with os.fdopen(int(descriptor), "w", encoding="utf-8") as out:
        faulthandler.dump_traceback_later(float(seconds), exit=True)
        sys.path[0] = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120 - starts in 30 ms without pathlib
        sys.meta_path.insert(0, Facility())
        module = types.ModuleType(MODULE)
        module.__file__ = path
        loader = _Text(path, text)
        if _told(out, "", path, lambda: loader.exec_module(module)):
            for name in json.loads(names):
                _tell_value(out, name, path, module, json.loads(run))
        out.write(json.dumps({"done": True}) + "\n")
        out.flush()
    os._exit(0)  # threads and exit hooks of the config have no say


def _tell_value(out: Any, name: str, path: str, module: types.ModuleType, run: int | str) -> None:
    value = vars(module).get(name)
    if value is None:
        return
    if not callable(value):
        _told(out, name, path, lambda: value)
    elif isinstance(run, int):
        _told(out, name, path, lambda: value(run))
    else:
        _told(out, name, path, lambda: _of_text(value, run))


class OfText:
    """What a function gives for the run as a text; it gives something else for the number."""

    def __init__(self, value: Any, other: str) -> None:
        self.value = value
        self.other = other


def _of_text(function: Callable[[Any], Any], run: str) -> Any:
    try:
        number = function(int(run))
    except Exception:  # noqa: BLE001 - it is made for texts
        return function(run)
    try:
        text = function(run)
    except TypeError as error:  # it compares with numbers: it never worked in LCLS-I
        return OfText(number, f"fails with {error}; what it gives for the number is used")
    if encode(text) != encode(number):
        return OfText(text, "gives something else")
    return text


def shared(value: Any) -> list[str]:
    """Return where dictionaries stand that stand elsewhere in the value, too."""
    seen: dict[int, list[str]] = {}

    def walk(part: Any, place: str, depth: int) -> None:
        if isinstance(part, dict):
            seen.setdefault(id(part), []).append(place)
        if depth < DEEPEST and isinstance(part, dict | list | tuple):
            items = part.items() if isinstance(part, dict) else enumerate(part)
            for key, item in items:
                walk(item, f"{place}[{key!r}]", depth + 1)

    walk(value, "", 0)
    return next((places for places in seen.values() if len(places) > 1), [])


def _told(out: Any, name: str, path: str, work: Callable[[], Any]) -> bool:
    """Do the work in a thread, where any way of ending comes back as a value; tell how it ended."""
    values: list[Any] = []
    errors: list[BaseException | None] = []
    remarks: dict[str, Any] = {}

    def give() -> None:
        value = work()
        if isinstance(value, OfText):
            remarks["text"] = value.other
            value = value.value
        remarks["shared"] = shared(value)
        values.append(encode(value))

    threading.excepthook = lambda told: errors.append(told.exc_value)
    thread = threading.Thread(target=give)
    thread.start()
    thread.join()
    error = errors[0] if errors else None
    if values:
        message = {"name": name, "value": values[0], **remarks}
    else:
        text = f"{type(error).__name__}: {error}"[:ERROR_WIDTH]
        ends = isinstance(error, SystemExit)
        message = {"name": name, "error": text, "exit": ends, "line": _line(error, path)}
    out.write(json.dumps(message) + "\n")
    out.flush()
    return bool(values)


def _line(error: BaseException | None, path: str) -> int:
    """Return the line of the config that failed: the innermost one that is in it."""
    step, line = error.__traceback__ if error else None, 0
    while step is not None:
        if step.tb_frame.f_code.co_filename == path:
            line = step.tb_lineno
        step = step.tb_next
    return line


def compiled(question: dict[str, Any]) -> types.CodeType:
    """Return the code of a config's text, ready to find its own folder and facility modules."""
    path = question["path"]
    sys.path[0] = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120 - as above
    sys.meta_path.insert(0, Facility())
    return compile(base64.b64decode(question["text"]), path, "exec")


def encode(value: Any, depth: int = 0) -> Any:
    """Return plain JSON values; arrays in base 64, anything else by the name of its type."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if depth < DEEPEST:
        if isinstance(value, dict):
            return {
                "dict": [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [encode(item, depth + 1) for item in value]
    if isinstance(value, slice):
        return {"slice": [encode(end, DEEPEST) for end in (value.start, value.stop, value.step)]}
    if type(value).__module__ == "numpy":
        if hasattr(value, "dtype") and value.dtype.kind == "b":
            bits = sys.modules["numpy"].packbits(value).tobytes()  # configs hold many large masks
            return {"bits": [list(value.shape), base64.b64encode(bits).decode()]}
        if hasattr(value, "dtype") and value.dtype.kind in "iuf":
            data = base64.b64encode(value.tobytes()).decode()
            return {"array": [value.dtype.str, list(value.shape), data]}
        if hasattr(value, "item") and value.ndim == 0:
            return encode(value.item(), depth + 1)
    return {"odd": type(value).__name__}


class _Text(importlib.machinery.SourceFileLoader):
    """Loads exactly the bytes that were given, whatever happens to the file meanwhile."""

    def __init__(self, path: str, text: bytes) -> None:
        super().__init__(MODULE, path)
        self._text = text

    def get_data(self, path: str | bytes) -> bytes:  # noqa: ARG002
        """Return the config's text."""
        return self._text

    def path_stats(self, path: str | bytes) -> Any:
        """Tell nothing of the file: no compiled code is looked for or left beside it."""
        raise OSError(path)

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the config in `module`."""
        module.__spec__ = importlib.machinery.ModuleSpec(MODULE, self, origin=self.path)
        super().exec_module(module)


class _Anything(types.ModuleType):
    """A facility module or anything taken from it: has every attribute, can be called."""

    __path__: list[str] = []  # noqa: RUF012 - the import system reads it from modules

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything(name)

    def __call__(self, *_: Any, **__: Any) -> Any:
        return _Anything("result")

    def __iter__(self) -> Iterator[Any]:
        return iter(())


class Facility:
    """Finds and loads stand-ins for the facility's own modules."""

    def find_spec(
        self,
        fullname: str,
        path: Any = None,  # noqa: ARG002 - the import protocol asks so
        target: Any = None,  # noqa: ARG002 - the import protocol asks so
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a stand-in for facility modules, nothing for others."""
        if fullname.split(".", 1)[0] not in FACILITY:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)  # type: ignore[arg-type]  # importlib.abc takes 25 ms to load

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """Return the stand-in."""
        return _Anything(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Leave the stand-in as it is."""


if __name__ == "__main__":
    main(sys.argv[1:])

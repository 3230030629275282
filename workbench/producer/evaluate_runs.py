"""Answers what a config gives in many runs: a process that forks a child for each question.

Called as ``python evaluate_runs.py``; questions and answers are JSON objects, one a line, on the
standard streams. NumPy is loaded once, so a question costs milliseconds. As `evaluate.py`, which
it uses, it imports nothing of the project.
"""

import base64
import contextlib
import gc
import hashlib
import importlib
import json
import math
import os
import resource
import select
import signal
import sys
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

ERROR_WIDTH = 200  # characters of an exception's text that are kept
BLOCK = 1 << 20  # bytes read from a pipe at a time


# The script beside this one; without pathlib, which would take longer to load than the rest.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
evaluate = importlib.import_module("evaluate")


def main() -> None:
    """Answer until the questions end."""
    importlib.import_module("numpy")
    gc.collect()
    gc.freeze()  # children then share these objects' pages instead of copying them
    for line in sys.stdin.buffer:
        answer = ask_child(json.loads(line))
        sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()


def ask_child(question: dict[str, Any]) -> bytes:
    """Fork, let the child answer, and stop it when its time is over."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.setsid()
        answer_and_end(question, writer)
    os.close(writer)
    pieces: list[bytes] = []
    in_time = True
    while True:
        in_time = bool(select.select([reader], [], [], question["seconds"])[0])
        piece = os.read(reader, BLOCK) if in_time else b""
        if not piece:
            break
        pieces.append(piece)
    os.close(reader)
    with contextlib.suppress(ProcessLookupError):  # it ended by itself and left nobody behind
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    text = b"".join(pieces)
    if text.endswith(b"\n"):
        return text[:-1]
    what = "timeout" if not in_time else f"died ({os.waitstatus_to_exitcode(status)})"
    return json.dumps({"failed": what}).encode()


def answer_and_end(question: dict[str, Any], writer: int) -> None:
    """Evaluate the text in every run, write the answer and leave without any exit hook."""
    resource.setrlimit(resource.RLIMIT_AS, (question["bytes"], question["bytes"]))
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    code = evaluate.compiled(question)
    results: list[Any] = []
    places: dict[str, int] = {}
    numbers: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        for run in question["runs"]:
            values = of_run(question, code, run, pool)
            text = json.dumps(values, sort_keys=True)
            if text not in places:
                places[text] = len(results)
                results.append(values)
            numbers.append(places[text])
    with os.fdopen(writer, "w", encoding="utf-8") as out:
        out.write(json.dumps({"results": results, "numbers": numbers}) + "\n")
    os._exit(0)


def of_run(
    question: dict[str, Any], code: types.CodeType, run: int, pool: ThreadPoolExecutor
) -> dict[str, Any]:
    """Return the value of every name of the config in one run, in a module of its own.

    All names together first, which is fast; where that fails, one by one, to name what fails.
    """
    together = pool.submit(lambda: _together(question, code, run))
    return one_by_one(question, code, run, pool) if together.exception() else together.result()


def _together(question: dict[str, Any], code: types.CodeType, run: int) -> dict[str, Any]:
    module = new_module(question)
    exec(code, vars(module))  # noqa: S102 - the user's own config
    return {name: {"value": work()} for name, work in works(question, module, run)}


def one_by_one(
    question: dict[str, Any], code: types.CodeType, run: int, pool: ThreadPoolExecutor
) -> dict[str, Any]:
    """Return value or error of every name in one run."""
    module = new_module(question)
    failed = told(pool, lambda: exec(code, vars(module)))  # noqa: S102 - the user's own config
    if "error" in failed:
        return {"": failed}
    return {name: told(pool, work) for name, work in works(question, module, run)}


def new_module(question: dict[str, Any]) -> types.ModuleType:
    """Return an empty module in which the config is to run."""
    module = types.ModuleType("producer_config")
    module.__file__ = question["path"]
    sys.modules[module.__name__] = module
    return module


def works(
    question: dict[str, Any], module: types.ModuleType, run: int
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield each name of a config that has run, and what gives its value as plain values."""
    argument = str(run) if question["as_text"] else run
    for name in list(vars(module)):
        value = vars(module)[name]
        if not name.startswith("get") and name not in question["names"]:
            continue
        if isinstance(value, types.FunctionType):
            yield name, partial(called, value, argument)
        elif not callable(value) and not isinstance(value, types.ModuleType):
            yield name, partial(plain, value)


def called(function: Callable[..., Any], argument: Any) -> Any:
    """Return what a function of the config gives, as plain values."""
    return plain(function(argument))


def plain(value: Any) -> Any:
    """Return a value of the config as plain values."""
    return digest(evaluate.encode(value))


def told(pool: ThreadPoolExecutor, work: Callable[[], Any]) -> dict[str, Any]:
    """Do the work in a thread, where any way of ending comes back as a value."""
    future = pool.submit(work)
    error = future.exception()
    if error is None:
        return {"value": future.result()}
    return {"error": f"{type(error).__name__}: {error}"[:ERROR_WIDTH]}


def digest(value: Any) -> Any:
    """Return an encoded value with each array replaced by its type, shape and checksum."""
    if isinstance(value, list):
        return [digest(item) for item in value]
    if isinstance(value, dict) and "dict" in value:
        return {"dict": [[digest(key), digest(item)] for key, item in value["dict"]]}
    if isinstance(value, dict) and "bits" in value:
        shape, data = value["bits"]
        packed = sys.modules["numpy"].frombuffer(base64.b64decode(data), "u1")
        bits = sys.modules["numpy"].unpackbits(packed, count=math.prod(shape))
        return {"odd": f"array |b1 {shape} {hashlib.sha256(bits.tobytes()).hexdigest()}"}
    if isinstance(value, dict) and "array" in value:
        dtype, shape, data = value["array"]
        name = hashlib.sha256(base64.b64decode(data)).hexdigest()
        return {"odd": f"array {dtype} {shape} {name}"}
    return value


if __name__ == "__main__":
    main()

"""What a config gives in many runs: the client of the process that evaluates it."""

import ast
import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from workbench.producer.editor.problems import CannotEditError
from workbench.producer.editor.source import Source
from workbench.producer.evaluation import MEMORY_LIMIT, decode
from workbench.producer.spellings import LCLS1_NAMES

TIME_LIMIT = 20.0  # s for one version of a file in all its runs
LISTS = {  # names of generation I -> II; the others are the same
    "detnames": "detectors",
}
NAMES = (
    "detectors", "detnames", "epicsPV", "epicsArchFilePV", "epicsOncePV", "ttCalib", "aioParams",
    "xdetectors", "integrating_detectors", "slow_detectors",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What one name of a config gives in one run: a value, or the error that it raised."""

    value: Any = None
    error: str = ""


Values = dict[str, Outcome]


class Evaluator:
    """A process that evaluates versions of configs; use it in a ``with`` block or `close` it."""

    def __init__(self, time_limit: float = TIME_LIMIT) -> None:
        self.time_limit = time_limit
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Evaluator":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            process, self._process = self._process, None
            process.communicate()

    def values(self, source: Source, path: Path, runs: Sequence[int]) -> dict[int, Values]:
        """Return what each list and ``get*`` function of a config gives in each run."""
        question = {
            "path": str(path),
            "text": base64.b64encode(source.raw).decode(),
            "runs": list(runs),
            "names": NAMES,
            "as_text": generation(source) == "lcls1",
            "seconds": self.time_limit,
            "bytes": MEMORY_LIMIT,
        }
        answer = self._ask(question)
        if "failed" in answer:
            raise CannotEditError(
                f"{source.name}: evaluating it ended with {answer['failed']}; make it return "
                f"within {self.time_limit:g} s, then edit it"
            )
        results = [
            {name: _outcome(told) for name, told in values.items()} for values in answer["results"]
        ]
        return {run: results[at] for run, at in zip(runs, answer["numbers"], strict=True)}

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            script = Path(__file__).parents[1] / "evaluate_runs.py"
            self._process = subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise CannotEditError("the process that evaluates configs has gone; call again")
        answer: dict[str, Any] = json.loads(line)
        return answer


@lru_cache(maxsize=32)  # asked several times of each version
def generation(source: Source) -> str:
    """Return "lcls1" where the config has names of that producer only, else "lcls2"."""
    names = {
        target.id
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    } | {node.name for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef)}
    return "lcls1" if names & LCLS1_NAMES and "detectors" not in names else "lcls2"


def list_name(source: Source) -> str:
    """Return what the config calls its list of detectors."""
    return "detnames" if generation(source) == "lcls1" else "detectors"


def _outcome(told: dict[str, Any]) -> Outcome:
    if "error" in told:
        return Outcome(error=told["error"])
    return Outcome(decode(told["value"]))

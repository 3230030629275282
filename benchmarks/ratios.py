"""Measured ratios beside their goals."""

from dataclasses import dataclass, field


@dataclass
class Ratios:
    """Measured ratios beside their goals; printed when all benchmarks are through."""

    rows: list[tuple[str, float, float | None, str]] = field(default_factory=list)

    def add(self, what: str, *, measured: float, goal: float | None, detail: str = "") -> None:
        """Note one ratio; it should reach the goal, if there is one."""
        self.rows.append((what, measured, goal, detail))

    def lines(self) -> list[str]:
        widest = max(len(what) for what, *_ in self.rows)
        return [
            f"{what:{widest}}  {_goal(goal)}  measured {measured:6.2f}  "
            f"{_verdict(measured, goal)}  {detail}".rstrip()
            for what, measured, goal, detail in self.rows
        ]


def _goal(goal: float | None) -> str:
    return "no goal      " if goal is None else f"goal >= {goal:5.2f}"


def _verdict(measured: float, goal: float | None) -> str:
    if goal is None:
        return "      "
    return "met   " if measured >= goal else "MISSED"

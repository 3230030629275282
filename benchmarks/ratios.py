"""Measured ratios beside their goals."""

from dataclasses import dataclass, field


@dataclass
class Ratios:
    """Measured ratios beside their goals; printed when all benchmarks are through."""

    rows: list[tuple[str, float, float, str]] = field(default_factory=list)

    def add(self, what: str, *, measured: float, goal: float, detail: str = "") -> None:
        """Note one ratio; it should reach the goal."""
        self.rows.append((what, measured, goal, detail))

    def lines(self) -> list[str]:
        widest = max(len(what) for what, *_ in self.rows)
        return [
            f"{what:{widest}}  goal >= {goal:5.2f}  measured {measured:6.2f}  "
            f"{'met' if measured >= goal else 'MISSED'}  {detail}".rstrip()
            for what, measured, goal, detail in self.rows
        ]

"""A page in place of a report: why there is none, and from which file it would have been."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

_STYLE = Path(__file__).parent / "report_page" / "style.css"


def notice_page(
    title: str, *, where: str, state: str, reason: str, facts: Sequence[tuple[str, str]]
) -> str:
    """Return a page that looks like a report.

    Parameters
    ----------
    title, where
        Heading, and the line below it: experiment, run, template.
    state
        One word or two, shown as the state.
    reason
        Why there is no report, in a sentence with the way out.
    facts
        Names and values for the table at the end.
    """
    rows = "\n".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in facts
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{_STYLE.read_text("utf-8")}</style>
</head>
<body>
<main>
<header class="facts">
<p class="where">{escape(where)} <span class="state failed">{escape(state)}</span></p>
</header>
<h1>{escape(title)}</h1>
<p class="failure"><strong>There is no report of this run.</strong> {escape(reason)}</p>
<table class="record"><tbody>
{rows}
</tbody></table>
</main>
</body>
</html>
"""

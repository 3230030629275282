"""Write docs/reference/fields.md from the field dictionary: roles and values, hutch by hutch."""

from collections.abc import Iterator
from math import inf, isfinite
from pathlib import Path

from workbench.facility import RoleField, hutch, roles
from workbench.facility.facts import known_names
from workbench.facility.hutches import GENERATIONS, DetectorFact, Hutch

HEAD = """# Fields of each hutch

Made from the [field dictionary](field-dictionary.md), whose keys are explained there. Roles: the
first dataset that is in the file serves. `?` as unit: no public source tells it; *assumed*: no
public file or list shows the name.
"""
NAMES = {"lcls1": "LCLS-I", "lcls2": "LCLS-II"}


def write_fields(folder: Path) -> Path:
    """Write the page into a folder; return it."""
    page = folder / "fields.md"
    found = [_describe(hutch(name), one) for name in known_names("hutches") for one in GENERATIONS]
    page.write_text("\n".join([HEAD, *(line for lines in found for line in lines)]), "utf-8")
    return page


def _describe(place: Hutch, generation: str) -> Iterator[str]:
    detectors = place.defaults(generation)
    if not detectors:
        return
    yield f"\n## {place.title}, {NAMES[generation]}\n"
    yield "| role | dataset | unit | usual range | meaning |"
    yield "|---|---|---|---|---|"
    for role, lines in roles(place.name, generation).items():
        yield from (_role(role, line) for line in lines)
    yield f"\nValues of default detectors at {place.title}, {NAMES[generation]}:\n"
    yield "| folder | source | values [unit] |"
    yield "|---|---|---|"
    yield from map(_detector, detectors)


def _role(role: str, line: RoleField) -> str:
    low, high = line.good or (-inf, inf)
    usual = f"{low:g} to {high:g}" if isfinite(high) else f"from {low:g}" if isfinite(low) else ""
    needs = f"where `{line.needs}` is" if line.needs else ""
    meaning = "; ".join(filter(None, [line.meaning, needs, "*assumed*" if line.assumed else ""]))
    return _row(role, f"`{line.name}`", line.unit or "?", usual, meaning)


def _detector(one: DetectorFact) -> str:
    values = ", ".join(f"`{fact.name}` [{fact.unit or '?'}]" for fact in one.fields)
    sources = ", ".join((one.source, *one.also)) + (" (*assumed*)" if one.assumed else "")
    return _row(f"`{one.group}`", sources, values or "as they come")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

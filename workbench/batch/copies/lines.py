"""Three-way merge of text, line by line: the changes of both sides, or None where they clash."""

from difflib import SequenceMatcher

Change = tuple[int, int, tuple[str, ...]]  # lines [first, last) of the base become these


def merge_text(base: str, mine: str, theirs: str) -> str | None:
    """Return the base with the changes of both sides; None where they clash.

    Equal changes count once. Changes without an unchanged line between them clash.
    """
    if mine == theirs or theirs == base:
        return mine
    if mine == base:
        return theirs
    old = base.split("\n")
    merged: list[str] = []
    place, before = 0, -1
    for first, last, lines in sorted({*_changes(old, mine), *_changes(old, theirs)}):
        if first <= before:
            return None
        merged += [*old[place:first], *lines]
        place = before = last
    return "\n".join([*merged, *old[place:]])


def _changes(old: list[str], text: str) -> list[Change]:
    new = text.split("\n")
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(a, b, tuple(new[c:d])) for tag, a, b, c, d in codes if tag != "equal"]

"""How a walk through the bytes can end, and the words for it."""

from workbench.sources.xtc2.layout import MAX_DEPTH

FINE = 0
FULL = 1  # no room for more; call again with new room
CUT_OFF = 2  # the buffer ends inside a datagram
BAD_EXTENT = 3
PAST_PARENT = 4
BAD_TYPE = 5
BAD_SERVICE = 6
TOO_DEEP = 7
UNKNOWN_NAMES = 8
BAD_CHILDREN = 9
SHAPES_SHORT = 10
PAST_DATA = 11
CHANGED = 12
STRAY_NAMES = 13

PROBLEMS = {
    BAD_EXTENT: "a block claims fewer bytes than its own header has",
    PAST_PARENT: "a block reaches past the end of the block that holds it",
    BAD_TYPE: "a block of a type that has no place here",
    BAD_SERVICE: "a datagram with an unknown transition number",
    TOO_DEEP: f"blocks nested deeper than {MAX_DEPTH}",
    UNKNOWN_NAMES: "a record whose names number the Configure does not describe",
    BAD_CHILDREN: "a record that holds something else than one Shapes and one Data block",
    SHAPES_SHORT: "a record with fewer shapes than arrays",
    PAST_DATA: "a field that reaches past the end of its record",
    CHANGED: "not the datagram that the index announces",
    STRAY_NAMES: "a description of records outside Configure",
}

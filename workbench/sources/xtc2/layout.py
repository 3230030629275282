"""Numbers of the XTC2 format: headers, transitions, block types, element types."""

from enum import IntEnum

DGRAM_HEADER = 24  # bytes: time, env, and the header of the outermost block
SERVICE_BYTE = 11  # byte of a datagram whose low 4 bits are its `Service`
XTC_HEADER = 12  # bytes: source, damage, type, extent
NAMES_HEADER = 1048  # bytes in a Names block before the first field
NAME_ENTRY = 524  # bytes per field in a Names block
SHAPE_ENTRY = 20  # bytes per array in a Shapes block
MAX_RANK = 5
MAX_DEPTH = 16  # blocks inside blocks; real files have 3
MAX_RUNS = 1000  # in one file; the DAQ begins a new file with each run
CORRUPTED = 1 << 3  # damage bit: the DAQ says that the content makes no sense


class Service(IntEnum):
    """What a datagram is: a transition of the DAQ, or an event."""

    CLEAR_READOUT = 0
    RESET = 1
    CONFIGURE = 2
    UNCONFIGURE = 3
    BEGIN_RUN = 4
    END_RUN = 5
    BEGIN_STEP = 6
    END_STEP = 7
    ENABLE = 8
    DISABLE = 9
    SLOW_UPDATE = 10
    END_OF_BATCH = 11
    EVENT = 12


PARENT, SHAPES_DATA, SHAPES, DATA, NAMES = range(5)

TYPES = (  # element type number -> NumPy name
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float32",
    "float64",
    "str",
    "enum",
    "enumdict",
)
ITEM_SIZES = (1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 1, 4, 4)  # bytes, in the order of TYPES
STORED = {"str": "uint8", "enum": "int32", "enumdict": "int32"}  # NumPy name where it differs

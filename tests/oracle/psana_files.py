"""psana's own test files: which are runs, and what is special about some."""

EXPERIMENT, FILE_NUMBER = "xpptut15", 14  # in the names of the files of every folder
TOY = "test_data/{}/" + f"{EXPERIMENT}-r{FILE_NUMBER:04}-" + "s{:03}-c000.xtc2"
STREAMS = {"fakesteps": 2, "intg_det": 3, "mixed_rate": 2, "multi-seg-epics": 2}
RUNS = (
    *(f"test_data/{folder}" for folder in ("chunking", *STREAMS)),
    *(TOY.format(folder, stream) for folder, count in STREAMS.items() for stream in range(count)),
    "test_data/detector/test_epix_calib.xtc2",
    "test_data/detector/test_jungfrau05M_calib.xtc2",
    "test_hsd.xtc2",
)
NO_RUN = "test_timetool.xtc2"  # no BeginRun: psana finds no run in it
OLD = "hsd_061918_n3.xtc"  # the layout of 2018
INTEGRATING = ("test_data/intg_det", "andor")

"""Configs as they are found in experiments: every way of writing an entry, drawn at random."""

from dataclasses import dataclass

from hypothesis import strategies as st

RUNS = range(46)  # all numbers of guards lie inside, so these runs are all there is to try
DETECTORS = ("epix_1", "jungfrau1M", "rayonix")
GUARDS = (
    "run > {a}",
    "run >= {a}",
    "run < {a}",
    "run <= {b}",
    "int(run) == {a}",
    "{a} < run <= {b}",
    "run > {a} and run < {b}",
    "run == {a} or run == {b}",
    "run in [{a}, {b}]",
    "run not in ({a}, {b})",
    "run > {b} or run in range({a}, {b})",
    "run < 0",
    "True",
)
ODDMENTS = (
    "# ünïcode: Röntgen Å",
    "# commented out: ret['epix_1'] = [{'ROI': [[0, 1], [2, 3]]}]",
    "x = 3   ",
    "note = f'{run} of {x if (x := 2) else 0}'",
    "pass",
    '"""a text\n  over lines"""',
    "spare = {'epix_1': [{'name': 'ROI_0', 'ROI': [[1, 2], [3, 4]]}]}  # of last year",
    "brace = f'{{}} {run:>4d}'",
)
ROI_VALUES = (
    ("writeArea", ("True", "False")),
    ("thresADU", ("2", "[1.5, 1e6]")),
    ("pj", ("[{'axis': 0, 'thresADU': 3}]",)),
    ("userMask", ("np.ones((4, 5))",)),
)
AZAV_VALUES = {
    "center": ("[87526.7, 79790.3]", "(1., 2.)", "[x0, 2.5]"),
    "dis_to_sam": ("80.", "80", "9e1"),
    "eBeam": ("9.5", "18"),
    "qbin": ("5e-3", "0.01"),
    "phiBins": ("11",),
    "userMask": ("None", "np.ones((4, 5))"),
}
PONI_VALUES = {
    "poni_file": (
        "'/cds/a.poni'",
        "str(Path('/cds') / 'a.poni')",
        "(\n        '/cds/data/psdm/'  # two parts\n        'a.poni'\n        )",
    ),
    "npts": ("512",),
    "int_units": ("'q_A^-1'",),
    "return2d": ("False",),
}


@dataclass(frozen=True)
class Text:
    """A config: its bytes, and whether it is written for the older producer."""

    raw: bytes
    old_producer: bool


def function_of(old_producer: bool, kind: str) -> str:
    """Return the function of one producer that holds regions or parameters of integration."""
    old = {"azav": "getAzIntParams", "pyfai": "getAzIntPyFAIParams"}
    new = {"azav": "get_azav", "pyfai": "get_azav_pyfai"}
    return (old if old_producer else new).get(kind, "getROIs")


@st.composite
def numbers(draw: st.DrawFn) -> tuple[int, int]:
    a = draw(st.integers(1, 38))
    return a, a + draw(st.integers(1, 5))


@st.composite
def guards(draw: st.DrawFn) -> str:
    a, b = draw(numbers())
    return draw(st.sampled_from(GUARDS)).format(a=a, b=b)


@st.composite
def bounds(draw: st.DrawFn) -> str:
    axes = draw(st.integers(1, 3))
    pairs = []
    for _ in range(axes):
        low = draw(st.integers(0, 30))
        high = draw(st.sampled_from([str(low + 7), "1e6", str(low + 100)]))
        pairs.append(
            draw(st.sampled_from([f"[{low}, {high}]", f"[{low},{high}]", f"({low}, {high})"]))
        )
    gap = draw(st.sampled_from([", ", ",", ",  # rows, then columns\n            "]))
    return f"[{gap.join(pairs)}]"


@st.composite
def entry(draw: st.DrawFn, name: str) -> str:
    """Return a dict literal."""
    parts = [f"'ROI': {draw(st.one_of(bounds(), bounds(), st.just('None')))}"]
    if name != "ROI":
        quote = draw(st.sampled_from("'\""))
        parts.insert(draw(st.integers(0, 1)), f"{quote}name{quote}: {quote}{name}{quote}")
    key, values = draw(st.sampled_from(ROI_VALUES))
    if draw(st.booleans()):
        parts.append(f"'{key}': {draw(st.sampled_from(values))}")
    comma = draw(st.sampled_from(["", ",", ", "]))
    return "{" + ", ".join(parts) + comma + "}"


@st.composite
def filling(draw: st.DrawFn, detector: str, index: int) -> list[str]:
    """Return lines that put regions of one detector into `ret`."""
    name = draw(st.sampled_from(["ROI_0", "ROI_1", "ROI", "azimuth"]))
    literal = draw(entry(name))
    key = f"'{detector}'"
    kind = draw(st.integers(0, 14))
    if kind == 0:
        return [f"ret[{key}] = [{literal}]"]
    if kind == 1:
        return [f"roi{index} = {literal}", f"ret[{key}] = [roi{index}]"]
    if kind == 2:
        made = [f"d{index} = {{}}", f"d{index}['name'] = '{name}'"]
        return [*made, f"d{index}['ROI'] = {draw(bounds())}", f"ret[{key}] = [d{index}]"]
    if kind == 3:
        return [
            f"box{index} = {draw(bounds())}",
            f"ret[{key}] = [{{'name': '{name}', 'ROI': box{index}}}]",
        ]
    if kind == 4:
        return [f"which{index}: str = {key}", f"ret[which{index}] = [{literal}]"]
    if kind == 5:
        return [f"ret[{key}] = [{literal}]", f"ret[{key}].append({draw(entry('late'))})"]
    if kind == 6:
        low = draw(st.integers(0, 9))
        return [
            f"ret[{key}] = []",
            "for i in range(2):",
            f"    box = [[{low}, {low} + 5 * (i + 1)], [0, 4]]",
            f"    ret[{key}].append({{'name': f'ROI_{{i}}', 'ROI': box}})",
        ]
    if kind == 7:
        return [f"ret[{key}] = [dict(name='{name}', ROI={draw(bounds())})]"]
    if kind == 8:
        return [f"ret.update({{{key}: ({literal},)}})"]
    if kind == 9:
        return [f"ret[roi_detname] = [{literal}]"]  # annotated, at the top of the file
    if kind == 10:
        made = [f"roi{number}_dict = {draw(entry(f'ROI_{number}'))}" for number in (0, 1)]
        return [*made, f"ret[{key}] = [roi0_dict, roi1_dict]  "]
    if kind == 11:
        one, two = draw(st.permutations(DETECTORS))[:2]
        return [f"shared = {literal}", f"ret['{one}'] = [shared]", f"ret['{two}'] = [shared]"]
    if kind == 12:
        late = f"ret[{key}].append({draw(entry('late'))})"
        return [f"ret[{key}] = [{literal}]", f"if {draw(guards())}:", f"    {late}"]
    if kind == 13:
        return ["ret['hsd'] = {}", "ret['hsd']['hsd_1'] = [0, 1e6]", "ret['hsd']['hsd_2'] = [5, 9]"]
    return [f"ret[{key}] = {literal}"]


@st.composite
def guarded(draw: st.DrawFn, detector: str, index: int) -> list[str]:
    """Return lines under a run guard, with or without other branches."""
    lines = draw(filling(detector, index))
    style = draw(st.integers(0, 3))
    if style == 0:
        return lines
    made = [f"if {draw(guards())}:", *indented(lines)]
    if style >= 2:
        word = "else" if style == 2 else f"elif {draw(guards())}"
        made += [f"{word}:", *indented(draw(filling(detector, index)))]
    return made


@st.composite
def regions(draw: st.DrawFn) -> list[str]:
    """Return a whole function `getROIs`."""
    argument = draw(st.sampled_from(["run", "run", "runnum"]))
    body = ["if isinstance(run, str):", "    run = int(run)", "ret = {}"]
    if argument != "run":
        body.insert(0, f"run = {argument}")
    if draw(st.integers(0, 5)) == 0:
        early = [f"if {draw(guards())}:", "    return {}"]
        body += draw(st.sampled_from([early, early, ["return {}"]]))
    for index, detector in enumerate(draw(st.lists(st.sampled_from(DETECTORS), max_size=3))):
        if draw(st.integers(0, 3)) == 0:
            body.append(draw(st.sampled_from(ODDMENTS)))
        body += draw(guarded(detector, index))
    ending = draw(st.integers(0, 4))
    if ending == 0:
        body += [f"return {{'epix_1': [{draw(entry('ROI_0'))}]}}"]
    elif ending == 1:
        body += ["return dict(ret)"]
    else:
        body += ["return ret"]
    return [f"def getROIs({argument}):", *indented(body)]


@st.composite
def integration(draw: st.DrawFn, old_producer: bool, kind: str) -> list[str]:
    """Return a whole function with parameters of azimuthal integration."""
    choices = PONI_VALUES if kind == "pyfai" else AZAV_VALUES
    body = ["run = int(run)", "ret = {}", "x0 = 87000.25"]
    for detector in draw(st.lists(st.sampled_from(DETECTORS), max_size=2)):
        keys = draw(st.lists(st.sampled_from(sorted(choices)), unique=True, min_size=1))
        values = {key: draw(st.sampled_from(choices[key])) for key in keys}
        if draw(st.booleans()):
            items = ", ".join(f"'{key}': {value}" for key, value in values.items())
            lines = [f"par = {{{items}}}"]
        else:
            lines = ["par = {}", *(f"par['{key}'] = {value}" for key, value in values.items())]
        lines.append(f"ret['{detector}'] = {'[par]' if old_producer else 'par'}")
        guard = draw(guards())
        body += [f"if {guard}:", *indented(lines)] if draw(st.booleans()) else lines
    body.append(draw(st.sampled_from(["return ret", "return ret", "return dict(ret)"])))
    return [f"def {function_of(old_producer, kind)}(run):", *indented(body)]


@st.composite
def detector_list(draw: st.DrawFn, listed: str) -> list[str]:
    """Return lines that make the list of detectors."""
    names = draw(st.lists(st.sampled_from(DETECTORS), unique=True, max_size=3))
    quoted = [f"'{name}'" for name in names]
    literal = f"[{', '.join(quoted)}]"
    kind = draw(st.integers(0, 7))
    if kind == 0:
        made = [f"hutch = '{draw(st.sampled_from(['xpp', 'xcs']))}'", "if hutch == 'xpp':"]
        return [*made, f"    {listed} = {literal}", "else:", f"    {listed} = ['rayonix']"]
    if kind == 1:
        return [f"{listed} = {literal}", f"{listed}.append('opal')"]
    if kind == 2:
        return [f"{listed} = ['opal']", f"{listed} = {literal}  # the last one counts"]
    if kind == 3:
        return [f"{listed} = [", *(f"    {name},  # mine" for name in quoted), "]"]
    if kind == 4:
        return [f"{listed} = {literal} + ['opal']"]
    return [f"{listed} = {literal}   # the detectors"]


@st.composite
def configs(draw: st.DrawFn, old: bool, held: str = "roi") -> Text:
    """Return a config that runs without errors in every run and mostly has what is asked for.

    Parameters
    ----------
    old
        For the producer of LCLS-I.
    held
        "roi", "azav" or "pyfai".
    """
    head = ["# -*- coding: utf-8 -*-"] if draw(st.integers(0, 4)) == 0 else []
    head += ["import numpy as np", "from pathlib import Path"]
    oddments = st.sampled_from(["# édité", "import os", "", "from psana import dgram"])
    head += draw(st.lists(oddments, max_size=2))
    lines = [*head, 'roi_detname: str = "epix_1"']
    lines += draw(detector_list("detnames" if old else "detectors"))
    lines += ["epicsPV = []", "ttCalib = None"] if old else ["epicsPV = ['lxt']"]
    if held != "roi" and draw(st.integers(0, 6)):
        lines += ["", *draw(integration(old, held))]
    if draw(st.integers(0, 6 if held == "roi" else 1)):
        lines += ["", *draw(regions())]
        if draw(st.integers(0, 6)) == 0:
            lines += ["", *draw(regions())]  # the last one counts
    if draw(st.booleans()):
        lines += ["", "def get_sum_algos(run):", "    return {'all': ['calib']}"]
    if draw(st.booleans()):
        lines = ["\t" * (indent(line) // 4) + line.lstrip(" ") for line in lines]
    ends = draw(st.sampled_from([("\n",), ("\r\n",), ("\n", "\r\n")]))  # or both in one file
    text = "".join(line + ends[at % len(ends)] for at, line in enumerate(lines))
    last = draw(st.sampled_from(["", ends[0], ends[0] * 3]))
    return Text((text.rstrip("\r\n") + last).encode(), old)


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for text in lines for line in text.split("\n")]


def indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))

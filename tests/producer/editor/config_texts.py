"""Configs as they are found in experiments: every way of writing a region, drawn at random."""

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
    "run < 0",
    "True",
)
ODDMENTS = (
    "# ünïcode: Röntgen Å",
    "# commented out: ret['epix_1'] = [{'ROI': [[0, 1], [2, 3]]}]",
    "x = 3   ",
    "note = f'{run} of {x if (x := 2) else 0}'",
    "pass",
    "'''a text\n  over lines'''",
)


@dataclass(frozen=True)
class Text:
    """A config: its bytes, and whether it is written for the older producer."""

    raw: bytes
    old_producer: bool


@st.composite
def numbers(draw: st.DrawFn) -> tuple[int, int]:
    a = draw(st.integers(1, 38))
    return a, a + draw(st.integers(1, 5))


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
    parts = [f"'ROI': {draw(bounds())}"]
    if name != "ROI":
        quote = draw(st.sampled_from("'\""))
        parts.insert(draw(st.integers(0, 1)), f"{quote}name{quote}: {quote}{name}{quote}")
    for key, values in (("writeArea", ("True", "False")), ("thresADU", ("2", "[1.5, 1e6]"))):
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
    kind = draw(st.integers(0, 9))
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
    return [f"ret[{key}] = {literal}"]


@st.composite
def guarded(draw: st.DrawFn, detector: str, index: int) -> list[str]:
    """Return lines under a run guard, with or without other branches."""
    lines = draw(filling(detector, index))
    style = draw(st.integers(0, 3))
    if style == 0:
        return lines
    a, b = draw(numbers())
    guard = draw(st.sampled_from(GUARDS)).format(a=a, b=b)
    made = [f"if {guard}:", *(f"    {line}" for line in lines)]
    if style >= 2:
        c, d = draw(numbers())
        other = draw(st.sampled_from(GUARDS)).format(a=c, b=d)
        word = "else" if style == 2 else f"elif {other}"
        made += [f"{word}:", *(f"    {line}" for line in draw(filling(detector, index)))]
    return made


@st.composite
def function(draw: st.DrawFn) -> list[str]:
    """Return a whole function."""
    argument = draw(st.sampled_from(["run", "run", "runnum"]))
    lines = [f"def getROIs({argument}):"]
    body = ["if isinstance(run, str):", "    run = int(run)", "ret = {}"]
    if argument != "run":
        body.insert(0, f"run = {argument}")
    if draw(st.integers(0, 5)) == 0:
        a, b = draw(numbers())
        body += [f"if {draw(st.sampled_from(GUARDS)).format(a=a, b=b)}:", "    return {}"]
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
    return lines + [f"    {line}" for text in body for line in text.split("\n")]


@st.composite
def configs(draw: st.DrawFn) -> Text:
    """Return a config that runs without errors for every run."""
    old = draw(st.booleans())
    listed = "detnames" if old else "detectors"
    lines: list[str] = []
    if draw(st.integers(0, 4)) == 0:
        lines.append("# -*- coding: utf-8 -*-")
    lines += draw(
        st.lists(
            st.sampled_from(["# édité", "import os", "", "from psana import dgram"]), max_size=2
        )
    )
    names = draw(st.lists(st.sampled_from(DETECTORS), unique=True, max_size=3))
    quoted = ", ".join(f"'{name}'" for name in names)
    lines.append(f"{listed} = [{quoted}]   # the detectors")
    lines += ["epicsPV = []", "ttCalib = None"] if old else ["epicsPV = ['lxt']"]
    if draw(st.integers(0, 6)):
        lines += ["", *draw(function())]
        if draw(st.integers(0, 6)) == 0:
            lines += ["", *draw(function())]
    if draw(st.booleans()):
        lines += ["", "def get_sum_algos(run):", "    return {'all': ['calib']}"]
    if draw(st.booleans()):
        lines = [
            "\t".join(["" for _ in range(indent(line) // 4 + 1)]) + line.lstrip(" ")
            for line in lines
        ]
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = newline.join(line.replace("\n", newline) for line in lines)
    return Text((text + draw(st.sampled_from(["", newline, newline * 3]))).encode(), old)


def indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))

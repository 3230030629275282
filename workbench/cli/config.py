"""``workbench config``: change a producer config, see what changed, take it back."""

import ast
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from workbench.producer.editor import ConfigEdit
    from workbench.producer.editor.planning import Plan
    from workbench.producer.editor.review import Shapes

config = typer.Typer(
    no_args_is_help=True,
    help="Check, show and change a producer config; which files are no longer of it.",
)

File = Annotated[Path, typer.Argument(help="The producer config (.py).")]
Detector = Annotated[str, typer.Argument(help="Name of the detector in the run.")]
Name = Annotated[str, typer.Argument(help="Name of the entry, as 'ROI_0'.")]
FromRun = Annotated[int, typer.Option(help="First run that gets the change.")]
ToRun = Annotated[int | None, typer.Option(help="Last run that gets it; left out: all later ones.")]
Shape = Annotated[
    str, typer.Option(help="Shape of the detector's frames, as 704,768, to check the region by.")
]
Geometry = Annotated[
    Path | None, typer.Option(help="Geometry table of the detector, which tells its shape.")
]
Xtc = Annotated[
    Path | None,
    typer.Option(help="Folder of the raw runs: tells shapes, and which runs to produce again."),
]
NewDetector = Annotated[
    bool,
    typer.Option("--new-detector", help="Add the detector, which the config does not have yet."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the diff and write nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Kind = Annotated[str, typer.Option(help="Which entry: roi, azav or pyfai.")]
REFUSED = 1  # exit code: with a reason, nothing was written
_FUNCTIONS = {"roi": "getROIs", "azav": "azav", "pyfai": "pyfai"}


@config.command("set-roi")
def set_roi(
    file: File,
    detector: Detector,
    name: Name,
    bounds: Annotated[
        str,
        typer.Argument(help="[low, high) per axis in pixels, as '[[0,1],[157,487],[294,598]]'."),
    ],
    from_run: FromRun,
    to_run: ToRun = None,
    write_area: Annotated[
        bool | None, typer.Option(help="Keep the region's pixels of every event.")
    ] = None,
    threshold: Annotated[
        str, typer.Option(help="Pixels below count as zero, as 7 or [7,200].")
    ] = "",
    shape: Shape = "",
    geometry: Geometry = None,
    xtc: Xtc = None,
    new_detector: NewDetector = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Set a region of a detector for a range of runs."""
    pairs = _literal(bounds, "bounds")
    limit = _literal(threshold, "--threshold") if threshold else None

    def change(edit: "ConfigEdit") -> "Plan":
        return edit.set_roi(
            detector,
            name,
            pairs,
            from_run=from_run,
            to_run=to_run,
            write_area=write_area,
            threshold=limit,
        )

    shapes = _shapes(detector, shape, geometry, xtc, from_run)
    _edit(
        file, change, (from_run, to_run), shapes,
        new=[detector] * new_detector, xtc=xtc, dry_run=dry_run, json_=json_,
    )  # fmt: skip


@config.command("set-mask")
def set_mask(
    file: File,
    detector: Detector,
    name: Name,
    mask: Annotated[
        Path,
        typer.Argument(
            help="A .npy file of the frames' shape, 1 = use; where the shape is known also text "
            "(1 = use) or .edf of pyFAI (1 = bad)."
        ),
    ],
    from_run: FromRun,
    to_run: ToRun = None,
    kind: Kind = "roi",
    shape: Shape = "",
    geometry: Geometry = None,
    xtc: Xtc = None,
    new_detector: NewDetector = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Give an entry a mask; a copy is kept beside the config."""
    shapes = _shapes(detector, shape, geometry, xtc, from_run)

    def change(edit: "ConfigEdit") -> "Plan":
        function, frames = _function(kind), shapes.get(detector)
        if geometry is not None and frames is not None and frames[0] == 1:
            frames = frames[1:]  # frames of a single tile have two axes
        return edit.set_mask(
            detector, name, mask, shape=frames, function=function, from_run=from_run, to_run=to_run
        )

    _edit(
        file, change, (from_run, to_run), shapes,
        new=[detector] * new_detector, xtc=xtc, dry_run=dry_run, json_=json_,
    )  # fmt: skip


@config.command("set-azav")
def set_azav(
    file: File,
    detector: Detector,
    from_run: FromRun,
    to_run: ToRun = None,
    center: Annotated[str, typer.Option(help="Beam centre x,y [um].")] = "",
    distance: Annotated[float | None, typer.Option(help="Sample to detector [mm].")] = None,
    energy: Annotated[float | None, typer.Option(help="Photon energy [keV].")] = None,
    tilt: Annotated[str, typer.Option(help="Tilts tx,ty of the detector [deg].")] = "",
    q_bin: Annotated[float | None, typer.Option(help="Width of a q bin [1/angstrom].")] = None,
    bins: Annotated[
        int | None, typer.Option(help="Number of bins of the radial axis; with --poni.")
    ] = None,
    phi_bins: Annotated[
        int | None, typer.Option(help="Number of phi bins; with --poni 1 gives a curve.")
    ] = None,
    polarisation: Annotated[
        float | None, typer.Option(help="1 horizontal, 0 vertical (Pplane).")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Pixels below count as zero.")] = None,
    poni: Annotated[
        Path | None,
        typer.Option(
            help="Geometry file of pyFAI, kept beside the config; with --bins, --phi-bins only."
        ),
    ] = None,
    xtc: Xtc = None,
    new_detector: NewDetector = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Set parameters of a detector's azimuthal integration for a range of runs."""
    tx, ty = _pair(tilt, "--tilt") if tilt else (None, None)
    values = {
        "center": _pair(center, "--center") if center else None,
        "dis_to_sam": distance,
        "eBeam": energy,
        "tx": tx,
        "ty": ty,
        "qbin": q_bin,
        "Pplane": polarisation,
        "thresADU": threshold,
    }
    given = any(value is not None for value in values.values())
    _check_azav(poni, bins, phi_bins, given=given)

    def change(edit: "ConfigEdit") -> "Plan":
        runs = {"from_run": from_run, "to_run": to_run}
        if poni is not None:
            return edit.set_poni(detector, poni, bins=bins, phi_bins=phi_bins, **runs)
        return edit.set_azav(detector, **runs, **values, phiBins=phi_bins)

    _edit(
        file, change, (from_run, to_run), {},
        new=[detector] * new_detector, xtc=xtc, dry_run=dry_run, json_=json_,
    )  # fmt: skip


@config.command("remove")
def remove(
    file: File,
    detector: Detector,
    name: Name,
    from_run: FromRun,
    to_run: ToRun = None,
    kind: Kind = "roi",
    xtc: Xtc = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Take an entry away for a range of runs."""

    def change(edit: "ConfigEdit") -> "Plan":
        function = _function(kind)
        return edit.remove(detector, name, function=function, from_run=from_run, to_run=to_run)

    _edit(file, change, (from_run, to_run), {}, xtc=xtc, dry_run=dry_run, json_=json_)


@config.command("diff")
def diff(
    file: File,
    edits: Annotated[int, typer.Option(min=1, help="How many edits to go back.")] = 1,
    json_: Json = False,
) -> None:
    """Show what the last edits of the workbench, and any by hand since, changed."""
    from workbench.producer.editor import history
    from workbench.producer.editor.editing import unified

    versions = history(file)[-edits:]
    old = versions[0].text.encode("latin-1") if versions else file.read_bytes()
    text = unified(old, file.read_bytes(), file.name)
    if json_:
        told = [{"time": one.time, "user": one.user, "what": one.what} for one in versions]
        typer.echo(json.dumps({"file": str(file), "diff": text, "edits": told}, indent=1))
        return
    for one in versions:
        typer.echo(f"{one.time} {one.user}: {one.what}")
    typer.echo(text or f"{file}: no edit of the workbench is on record\n", nl=False)


@config.command("undo")
def undo(file: File, dry_run: DryRun = False, json_: Json = False) -> None:
    """Put back the config as it was before the last edit of the workbench."""
    from workbench.producer.editor import last_version
    from workbench.producer.editor import undo as take_back
    from workbench.producer.editor.editing import unified

    now = file.read_bytes() if file.exists() else b""
    version = last_version(file) if dry_run else take_back(file)
    text = unified(now, version.text.encode("latin-1"), file.name)
    if json_:
        told = {"undone": version.what, "edited": version.time, "saved": not dry_run, "diff": text}
        typer.echo(json.dumps({"file": str(file), **told}, indent=1))
        return
    typer.echo(text, nl=False)
    done = "nothing was written; would be" if dry_run else "now"
    typer.echo(f"{file}: {done} as before the edit of {version.time} ({version.what})")


def _edit(
    file: Path,
    change: "Callable[[ConfigEdit], Plan]",
    runs: tuple[int, int | None],
    shapes: "Shapes",
    *,
    new: Sequence[str] = (),
    xtc: Path | None,
    dry_run: bool,
    json_: bool,
) -> None:
    from workbench.producer.editor import edit_config, reproduce_command

    with edit_config(file, new_detectors=new) as edit:
        before = edit.findings(runs[0], shapes)
        plan = change(edit)
        text = edit.diff
        findings = edit.findings(runs[0], shapes)
        worse = [one for one in findings if one.severity == "error" and one not in before]
        saved = False if dry_run or worse else edit.save()
    again = reproduce_command(file, *runs, xtc=xtc) if text and not worse else ""
    if json_:
        told: dict[str, Any] = {
            "file": str(file),
            "saved": saved,
            "how": plan.how,
            "runs_compared": len(plan.runs),
            "diff": text,
            "findings": [finding.as_dict() for finding in findings],
            "reproduce": again,
        }
        typer.echo(json.dumps(told, indent=1))
    else:
        typer.echo(text, nl=False)
        for finding in findings:
            typer.echo(str(finding))
        done = "written" if saved else "nothing was written"
        typer.echo(f"{file}: {plan.how}; {done} (compared in {len(plan.runs)} runs)")
        if again:
            fill = "" if xtc is not None else " (give --xtc, or fill in the words in capitals)"
            typer.echo(f"to produce the runs again{fill}: {again}")
    if worse:
        raise typer.Exit(REFUSED)


def _shapes(
    detector: str, shape: str, geometry: Path | None, xtc: Path | None, run: int
) -> "Shapes":
    if shape:
        return {detector: _shape(shape)}
    if geometry is not None:
        from workbench.sources.geometry import read_geometry

        return {detector: read_geometry(geometry).x.shape}
    if xtc is not None:
        from workbench.core.errors import UnknownNameError
        from workbench.producer.plan import shapes_of
        from workbench.sources import open_raw

        shapes = shapes_of(open_raw(xtc, run))
        if detector not in shapes:
            raise UnknownNameError("detector with frames", detector, shapes, f"run {run}, {xtc}")
        return shapes
    return {}


def _check_azav(poni: Path | None, bins: int | None, phi_bins: int | None, *, given: bool) -> None:
    """Refuse options of one way of integration together with those of the other."""
    if poni is not None and given:
        raise typer.BadParameter(
            "--poni goes into an entry of its own, whose geometry is that file's: with it give "
            "--bins and --phi-bins only"
        )
    if poni is None and bins is not None:
        raise typer.BadParameter(
            "--bins goes with --poni: without a geometry file bins have a width, give --q-bin"
        )
    if poni is None and phi_bins is None and not given:
        raise typer.BadParameter("there is nothing to set: give one option, as --distance 90")


def _pair(text: str, what: str) -> list[Any]:
    pair = _literal(f"[{text}]", what)
    if len(pair) != 2:
        raise typer.BadParameter(f"{what}: give two numbers, as 1.5,2.5, not {text!r}")
    return list(pair)


def _literal(text: str, what: str) -> Any:  # Any: whatever the user wrote; checked by the change
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError) as error:
        raise typer.BadParameter(
            f"{what}: cannot read {text!r} as numbers, like [[157,487],[294,598]] or 7"
        ) from error


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.strip("()[] ").split(","))
    except ValueError as error:
        raise typer.BadParameter(f"--shape: {text!r} is not like 704,768") from error


def _function(kind: str) -> str:
    if kind not in _FUNCTIONS:
        raise typer.BadParameter(f"--kind: {kind!r} is none of {', '.join(_FUNCTIONS)}")
    return _FUNCTIONS[kind]

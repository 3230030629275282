"""``workbench config``: change a producer config, see what changed, take it back."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from workbench.producer.editor import ConfigEdit
    from workbench.producer.editor.planning import Plan

config = typer.Typer(
    no_args_is_help=True,
    help="Change a producer config: regions, masks, azimuthal integration; show, undo.",
)

File = Annotated[Path, typer.Argument(help="The producer config (.py).")]
Detector = Annotated[str, typer.Argument(help="Name of the detector in the run.")]
Name = Annotated[str, typer.Argument(help="Name of the entry, as 'ROI_0'.")]
FromRun = Annotated[int, typer.Option(help="First run that gets the change.")]
ToRun = Annotated[int | None, typer.Option(help="Last run that gets it; left out: all later ones.")]
Shape = Annotated[
    str, typer.Option(help="Shape of the detector's frames, as 704,768, to check the region by.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the diff and write nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Kind = Annotated[str, typer.Option(help="Which entry: roi, azav or pyfai.")]
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

    shapes = {detector: _shape(shape)} if shape else None
    _edit(file, change, from_run, dry_run=dry_run, json_=json_, shapes=shapes)


@config.command("set-mask")
def set_mask(
    file: File,
    detector: Detector,
    name: Name,
    mask: Annotated[Path, typer.Argument(help="A .npy file of the frames' shape, 1 = use.")],
    from_run: FromRun,
    to_run: ToRun = None,
    kind: Kind = "roi",
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Give an entry a mask; a copy is kept beside the config."""

    def change(edit: "ConfigEdit") -> "Plan":
        function = _function(kind)
        return edit.set_mask(
            detector, name, mask, function=function, from_run=from_run, to_run=to_run
        )

    _edit(file, change, from_run, dry_run=dry_run, json_=json_)


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
    phi_bins: Annotated[int | None, typer.Option(help="Number of phi bins.")] = None,
    polarisation: Annotated[
        float | None, typer.Option(help="1 horizontal, 0 vertical (Pplane).")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Pixels below count as zero.")] = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Set parameters of a detector's azimuthal integration for a range of runs."""
    tx, ty = _literal(f"[{tilt}]", "--tilt") if tilt else (None, None)

    def change(edit: "ConfigEdit") -> "Plan":
        return edit.set_azav(
            detector,
            from_run=from_run,
            to_run=to_run,
            center=_literal(f"[{center}]", "--center") if center else None,
            dis_to_sam=distance,
            eBeam=energy,
            tx=tx,
            ty=ty,
            qbin=q_bin,
            phiBins=phi_bins,
            Pplane=polarisation,
            thresADU=threshold,
        )

    _edit(file, change, from_run, dry_run=dry_run, json_=json_)


@config.command("remove")
def remove(
    file: File,
    detector: Detector,
    name: Name,
    from_run: FromRun,
    to_run: ToRun = None,
    kind: Kind = "roi",
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Take an entry away for a range of runs."""

    def change(edit: "ConfigEdit") -> "Plan":
        function = _function(kind)
        return edit.remove(detector, name, function=function, from_run=from_run, to_run=to_run)

    _edit(file, change, from_run, dry_run=dry_run, json_=json_)


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
    typer.echo(text or f"{file}: no edit of the workbench is on record")


@config.command("undo")
def undo(file: File, json_: Json = False) -> None:
    """Put back the config as it was before the last edit of the workbench."""
    from workbench.producer.editor import undo as take_back

    version = take_back(file)
    if json_:
        typer.echo(json.dumps({"file": str(file), "undone": version.what, "edited": version.time}))
    else:
        typer.echo(f"{file}: as it was before the edit of {version.time} ({version.what})")


def _edit(
    file: Path,
    change: "Callable[[ConfigEdit], Plan]",
    run: int,
    *,
    dry_run: bool,
    json_: bool,
    shapes: dict[str, tuple[int, ...]] | None = None,
) -> None:
    from workbench.producer.editor import edit_config

    with edit_config(file) as edit:
        plan = change(edit)
        text = edit.diff
        findings = edit.findings(run, shapes)
        saved = False if dry_run else edit.save()
    if json_:
        told: dict[str, Any] = {
            "file": str(file),
            "saved": saved,
            "how": plan.how,
            "runs_compared": len(plan.runs),
            "diff": text,
            "findings": [finding.as_dict() for finding in findings],
        }
        typer.echo(json.dumps(told, indent=1))
        return
    typer.echo(text, nl=False)
    for finding in findings:
        typer.echo(str(finding))
    done = "written" if saved else "nothing was written"
    typer.echo(f"{file}: {plan.how}; {done} (compared in {len(plan.runs)} runs)")


def _literal(text: str, what: str) -> Any:  # Any: whatever the user wrote; checked by the change
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError) as error:
        raise typer.BadParameter(f"{what}: cannot read {text!r} as numbers") from error


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.strip("()[] ").split(","))
    except ValueError as error:
        raise typer.BadParameter(f"--shape: {text!r} is not like 704,768") from error


def _function(kind: str) -> str:
    if kind not in _FUNCTIONS:
        raise typer.BadParameter(f"--kind: {kind!r} is none of {', '.join(_FUNCTIONS)}")
    return _FUNCTIONS[kind]

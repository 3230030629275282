"""A planned set-up, made: nothing is overwritten, and all of it belongs to the group."""

from dataclasses import dataclass
from pathlib import Path

from workbench.batch.setup.plan import Plan
from workbench.core.atomic import CannotWriteError
from workbench.core.errors import InputError
from workbench.core.shared import make_shared_folder, mend_sharing, owner_of, write_shared
from workbench.facility import QuotaState


class QuotaExceededError(InputError):
    """A results folder without room for what was to be made in it."""


@dataclass(frozen=True)
class Made:
    """What was made.

    Parameters
    ----------
    files, folders
        New ones.
    mended
        What was there, is ours, and got the permissions that its group needs.
    refused
        What could not be made or mended, with the reason and the way out.
    """

    files: tuple[Path, ...]
    folders: tuple[Path, ...]
    mended: tuple[Path, ...]
    refused: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether all was there already."""
        return not (self.files or self.folders or self.mended)


def make_plan(plan: Plan) -> Made:
    """Make what is missing; a second call makes nothing.

    Raises `QuotaExceededError` before anything is made, and `CannotWriteError` where the results
    folder refuses: what was made until then is whole, and a second call goes on.
    """
    if plan.new and plan.forecast.state is QuotaState.OVER:
        raise QuotaExceededError(
            f"{plan.places.results} would hold {plan.forecast}: its quota is exceeded, nothing was "
            "made. Pack or move files (`workbench quota` shows where they are), then call again"
        )
    refused = []
    folders = []
    for file in plan.new:
        make_shared_folder(file.path.parent)
        write_shared(file.path, file.content)
    for folder in plan.missing_folders:
        try:
            make_shared_folder(folder)
            folders.append(folder)
        except CannotWriteError as error:  # outside the results folder: the rest is of use alone
            refused.append(str(error))
    mended = []
    for path in plan.unshared:
        if mend_sharing(path):
            mended.append(path)
        else:
            refused.append(f"{path}: ask {owner_of(path)} to call chmod g+rwX,o+rX {path}")
    return Made(
        tuple(file.path for file in plan.new), tuple(folders), tuple(mended), tuple(refused)
    )

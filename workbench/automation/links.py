"""Links between pages kept right, also when runs finish out of order and other watchers add pages.

A page is changed only by the holder of its claim, so a link never brings back an older page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.automation.claims import Claim, Claims
from workbench.automation.pages import LATEST, PAGE, ForeignPageError, Pages, linked, neighbours
from workbench.core.shared import make_shared_folder, write_shared

_Seen = tuple[tuple[int, int], tuple[int | None, int | None]]


@dataclass
class Links:
    """The links of all pages of one title, as one watcher keeps them.

    Parameters
    ----------
    pages, claims
        Of the title.
    """

    pages: Pages
    claims: Claims
    _right: dict[int, _Seen] = field(default_factory=dict)

    def mend(self, runs: Sequence[int], only: Sequence[int]) -> list[int]:
        """Set the links of some pages right; return the runs of which that was not possible now.

        Parameters
        ----------
        runs
            All runs that have a page, rising.
        only
            Runs whose links may be wrong.
        """
        left = [run for run in only if not self._mended(run, runs)]
        if runs:
            self._lead_to(runs[-1])
        return left

    def _mended(self, run: int, runs: Sequence[int]) -> bool:
        expected = neighbours(run, runs)
        now = self._stamp(run)
        if now is None or self._right.get(run) == (now, expected):
            return True
        try:
            record = self.pages.record(run)
        except ForeignPageError:  # told where the page is due; it has none of our links
            return True
        if record is None:
            return True
        if (record.previous, record.following) == expected:
            self._right[run] = now, expected
            return True
        claim = self.claims.take(run)
        if claim is None:
            return False
        try:
            self._rewrite(claim, run, runs)
        finally:
            claim.release()
        return True

    def _rewrite(self, claim: Claim, run: int, runs: Sequence[int]) -> None:
        record = self.pages.record(run)  # as it is now that nobody else changes it
        if record is None:
            return
        report = self.pages.page(run).read_text(encoding="utf-8")
        folder = make_shared_folder(claim.folder / self.pages.name(run))
        write_shared(folder / PAGE, self.pages.composed(report, linked(record, runs)))
        claim.publish(folder.relative_to(claim.folder) / PAGE, self.pages.page(run))

    def _lead_to(self, run: int) -> None:
        target, text = self.pages.folder / LATEST, self.pages.latest_page(run)
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            write_shared(target, text)

    def _stamp(self, run: int) -> tuple[int, int] | None:
        try:
            status = self.pages.page(run).stat()
        except FileNotFoundError:
            return None
        return status.st_size, status.st_mtime_ns


def changed_links(before: Sequence[int], runs: Sequence[int]) -> list[int]:
    """Return the runs whose links change when other runs have a page than before."""
    new, gone = set(runs) - set(before), set(before) - set(runs)
    beside = {one for run in new | gone for one in neighbours(run, runs)}
    return sorted(new | {run for run in beside if run is not None})

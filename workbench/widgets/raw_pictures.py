"""Pictures and frames of a raw run; whose common mode is taken off may be chosen later."""

from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.errors import InputError
from workbench.sources import RawRun, open_raw
from workbench.widgets.models import Picture, RawFrames, Session, picture_of_frames


@dataclass(eq=False)
class RawPictures:
    """Makes the pictures of one raw run, and of others in its folder, all alike.

    Parameters
    ----------
    raw
        The run.
    events
        Frames that are averaged.
    constants
        File of calibration constants; None: frames stay raw.
    config
        Producer config whose common mode is taken off; None: none is.
    folder
        With other runs; None: they are not known.
    """

    raw: RawRun
    events: int
    constants: Path | None = None
    config: Path | None = None
    folder: Path | None = None
    _frames: dict[str, RawFrames] = field(default_factory=dict)
    _made: dict[tuple[str, str], RawFrames] = field(default_factory=dict)

    def picture(self, detector: str) -> Picture:
        """Return a detector's picture in the run."""
        return self._picture(self.frames(detector))

    def another(self, run: int, detector: str) -> Picture:
        """Return a detector's picture in another run of the folder."""
        if self.folder is None:
            raise InputError(f"the folder of run {run} is not known: open the editor on its path")
        return self._picture(self._opened(open_raw(self.folder, run), detector))

    def frames(self, detector: str) -> RawFrames:
        """Return a detector's frames in the run, ready to be read."""
        if detector not in self._frames:
            self._frames[detector] = self._opened(self.raw, detector)
        return self._frames[detector]

    def use_config(self, session: Session, config: Path) -> list[str]:
        """Take off the common mode of another config, or of one that was changed meanwhile.

        Pictures of a session are made again where that makes a difference. Returns which, in words.
        """
        self.config = config
        self._frames.clear()
        told = []
        for (name, origin), before in list(self._made.items()):
            if origin not in session.pictures(name):
                continue
            frames = self._opened(before.raw, name)
            if _told(frames) == _told(before):
                continue
            picture = self._picture(frames)
            session.replace(origin, picture)
            told.append(f"Read again: {name}, {picture.origin}")
        return told

    def _picture(self, frames: RawFrames) -> Picture:
        picture = picture_of_frames(frames, self.events)
        self._made[picture.detector, picture.origin] = frames
        return picture

    def _opened(self, raw: RawRun, detector: str) -> RawFrames:
        return RawFrames.of(raw, detector, constants=self.constants, config=self.config)


def _told(frames: RawFrames) -> tuple[object, str]:
    return frames.calibration.common, frames.common_mode

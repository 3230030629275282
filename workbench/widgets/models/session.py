"""Several detectors and runs side by side: one model per detector, one picture of it shown."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.core.atomic import write_text
from workbench.core.errors import UnknownNameError
from workbench.widgets.models.listeners import Changed, Listener, Listeners
from workbench.widgets.models.model import RegionModel, read_state
from workbench.widgets.models.picture import Picture
from workbench.widgets.models.state import FORMAT, StateError, parse

SHOWN = Changed(frozenset({"shown"}))


class Session:
    """Detectors by name; each has its regions, and the pictures that they can be drawn on.

    Parameters
    ----------
    pictures
        At least one; several of one detector are its runs. The first is shown.

    Raises
    ------
    StateError
        Without a picture.
    """

    def __init__(self, *pictures: Picture) -> None:
        if not pictures:
            raise StateError("there is no picture to draw on: give one or more")
        self._models: dict[str, RegionModel] = {}
        self._pictures: dict[str, dict[str, Picture]] = {}
        self._waiting: dict[str, Mapping[str, Any]] = {}
        self._listeners = Listeners()
        self._shown = pictures[0].detector
        for picture in pictures:
            self._add(picture)

    @property
    def models(self) -> Mapping[str, RegionModel]:
        """The model of every detector."""
        return dict(self._models)

    @property
    def shown(self) -> RegionModel:
        """The model of the detector that is shown."""
        return self._models[self._shown]

    def pictures(self, detector: str) -> Mapping[str, Picture]:
        """Return the pictures of a detector by their origin."""
        self._model(detector)
        return dict(self._pictures[detector])

    def add(self, picture: Picture) -> RegionModel:
        """Add a picture, of a new detector or of another run; what is shown stays."""
        model = self._add(picture)
        self._listeners.tell(SHOWN)
        return model

    def show(self, detector: str, origin: str = "") -> RegionModel:
        """Show a detector, and one of its pictures; return its model.

        Raises
        ------
        UnknownNameError
            For a picture that the detector does not have.
        """
        model = self._model(detector)
        if origin:
            known = self._pictures[detector]
            if origin not in known:
                raise UnknownNameError("picture", origin, known, detector)
            model.show(known[origin])
        self._shown = detector
        self._listeners.tell(SHOWN)
        return model

    def replace(self, origin: str, picture: Picture) -> None:
        """Put a picture in the place of another of its detector; it is shown where that one was.

        Raises
        ------
        UnknownNameError
            For a picture that the detector does not have.
        """
        model, known = self._model(picture.detector), self._pictures[picture.detector]
        if origin not in known:
            raise UnknownNameError("picture", origin, known, picture.detector)
        shown = model.picture is known[origin]
        self._pictures[picture.detector] = {
            (picture.origin if name == origin else name): (picture if name == origin else one)
            for name, one in known.items()
        }
        if shown:
            model.show(picture)
        self._listeners.tell(Changed(frozenset({"picture"})))

    def on_change(self, listener: Listener) -> Callable[[], None]:
        """Have a function called when another detector is shown or a picture is added."""
        return self._listeners.add(listener)

    def to_json(self) -> str:
        """Return the states of all detectors as JSON, without the pictures."""
        models = self._waiting | {name: one.as_dict() for name, one in self._models.items()}
        return json.dumps({"format": FORMAT, "shown": self._shown, "detectors": models}, indent=1)

    def from_json(self, text: str, where: str = "the text") -> list[str]:
        """Take over the states of the detectors that are here; return the names of the others.

        The others wait for their pictures, and are saved with the rest meanwhile.

        Raises
        ------
        StateError
            For a text that holds no detectors.
        """
        plain = parse(text, where)
        stored = plain.get("detectors")
        if not isinstance(stored, Mapping):
            raise StateError(f"{where} holds no stored detectors; give a file that a session saved")
        here = self._models.keys() & stored.keys()
        states = {name: self._models[name].read(stored[name], where) for name in sorted(here)}
        for name, state in states.items():  # all of them could be read: none is half taken over
            self._models[name].set_state(state)
        self._waiting = {name: stored[name] for name in stored.keys() - here}
        if plain.get("shown") in self._models:
            self.show(str(plain["shown"]))
        return sorted(self._waiting)

    def save(self, path: str | Path) -> None:
        """Write the states to a file, whole or not at all."""
        write_text(Path(path), self.to_json() + "\n")

    def restore(self, path: str | Path) -> list[str]:
        """Take over the states of a file that `save` wrote; return unknown detectors in it."""
        return self.from_json(read_state(path), str(path))

    def _add(self, picture: Picture) -> RegionModel:
        name = picture.detector
        if name not in self._models:
            model = RegionModel(picture)
            if name in self._waiting:
                model.set_state(model.read(self._waiting[name], "the stored session"))
                del self._waiting[name]
            self._models[name] = model
        elif self._models[name].picture.frame.shape != picture.frame.shape:
            raise StateError(
                f"{name} has frames {picture.frame.shape} in {picture.origin}, but "
                f"{self._models[name].picture.frame.shape} in the pictures before"
            )
        self._pictures.setdefault(name, {})[picture.origin] = picture
        return self._models[name]

    def _model(self, detector: str) -> RegionModel:
        if detector not in self._models:
            raise UnknownNameError("detector", detector, self._models, "the region editor")
        return self._models[detector]

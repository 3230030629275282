"""What is sent to a page that is not there yet reaches it later, in its order."""

from typing import Any

from pyviz_comms import Comm

from workbench.widgets.views.channel import Waiting


class Heard(Comm):  # type: ignore[misc]  # carries no types
    """A channel without a page: keeps what it is asked to send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[Any, Any, Any]] = []

    def send(self, data: Any = None, metadata: Any = None, buffers: Any = ()) -> None:
        self.sent.append((data, metadata, buffers))


def test_what_waits_is_passed_on_once_and_in_order() -> None:
    waiting, channel = Waiting(), Heard()
    assert waiting, "Panel tries again later where there is nothing"
    waiting.send("first")
    waiting.send(metadata={"of": "second"}, buffers=[b"second"])
    waiting.pass_on(channel)
    waiting.pass_on(channel)
    assert channel.sent == [("first", None, ()), (None, {"of": "second"}, [b"second"])]


def test_what_waits_for_a_page_that_is_gone_is_forgotten() -> None:
    waiting, channel = Waiting(), Heard()
    waiting.send("late")
    waiting.close()
    waiting.pass_on(channel)
    assert channel.sent == []

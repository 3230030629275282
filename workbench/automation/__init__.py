"""What happens by itself: a page for each finished run."""

from workbench.automation.finished import FileState, Judge, Verdict
from workbench.automation.making import notebook_maker
from workbench.automation.pages import ForeignPageError, PageRecord, Pages
from workbench.automation.room import check_room
from workbench.automation.watching import Event, Stop, Task, Watcher

__all__ = [
    "Event",
    "FileState",
    "ForeignPageError",
    "Judge",
    "PageRecord",
    "Pages",
    "Stop",
    "Task",
    "Verdict",
    "Watcher",
    "check_room",
    "notebook_maker",
]

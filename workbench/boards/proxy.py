"""The region board in JupyterLab's launcher, also behind JupyterHub: for jupyter-server-proxy."""

import sys
from pathlib import Path
from typing import Any


def setup_regions() -> dict[str, Any]:  # Any: the settings are those of jupyter-server-proxy
    """Return how jupyter-server-proxy starts the board and shows it in the launcher.

    The board listens on a socket file of the user's own: nobody else on the machine reaches it,
    and who comes through Jupyter has signed in there. So pages of any host are let in.
    """
    return {
        "command": [
            sys.executable,
            "-m",
            "workbench",
            "app",
            "regions",
            "--unix-socket",
            "{unix_socket}",
            "--state",
            "regions.json",
            "--origin",
            "*",
        ],
        "unix_socket": True,
        "timeout": 60,
        "absolute_url": False,
        "new_browser_tab": True,
        "launcher_entry": {
            "enabled": True,
            "title": "Regions",
            "category": "Notebook",  # the launcher shows pictures of cards there only
            "icon_path": str(Path(__file__).with_name("regions.svg")),
            "path_info": "workbench-regions/regions",
        },
    }

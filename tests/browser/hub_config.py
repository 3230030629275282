"""A JupyterHub for tests: one user, everything on the loopback interface, below a prefix."""

import os
import sys
from pathlib import Path

here, venv = Path(os.environ["HUB_DIR"]), Path(sys.executable).parent
c = get_config()  # noqa: F821  the file is run by JupyterHub
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['HUB_PORT']}/beamline"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{os.environ['HUB_API_PORT']}"
c.JupyterHub.db_url = f"sqlite:///{here}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(here / "cookie_secret")
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['HUB_PROXY_PORT']}"
c.ConfigurableHTTPProxy.command = [os.environ["HUB_PROXY"]]
c.ConfigurableHTTPProxy.pid_file = str(here / "proxy.pid")
c.DummyAuthenticator.password = "hutch"
c.Authenticator.allowed_users = {"alice"}
c.SimpleLocalProcessSpawner.home_dir_template = str(here / "home" / "{username}")
c.Spawner.cmd = [str(venv / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"
c.Spawner.args = [
    "--allow-root",
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.news_url=",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]
c.Spawner.env_keep = ["PATH", "PYTHONPATH", "JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR"]
c.Spawner.start_timeout = 60

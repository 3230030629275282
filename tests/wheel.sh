#!/usr/bin/env bash
# Build the wheel, install it without extras in an environment of its own, and use it there.
set -euo pipefail
python=$1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$place" .
"$python" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet "$place"/*.whl
cd "$place"
venv/bin/workbench --version
venv/bin/python - <<'PY'
import importlib
for room in ("core", "facility", "sources", "reductions", "smalldata", "producer", "runs", "binning", "synthetic", "cli"):
    importlib.import_module(f"workbench.{room}")
from workbench.batch.catalogue import template_root
found = sorted(path.relative_to(template_root()).as_posix() for path in template_root().rglob("*.ipynb"))
assert "_shipped" in template_root().parts, template_root()
assert {"common/run_summary.ipynb", "xpp/delay_scan.ipynb"} <= set(found), found
from workbench.facility import hutch
assert hutch("xpp").name == "xpp"
print(f"wheel: every lower room imports without extras; templates {found}")
PY
venv/bin/workbench notebooks list | grep -q '^regions '
[ "$(venv/bin/workbench notebooks copy regions --output mine)" = mine/regions.ipynb ]
[ -s mine/regions.ipynb ]
echo "wheel: the notebooks are in it and can be copied"
# A command whose extra is missing says which one to install.
if venv/bin/workbench batch run_summary --runs 1 --output out --experiment xppsyn0126 2>err; then
  echo "batch ran without its extra" >&2; exit 1
fi
grep -q 'lcls-workbench\[notebooks\]' err || { cat err >&2; exit 1; }
echo "wheel: a missing extra is named"

#!/usr/bin/env bash
# What Binder would build, without Docker: its recipe is accepted, its packages install, its steps run, its notebooks work.
set -euo pipefail
python=$(realpath --no-symlinks "$1")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/repo"
find . \( -name '.?*' -o -name __pycache__ -o -name _build -o -name demo-output \) -type d -prune -o -type f -print0 |
  tar -cf - --null --files-from=- | tar -xf - -C "$place/repo"
cd "$place/repo"
"$python" -m venv "$place/recipe"
"$place/recipe/bin/pip" install --quiet jupyter-repo2docker
"$place/recipe/bin/jupyter-repo2docker" --no-build --debug . >"$place/Dockerfile" 2>&1 || { tail -20 "$place/Dockerfile" >&2; exit 1; }
for line in 'binder/requirements.txt' 'binder/postBuild' 'binder/start' 'python=3.11\|3\.11'; do
  grep -q -- "$line" "$place/Dockerfile" || { echo "the recipe lacks $line" >&2; exit 1; }
done
echo "binder: repo2docker takes the recipe"
"$python" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet -r binder/requirements.txt
export PATH="$place/venv/bin:$PATH" REPO_DIR="$place/repo" HOME="$place/home"
mkdir "$HOME"
unset PYTHONPATH WORKBENCH_DATA_ROOT
binder/postBuild >"$place/made"
binder/start jupyter lab --version
binder/start papermill course/1_open_a_run.ipynb "$place/done.ipynb" --no-progress-bar --cwd "$place" 2>/dev/null
sed -n 's/^next: \(workbench batch .*\)$/\1/p' "$place/made" | while read -r command; do  # as `new` proposes it
  binder/start bash -c "cd '$place' && $command" >/dev/null
done
[ "$(ls "$place"/reports/delay_scan_*.html | wc -l)" = 3 ]
echo "binder: the three made-up experiments and the course run"

#!/usr/bin/env bash
# Makes the environment that holds psana from PyPI, at the path given, with what our own source of
# raw runs needs beside it; the usual environment never imports psana.
# Repeatable: what is there already is kept.
set -euo pipefail
target=${1:?usage: install.sh FOLDER}
python=${PYTHON:-$(command -v python3.11 || command -v python3)}

if ! dpkg -s libkrb5-dev >/dev/null 2>&1 && ! command -v krb5-config >/dev/null; then
  # lcls-krtc, which psana needs, compiles against Kerberos
  [ "$(id -u)" = 0 ] || { echo "psana needs the Debian packages libkrb5-dev and gcc: apt-get install them" >&2; exit 1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libkrb5-dev gcc >/dev/null
fi
[ -x "$target/bin/python" ] || "$python" -m venv "$target"
# psana imports mpi4py even with PS_PARALLEL=none; mpich from PyPI brings the library it loads
repository=$(cd "$(dirname "$0")/../.." && pwd)
"$target/bin/python" -m pip install --quiet --disable-pip-version-check psana==4.3.4 mpich \
  'pytest>=8.3' --editable "$repository"
PS_PARALLEL=none "$target/bin/python" -c 'import psana' # fails here rather than in the tests
echo "psana in $target"

#!/bin/sh
# Make .venv from the hash-pinned requirements.lock, with uv where it is present and pip elsewhere.
# Says plainly what is missing. Bytecode is compiled now, so that no job pays for it later.
set -eu

supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "$supported" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

python=$(find_python)
if command -v uv >/dev/null 2>&1; then
    # Without a suitable Python on the machine, uv fetches one.
    rm -rf .venv
    uv venv --quiet --python "${python:-3.11}" .venv
    uv pip sync --quiet --require-hashes --compile-bytecode --python .venv/bin/python requirements.lock
    exit
fi
if [ -z "$python" ]; then
    found=$(python3 --version 2>/dev/null || echo "no python3")
    echo "set-up: needs Python 3.11, 3.12 or 3.13; found: $found." >&2
    echo "        Install one of them, or name it: make PYTHON=/path/to/python3.11 ..." >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "set-up: $python has no venv module (Debian and Ubuntu: apt install python3-venv)." >&2
    exit 1
fi
echo "set-up: installing the locked packages into .venv (about 3 GB, one to two minutes)"
rm -rf .venv
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile \
    --require-hashes --requirement requirements.lock
.venv/bin/python -m compileall -q -j 0 .venv/lib || true # some packages ship templates that are no Python

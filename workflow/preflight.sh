#!/bin/sh
# Says what is missing before the installation starts: one line each, with the command that mends it.
# When nothing is missing, prints the path of the Python interpreter to use.
# PYTHON=/path/to/python3.12 overrides the search for one.
set -u

cd "$(dirname "$0")/.." || exit 1
# The interpreter that builds .venv must not be the one inside it.
PATH=$(printf '%s' "$PATH" | sed "s|$PWD/.venv/bin:||g")
needed_kb=$((9 * 1024 * 1024))
missing=0

complain() {
    echo "$1" >&2
    missing=1
}

suits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

# The command that installs Python with its venv module in one of the versions $1.
installation() {
    sudo='sudo '
    [ "$(id -u)" -eq 0 ] && sudo=''
    if command -v apt-get >/dev/null; then
        for version in $1; do
            if [ -n "$(apt-cache --names-only search "^python$version-venv\$" 2>/dev/null)" ]; then
                echo "${sudo}apt-get install python$version-venv"
                return
            fi
        done
        echo "${sudo}apt-get update && ${sudo}apt-get install python3-venv"
    elif command -v dnf >/dev/null; then
        echo "${sudo}dnf install python3.12"
    else
        echo "PYTHON=/path/to/python${1%% *} make demo"
    fi
}

python=''
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if command -v "$candidate" >/dev/null && suits "$candidate"; then
        python=$("$candidate" -c 'import sys; print(sys.executable)')
        break
    fi
done

if [ -z "$python" ] && [ -n "${PYTHON:-}" ]; then
    complain "PYTHON=$PYTHON is not a Python of 3.11 to 3.13. Mend it: unset PYTHON"
elif [ -z "$python" ]; then
    complain "Python 3.11, 3.12 or 3.13 is missing. Mend it: $(installation '3.13 3.12 3.11')"
elif ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    complain "The venv module of $python is missing. Mend it: $(installation "$version")"
fi

if [ ! -e .venv/.installed ]; then
    free_kb=$(df -Pk . | awk 'NR == 2 { print $4 }')
    # What an interrupted installation has already written is not needed again.
    written_kb=$(du -sk .venv 2>/dev/null | cut -f1)
    if [ $((free_kb + ${written_kb:-0})) -lt "$needed_kb" ]; then
        complain "Free disk is missing in $PWD: $((free_kb / 1048576)) of 9 GB. Mend it: mv $PWD /a/larger/disk"
    fi
fi

[ "$missing" -eq 0 ] || exit 1
echo "$python"

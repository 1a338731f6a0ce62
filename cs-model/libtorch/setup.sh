#!/usr/bin/env bash
# Provides libtorch 2.11.0 for this clone, and tells cargo where it is. Run it as `make setup`;
# run again, it only looks that all is in place.
#
# 1. libtorch: the folder in LIBTORCH (or Python's torch, with LIBTORCH_USE_PYTORCH=1) if you name
#    one, else a CPU build from hash-pinned wheels under ${XDG_CACHE_HOME:-~/.cache}/cs-model, which
#    all clones of this user share.
# 2. .cargo/config.toml of this clone (git ignores it): LIBTORCH for the build, and libtorch's folder
#    in the rpath of every binary, so that neither cargo nor the binaries need the environment.
set -euo pipefail

readonly VERSION=2.11.0
readonly NAME=libtorch-$VERSION-cpu
readonly LIBRARIES="libtorch.so libtorch_cpu.so libc10.so libgomp.so.1 libcudart.so.13 libcupti.so.13"
readonly NEEDED_MB=1700 # at the worst moment: a wheel, pip's copy of it, what is extracted
readonly MARKER="# Written by cs-model/libtorch/setup.sh (make setup), which replaces it when libtorch moves."

# requirement, sha256, platform tags: one line a wheel. libtorch_cpu.so links the two CUDA
# libraries even where no GPU will ever be used.
readonly WHEELS="\
torch==$VERSION 7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a manylinux_2_28_x86_64
nvidia-cuda-runtime==13.0.96 7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548 manylinux_2_25_x86_64,manylinux_2_17_x86_64,manylinux2014_x86_64
nvidia-cuda-cupti==13.0.85 4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8 manylinux_2_25_x86_64,manylinux_2_17_x86_64,manylinux2014_x86_64"

say() { printf 'libtorch: %s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    exit 1
}

# A long step as a child one can wait for and stop: bash handles a signal only between commands.
child=
step() {
    "$@" 9>&- & # the lock is ours: an orphaned child must not keep it
    child=$!
    local status=0
    wait "$child" || status=$?
    child=
    return "$status"
}

stop() {
    trap - INT TERM HUP
    if [[ -n $child ]]; then
        kill "$child" 2>/dev/null || true
        wait "$child" || true
    fi
    say "interrupted; run it again to go on (finished downloads are kept)"
    exit "$1"
}

# ---- tools -------------------------------------------------------------------------------------

missing=()
need() { # command, what brings it
    command -v "$1" >/dev/null 2>&1 || missing+=("$1: $2")
}

report_missing() {
    if ((${#missing[@]})); then
        die "tools are missing; install them and run this again" "${missing[@]}"
    fi
}

check_build_tools() {
    need cargo "Rust's package manager, brought by rustup"
    need "${CXX:-c++}" "a C++ compiler, Debian's package 'g++'"
    need "${CC:-cc}" "a linker driver, Debian's package 'gcc' (part of 'g++')"
    report_missing
}

check_fetch_tools() {
    need python3 "Debian's package 'python3'"
    need flock "Debian's package 'util-linux'"
    need sha256sum "Debian's package 'coreutils'"
    # The interpreter itself: a version manager's wrapper would outlive the signal that stops us.
    python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null) || python=
    if [[ -n $python ]] && ! "$python" -m pip --version >/dev/null 2>&1; then
        missing+=("pip for $python: Debian's package 'python3-pip'")
    fi
    report_missing
}

# ---- a libtorch that is already there ----------------------------------------------------------

# Prints what is wrong with the libtorch folder $1; nothing if it will do.
fault_of() {
    local dir=$1 found=
    [[ -d $dir ]] || { echo "there is no such folder"; return; }
    [[ -d $dir/lib ]] || { echo "it has no lib/ folder"; return; }
    [[ -d $dir/include/torch ]] || { echo "it has no include/torch folder"; return; }
    [[ -e $dir/lib/libtorch_cpu.so || -e $dir/lib/libtorch_cpu.dylib ]] || { echo "lib/ holds no libtorch_cpu"; return; }
    if [[ -f $dir/build-version ]]; then
        found=$(<"$dir/build-version")
    elif [[ -f $dir/version.py && $(<"$dir/version.py") =~ __version__\ *=\ *[\'\"]([^\'\"]*) ]]; then
        found=${BASH_REMATCH[1]}
    fi
    case $found in
    "") echo "its version is unknown: neither build-version nor version.py tells" ;;
    "$VERSION" | "$VERSION"+*) ;;
    *) echo "it is version $found, and the bindings need $VERSION" ;;
    esac
}

# The libtorch folder that the user chose: named in the environment, else by the previous set-up.
chosen_folder() {
    local line
    if [[ -n ${LIBTORCH_USE_PYTORCH:-} ]]; then
        local python=python3
        if [[ -n ${VIRTUAL_ENV:-} ]]; then python=python; fi # as torch-sys looks for it
        "$python" -c 'import importlib.util as u, os; print(os.path.dirname(u.find_spec("torch").origin))' 2>/dev/null ||
            die "LIBTORCH_USE_PYTORCH is set, but $python has no torch" "install torch==$VERSION there, or unset it"
    elif [[ -n ${LIBTORCH:-} ]]; then
        printf '%s\n' "$LIBTORCH"
    elif [[ -f $config ]]; then
        while IFS= read -r line; do
            [[ $line == 'LIBTORCH = "'*'"' ]] || continue
            line=${line#'LIBTORCH = "'}
            line=${line%'"'}
            # The cache is nobody's choice: it follows XDG_CACHE_HOME and is restored when removed.
            if [[ $line != */cs-model/$NAME && -z $(fault_of "$line") ]]; then printf '%s\n' "$line"; fi
        done <"$config"
    fi
}

# ---- the copy in the cache ---------------------------------------------------------------------

cache_folder() {
    local base=${XDG_CACHE_HOME:-}
    if [[ $base != /* ]]; then # the specification has relative paths ignored
        [[ -n ${HOME:-} ]] || die "neither HOME nor XDG_CACHE_HOME is set" "set one, or LIBTORCH to an existing libtorch $VERSION"
        base=$HOME/.cache
    fi
    printf '%s\n' "$base/cs-model"
}

complete() {
    local library
    [[ -z $(fault_of "$1") ]] || return 1
    for library in $LIBRARIES; do [[ -s $1/lib/$library ]] || return 1; done
}

check_platform() {
    local platform
    platform=$(uname -sm)
    [[ $platform == "Linux x86_64" ]] || die "libtorch is fetched for Linux x86_64 only, and this is $platform" \
        "Get libtorch $VERSION yourself (for example: python3 -m pip install torch==$VERSION), then" \
        "LIBTORCH=/path/to/libtorch make setup" \
        "where the folder holds lib/ and include/; inside a Python environment that is the package's own folder."
}

check_space() { # folder
    local free_kb
    free_kb=$(df -Pk "$1" | awk 'NR == 2 { print $4 }')
    if ((free_kb < NEEDED_MB * 1000)); then
        die "$1 has $((free_kb / 1000)) MB free, and the set-up needs $NEEDED_MB MB for a while (515 MB in the end)" \
            "free some space, or set XDG_CACHE_HOME to a folder on another disk"
    fi
}

# Puts the wheel of requirement $1 into the folder $4, unless an earlier run already did.
fetch() { # requirement, sha256, platforms, wheels, scratch
    local requirement=$1 sha256=$2 wheels=$4 scratch=$5 kept tag options=()
    kept=$wheels/$sha256.whl
    if [[ -f $kept ]]; then
        if echo "$sha256  $kept" | sha256sum --check --status; then
            say "$requirement: already downloaded"
            return
        fi
        rm -f "$kept"
    fi
    for tag in ${3//,/ }; do options+=(--platform "$tag"); done
    if [[ $requirement == torch==* ]]; then options+=(--abi cp311); fi
    echo "$requirement --hash=sha256:$sha256" >"$scratch/requirements.txt"
    # One wheel whatever Python runs pip. Neither pip's cache nor the system's temporary folder gets
    # a copy of its own.
    TMPDIR=$scratch PIP_REQUIRE_VIRTUALENV=false step "$python" -m pip download --no-deps --only-binary=:all: \
        --python-version 3.11 --implementation cp "${options[@]}" --require-hashes --no-cache-dir \
        --disable-pip-version-check --dest "$scratch" --requirement "$scratch/requirements.txt" >&2 ||
        die "$requirement could not be fetched; pip's message is above" \
            "Run the same command again: what was fetched completely is kept." \
            "Without a network: set LIBTORCH to an existing libtorch $VERSION."
    mv "$scratch"/*.whl "$kept"
}

# Unpacks what is needed of the wheels in $1 into the libtorch folder $2.
extract() {
    step "$python" - "$1" "$2" <<'PY' || die "the wheels could not be unpacked; the message is above"
import os, shutil, sys, zipfile
from pathlib import Path

LIBRARIES = {
    "torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp.so.1",
    "nvidia/cu13/lib/libcudart.so.13", "nvidia/cu13/lib/libcupti.so.13",
}
wheels, target = map(Path, sys.argv[1:])
missing = set(LIBRARIES)
(target / "lib").mkdir(parents=True)
for wheel in sorted(wheels.glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name in LIBRARIES:
                path, mode = target / "lib" / name.rsplit("/", 1)[1], 0o755
                missing.discard(name)
            elif name.startswith("torch/include/") and not name.endswith("/"):
                path, mode = target.joinpath(*name.split("/")[1:]), 0o644
            else:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, open(path, "wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            os.chmod(path, mode)
if missing:
    sys.exit("the wheels lack " + ", ".join(sorted(missing)))
PY
}

# tch links `-ltorch`, which in a CPU-only set is nothing but a name for libtorch_cpu.
make_umbrella() { # lib folder
    "${CXX:-c++}" -shared -o "$1/libtorch.so" -Wl,--no-as-needed -L"$1" -ltorch_cpu \
        -Wl,-soname,libtorch.so -Wl,-rpath,'$ORIGIN' || die "libtorch.so could not be linked; the message is above"
}

check_loads() { # lib folder
    step "$python" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$1/libtorch.so" ||
        die "the libraries do not load on this machine; the message is above" \
            "They need glibc 2.28 or later and libstdc++ (Debian's package 'libstdc++6')."
}

# Makes the cached copy $1. All work is done beside it and renamed at the end: it is there whole or
# not at all. Only the holder of the lock works; the kernel frees it however the holder ends.
fill_cache() {
    local target=$1 cache work scratch requirement sha256 platforms
    cache=${target%/*}
    work=$target.partial
    check_platform
    check_fetch_tools
    mkdir -p "$cache" || die "$cache cannot be created" "set XDG_CACHE_HOME to a folder you can write to"
    exec 9>"$target.lock"
    if ! flock --nonblock 9; then
        say "another set-up is at work on $target; waiting for it"
        flock 9
    fi
    if complete "$target"; then # by that other set-up, or by one that was stopped before it had tidied up
        rm -rf "$work"
        return
    fi

    trap 'stop 130' INT
    trap 'stop 143' TERM
    trap 'stop 129' HUP
    mkdir -p "$work/wheels"
    rm -rf "$work"/run.* # what an interrupted set-up left
    check_space "$work"
    scratch=$work/run.$$
    mkdir "$scratch"
    # shellcheck disable=SC2064 # the folder of this run, named now
    trap "rm -rf '${scratch//\'/\'\\\'\'}'" EXIT

    say "$target is not there yet: making a CPU-only libtorch $VERSION"
    say "544 MB to download, once per user (PyTorch's wheel and two small ones of NVIDIA's); 515 MB stay on disk"
    while read -r requirement sha256 platforms; do
        fetch "$requirement" "$sha256" "$platforms" "$work/wheels" "$scratch"
    done <<<"$WHEELS"
    say "unpacking the libraries and headers"
    extract "$work/wheels" "$scratch/tree"
    make_umbrella "$scratch/tree/lib"
    check_loads "$scratch/tree/lib"
    echo "$VERSION" >"$scratch/tree/build-version"
    sync -f "$scratch/tree" 2>/dev/null || true # data before name, should the power fail
    if [[ -e $target ]]; then # incomplete, else we would not be here
        mv "$target" "$scratch/old"
    fi
    mv "$scratch/tree" "$target"
    rm -rf "$work"
    trap - INT TERM HUP EXIT
    say "libtorch $VERSION is ready in $target"
}

# ---- cargo -------------------------------------------------------------------------------------

toml_string() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

write_config() { # libtorch folder
    local content rpath now= draft
    rpath=$(toml_string "link-arg=-Wl,-rpath,$1/lib")
    content="[env]
LIBTORCH = $(toml_string "$1")

[build]
rustflags = [\"-C\", $rpath]
rustdocflags = [\"-C\", $rpath]"
    if [[ -f $config ]]; then
        now=$(<"$config")
        if [[ $now == "$content" || $now == "$MARKER"$'\n'"$content" ]]; then return; fi
        if [[ ${now%%$'\n'*} != "$MARKER" ]]; then
            # Somebody's own file: it is enough if it has the same settings among others.
            if [[ $now == *"LIBTORCH = $(toml_string "$1")"* && $now == *"$rpath"*"$rpath"* ]]; then return; fi
            die "$config is your own, so it stays as it is; add this to it:" "" "${content//$'\n'/$'\n  '}"
        fi
    fi
    mkdir -p "${config%/*}"
    draft=$(mktemp "$config.XXXXXX")
    printf '%s\n%s\n' "$MARKER" "$content" >"$draft"
    chmod 644 "$draft"
    mv "$draft" "$config"
    say "wrote ${config#"$root/"}: cargo now builds against $1"
}

main() {
    root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
    config=$root/.cargo/config.toml
    check_build_tools
    local folder fault
    folder=$(chosen_folder)
    if [[ -n $folder ]]; then
        fault=$(fault_of "$folder")
        [[ -z $fault ]] || die "LIBTORCH=$folder cannot be used: $fault" \
            "Unset LIBTORCH (and LIBTORCH_USE_PYTORCH) to have libtorch $VERSION fetched for you, or name a folder" \
            "that holds libtorch $VERSION: lib/, include/, and build-version or version.py."
        folder=$(cd "$folder" && pwd)
    else
        folder=$(cache_folder)/$NAME
        if [[ -d $folder.partial ]] || ! complete "$folder"; then fill_cache "$folder"; fi
    fi
    write_config "$folder"
    if [[ -n ${RUSTFLAGS+set} ]]; then
        say "note: RUSTFLAGS in the environment replaces the rpath; unset it, or binaries need LD_LIBRARY_PATH=$folder/lib"
    fi
}

main "$@"

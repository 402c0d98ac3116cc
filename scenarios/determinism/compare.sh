#!/usr/bin/env bash
# Builds the trace program with other compilers and optimisation levels, runs each build with and
# without address randomisation and with a plainer libm, and compares all traces with those of the
# release build. On a mismatch: the first event at which both sides differ, in words; exit 1.
#
#   scenarios/determinism/compare.sh [--all] [REFERENCE]     default: build/release/tribunal_trace
#
# --all: g++ -O0 and clang++ -O2 as well, for an hour when nobody waits.
set -euo pipefail

root=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
work=$root/build/determinism
seeds=3
# Each new folder is one whole build; the cache of the compiler makes the next ones cheap. With the
# release build, g++ -O2, these are both compilers and both ends of the levels.
variants=('gcc-O3 g++ -O3' 'clang-O0 clang++-19 -O0')
all=no
if [[ ${1:-} = --all ]]; then
    all=yes
    variants=('gcc-O0 g++ -O0' "${variants[@]}" 'clang-O2 clang++-19 -O2')
    shift
fi
reference=${1:-$root/build/release/tribunal_trace}
# Names as `ld.so --list-diagnostics` shows them taking effect with glibc 2.36.
plainer_libm=GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2

jobs() {
    local processors available
    processors=$(nproc)
    available=$(awk '/^MemAvailable:/ { print int($2 / 2097152) }' /proc/meminfo)
    if ((available < processors)); then processors=$available; fi
    echo "${CMAKE_BUILD_PARALLEL_LEVEL:-$((processors < 1 ? 1 : processors))}"
}

# build_variant NAME COMPILER LEVEL: leaves the program in $work/NAME/tribunal_trace.
build_variant() {
    local folder=$work/$1 log=$work/$1.log
    # -w: the release build has the say about warnings; other levels find others.
    if ! cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$2" \
        -DTRIBUNAL_OPTIMISATION="$3" -DCMAKE_CXX_FLAGS=-w -DTRIBUNAL_TESTS=OFF \
        -DTRIBUNAL_BENCHMARKS=OFF >"$log" 2>&1 ||
        ! ninja -C "$folder" -j "$(jobs)" tribunal_trace >>"$log" 2>&1; then
        grep -vE '^\[[0-9]+/[0-9]+\]' "$log" | tail -n 60
        echo "FAILED: the variant $1 does not build"
        exit 1
    fi
}

# first_difference FILE SEED COMMAND...: between the reference and the command.
first_difference() {
    local file=$1 seed=$2 event
    shift 2
    "$reference" --events "$file" "$seed" >"$work/left.events"
    "$@" --events "$file" "$seed" >"$work/right.events"
    event=$(awk 'NR == FNR { left[FNR] = $0; next }
                 left[FNR] != $0 { found = FNR; exit }
                 END { if (found) print found; else if (FNR < NR - FNR) print FNR + 1 }' \
        "$work/left.events" "$work/right.events")
    if [[ -z $event ]]; then
        echo "  $file, seed $seed: all events agree when played again"
        return
    fi
    echo "  $file, seed $seed: the first difference is event $event"
    echo "    left   $("$reference" --show "$file" "$seed" "$event")"
    echo "    right  $("$@" --show "$file" "$seed" "$event")"
}

# compare NAME COMMAND...: runs the command and compares with the reference's traces.
mismatches=0
compare() {
    local name=$1 file seed
    shift
    if ! "$@" "${files[@]}" --seeds "$seeds" >"$work/right.traces"; then
        echo "FAILED: $name does not run"
        mismatches=$((mismatches + 1))
        return
    fi
    if cmp -s "$work/left.traces" "$work/right.traces"; then
        echo "same: $name"
        return
    fi
    mismatches=$((mismatches + 1))
    echo "DIFFERENT: $name (right) and the release build (left)"
    read -r file seed < <(awk 'NR == FNR { left[FNR] = $0; next }
        left[FNR] != $0 { print $1, $2; exit }' "$work/left.traces" "$work/right.traces") || return 0
    first_difference "$file" "$seed" "$@"
}

[[ -x $reference ]] || { echo "no trace program at $reference: build the target tribunal_trace" && exit 1; }
mkdir -p "$work"
cd "$root"  # so that names of files are the same and short
shopt -s nullglob
files=(scenarios/determinism/*.json scenarios/tour.json scenarios/guarantees/*.json
    scenarios/small/*.json scenarios/museum/*.json)
for i in "${!files[@]}"; do [[ -f ${files[i]} ]] || unset "files[i]"; done
"$reference" "${files[@]}" --seeds "$seeds" >"$work/left.traces"
echo "${#files[@]} scenarios, $seeds seeds each"

programs=("$reference")
names=("release")
for variant in "${variants[@]}"; do
    read -r name compiler level <<<"$variant"
    if ! command -v "$compiler" >/dev/null; then
        echo "skipped: $name, there is no $compiler"
        continue
    fi
    build_variant "$name" "$compiler" "$level"
    programs+=("$work/$name/tribunal_trace")
    names+=("$name")
done
can_fix_addresses=no
if setarch -R true 2>/dev/null; then can_fix_addresses=yes; else echo "skipped: setarch -R is refused here"; fi
for i in "${!programs[@]}"; do
    compare "${names[i]}" "${programs[i]}"
    # What the machine changes shows in optimised builds as well, in a tenth of the time.
    if [[ $all = no && ${names[i]} = *-O0 ]]; then continue; fi
    if [[ $can_fix_addresses = yes ]]; then
        compare "${names[i]}, addresses not randomised" setarch -R "${programs[i]}"
    fi
    compare "${names[i]}, no FMA and AVX2 in libm" env "$plainer_libm" "${programs[i]}"
done
((mismatches == 0)) || exit 1
echo "all traces agree"

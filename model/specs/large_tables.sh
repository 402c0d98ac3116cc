#!/usr/bin/env bash
# The rows of the tables of counts that take too long for a test, about two minutes together: runs
# `check` for each and compares distinct states, depth, and the length of every shortest
# counterexample (in states). Prints a table; exit 1 when a row differs, 3 on bad usage.
#
#   model/specs/large_tables.sh [--workers N] [--only TEXT] [PROGRAM]
#                               PROGRAM: default ./tribunal, which builds first
#   --only TEXT                 rows in which TEXT stands, "Kip320" or "RM=9"
#
# Where the expected counts are from:
#   two    the table of the specification: TLC, or a second explorer that agrees with TLC elsewhere
#   naive  model/naive.h: whole states in a map, no digest decides
#   own    an earlier run of the search, equal for one worker and for two
set -euo pipefail

root=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
workers=1
only=
program=$root/tribunal

usage() {
    echo "large_tables.sh: $1; see its first lines" >&2
    exit 3
}
while (($#)); do
    case $1 in
        --workers | --only)
            (($# > 1)) || usage "$1 needs a value"
            if [[ $1 = --workers ]]; then workers=$2; else only=$2; fi
            shift 2
            ;;
        -*) usage "there is no option $1" ;;
        *)
            program=$1
            shift
            ;;
    esac
done
[[ -x $program ]] || usage "no program at $program"

# FROM | MODEL | CONSTANTS | DISTINCT | DEPTH | PROPERTY:STATES of each that breaks. R/L/M/E stands
# for Replicas, LogSize, MaxRecords and MaxLeaderEpoch; a depth of - is not compared.
rows() {
    cat <<'ROWS'
two   | Kip279 | 3/2/2/2 | 1616461 | 26 | WeakIsr:11 StrongIsr:11
two   | Kip320 | 3/2/2/2 | 737794 | 26 |
two   | Kip320 | 3/3/3/2 Without=epoch_in_fetch | 4935514 | - | WeakIsr:13 StrongIsr:17
naive | KafkaTruncateToHighWatermark | 3/2/2/2 | 1988158 | 28 | WeakIsr:9 StrongIsr:9
naive | Kip101 | 3/2/2/2 | 1613089 | 26 | WeakIsr:11 StrongIsr:11
naive | Kip320FirstTry | 3/2/2/2 | 1437076 | 28 | WeakIsr:12 StrongIsr:13
naive | Kip320 | 3/2/2/2 Without=hw_in_epoch_in_expand | 901036 | 26 | WeakIsr:14 StrongIsr:12
naive | Kip320 | 3/2/2/2 Without=epoch_in_expand | 805201 | 26 | WeakIsr:15 StrongIsr:15
naive | Kip279 | 3/3/3/2 | 9374839 | 30 | WeakIsr:11 StrongIsr:11
naive | Kip320 | 3/3/3/2 | 4093531 | 31 |
naive | Kip320 | 3/2/2/3 | 9985570 | 32 |
naive | AsyncIsr | Replicas=4 MaxOffset=2 MaxVersion=3 | 2928384 | 27 |
naive | consumer_group_protocol_kip_848_v2 | TopicCount=1 MaxPerturbations=1 | 1109619 | 52 |
own   | consumer_group_protocol_kip_848_v2 | TopicCount=2 MaxPerturbations=1 | 9630295 | 56 |
naive | TwoPhase | RM=8 | 1745408 | 26 |
own   | TwoPhase | RM=9 | 10340352 | 29 |
naive | EWD840 | N=7 | 172286 | 21 |
naive | EWD840 | N=8 | 786942 | 24 |
naive | Chameneos | N=5 M=5 | 1145742 | 16 |
ROWS
}

# settings CONSTANTS: as arguments of `check`, one a line.
settings() {
    local word
    for word in $1; do
        if [[ $word =~ ^([0-9]+)/([0-9]+)/([0-9]+)/([0-9]+)$ ]]; then
            printf -- '--set\nReplicas=%s\n--set\nLogSize=%s\n--set\nMaxRecords=%s\n' \
                "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}"
            printf -- '--set\nMaxLeaderEpoch=%s\n' "${BASH_REMATCH[4]}"
        else
            printf -- '--set\n%s\n' "$word"
        fi
    done
}

# top_level NAME: the number of that name in the JSON of a search, which is indented by two a level.
top_level() { awk -F'[:, ]+' -v name="\"$1\"" '/^  "/ && $2 == name { print $3; exit }' <<<"$json"; }

# NAME:STATES of every `always` that fails.
broken() {
    awk '/^      "name": /    { gsub(/[",]/, "", $2); name = $2 }
         /^      "kind": /    { always = $2 ~ /always/ }
         /^      "verdict": / { fails = tolower($2) ~ /fail/ }
         /^      "length": /  { if (always && fails) printf "%s:%d ", name, $2 }' <<<"$json"
}

trim() { sed 's/^ *//; s/ *$//' <<<"$1"; }

format='%-9s %-5s %-35s %-41s %11s %5s %-24s %7s %11s %6s\n'
# shellcheck disable=SC2059
printf "$format" '' from model constants distinct depth broken 'CPU s' 'gen./CPU s' MiB
differing=0
ran=0
while IFS='|' read -r from model constants distinct depth violations; do
    from=$(trim "$from") model=$(trim "$model") constants=$(trim "$constants")
    distinct=$(trim "$distinct") depth=$(trim "$depth") violations=$(trim "$violations")
    [[ "$model $constants" == *"$only"* ]] || continue
    ran=$((ran + 1))
    mapfile -t arguments < <(settings "$constants")
    status=0
    json=$("$program" check "$model" "${arguments[@]}" --workers "$workers" --no-liveness \
        --format json) || status=$?
    wanted=0
    if [[ -n $violations ]]; then wanted=1; fi
    found="$(top_level distinct) $(top_level depth) $(top_level complete) $(trim "$(broken)")"
    if [[ $depth = - ]]; then depth=$(top_level depth); fi
    verdict=same
    if [[ $found != "$distinct $depth true $violations" || $status != "$wanted" ]]; then
        verdict=DIFFERENT
        differing=$((differing + 1))
    fi
    # shellcheck disable=SC2059
    printf "$format" "$verdict" "$from" "$model" "$constants" "$(top_level distinct)" \
        "$(top_level depth)" "$(trim "$(broken)")" "$(printf '%.1f' "$(top_level cpu_seconds)")" \
        "$(top_level generated_per_cpu_second)" "$(($(top_level peak_memory_bytes) >> 20))"
    if [[ $verdict = DIFFERENT ]]; then
        echo "          expected: $distinct distinct, depth $depth, broken ${violations:-none};" \
            "exit status $status, expected $wanted"
    fi
done < <(rows)

((ran > 0)) || usage "no row has '$only' in it"
((differing == 0)) || {
    echo "$differing of $ran rows differ"
    exit 1
}
echo "all $ran rows are as expected"

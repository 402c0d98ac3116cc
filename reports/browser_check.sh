#!/bin/sh
# Opens a report in a browser without a window and presses its keys: fails on a console error or a
# failed self test, and says so when there is no browser to ask.
#
#   reports/browser_check.sh out/report.html
set -u
if [ $# -ne 1 ] || [ ! -f "$1" ]; then
    echo "usage: browser_check.sh REPORT.html" >&2
    exit 3
fi
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo "skipped: no chromium found"
    exit 0
}
page=$(realpath "$1")
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT

# --no-sandbox: the page is ours, and containers have no user namespaces.
timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" \
    --enable-logging=stderr --v=0 --dump-dom "file://$page#selftest" >"$work/dom" 2>"$work/log"
if [ ! -s "$work/dom" ]; then
    echo "FAILED: the browser gave no page" >&2
    tail -5 "$work/log" >&2
    exit 1
fi
if grep -E 'CONSOLE' "$work/log" >&2; then
    echo "FAILED: the console is not empty" >&2
    exit 1
fi
result=$(sed -n 's/.*data-selftest="\([^"]*\)".*/\1/p' "$work/dom" | head -1)
case "$result" in
    ok*) echo "$result keys and charts checked" ;;
    *) echo "FAILED: self test: ${result:-did not run}" >&2; exit 1 ;;
esac

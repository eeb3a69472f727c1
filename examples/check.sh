#!/bin/sh
# Runs the examples as a person would, against the scripted endpoint, and looks at what they print.
# Needs build/elenchus and build/release/tests/scripted_endpoint.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'kill $endpoint 2>/dev/null || true; rm -rf "$folder"' EXIT
build/release/tests/scripted_endpoint --port 0 --port-file "$folder/port" >/dev/null &
endpoint=$!
tries=0
until [ -s "$folder/port" ]; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || { echo "the scripted endpoint did not start" >&2; exit 1; }
  sleep 0.05
done
export OPENAI_BASE_URL="http://127.0.0.1:$(cat "$folder/port")/v1"
export ELENCHUS_MODEL=scripted ELENCHUS_DB="$folder/ledger.sqlite" ELENCHUS_DISPLAY=none
unset ELENCHUS_EFFORT 2>/dev/null || true

expect() { # expect CODE COMMAND...: runs it, with its output in $folder/out
  wanted=$1
  shift
  code=0
  "$@" >"$folder/out" 2>"$folder/err" || code=$?
  [ "$code" -eq "$wanted" ] && return 0
  echo "expected exit $wanted, got $code: $*" >&2
  cat "$folder/out" "$folder/err" >&2
  exit 1
}
contains() { grep -q "$1" "$folder/out" || { echo "no '$1' in:" >&2; cat "$folder/out" >&2; exit 1; }; }

expect 0 build/elenchus solve examples/prose --effort quick --json
contains '"event":"launch"'
contains '"event":"done"'
expect 0 build/elenchus audit --json
contains '"faults":0'
expect 0 build/elenchus grade examples/submissions.jsonl --effort quick -o "$folder/graded.csv"
contains 'agreement with human marks'
expect 0 build/elenchus audit 2 --replay
contains 'all reached again'
expect 0 build/elenchus runs list
expect 0 build/elenchus estimate examples/prose
expect 0 build/elenchus doctor
expect 2 build/elenchus solve examples/prose --effort quick --votes 5
expect 0 sqlite3 "$folder/ledger.sqlite" "select * from vote_summary"

# No server and no model is named: the default model proves what it knows and refuses the rest.
unset OPENAI_BASE_URL ELENCHUS_MODEL
expect 0 build/elenchus solve examples/problems --effort quick --check exact --json
contains '"outcome":"accepted"'
contains '"exact":1.0'
expect 2 build/elenchus solve examples/prose/handshakes.md
grep -q 'base-url' "$folder/err" || { echo "no way out is shown:" >&2; cat "$folder/err" >&2; exit 1; }

# A model of this machine: it speaks noise, and every answer can be derived again.
expect 0 build/elenchus solve examples/prose/sum-of-odds.md --model model/tiny --effort quick \
  --max-tokens 64 --cache 64M
contains 'undecided'
expect 0 build/elenchus audit --rederive 10 --cache 64M
contains 'are the same to the byte'
echo "the examples do what they say"

#!/usr/bin/env bash
# From a folder of photos to a cluster that knows them, on this machine.
#
#   own_data_set.sh PHOTOS BUNDLE [OPTION]...    options of `fluid train`, such as --epochs 60
#
# PHOTOS has a sub-folder of pictures for each class (docs/train-your-own.md); the bundle is written
# to BUNDLE. Then a broker and two agents serve it, and the first photo of each class is classified.
# Needs the trainer extra (`pip install '.[trainer]'`) and Mosquitto. FLUID_PYTHON: which Python has
# them, `python` by default. FLUID_PORT: the broker's port, a free one by default.
#
# On real devices: copy BUNDLE to each, and start the two `edge-agent` lines there, with the address
# of one broker. docs/deploy.md does all that with one command.

set -euo pipefail

if (($# < 2)); then
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
photos=$1
bundle=$2
python=${FLUID_PYTHON:-python}
fluid() { "$python" -m fluid "$@"; }

# 1. Train. What each sub-network gets right is printed at the end.
fluid train --dataset "$photos" --output "$bundle" "${@:3}"

# 2. Look at what devices will answer: int8, on the pictures that training has not seen; and that
#    two devices together answer what one would, to the bit.
fluid evaluate "$bundle" --dataset "$photos"
fluid verify "$bundle" --dataset "$photos"

# 3. Serve it: a broker, and two agents that each hold half of the network.
log=$(mktemp -d)
pids=()
stop() {
  kill "${pids[@]}" 2>/dev/null || true
  wait
  rm -rf "$log"
}
trap stop EXIT
mkfifo "$log/url"
"$python" -m broker --port "${FLUID_PORT:-0}" >"$log/url" 2>"$log/broker" &
pids+=($!)
read -r FLUID_BROKER <"$log/url" || {
  cat "$log/broker" >&2
  exit 1
}
export FLUID_BROKER
for role in master worker; do
  "$python" -m edge_agent --role "$role" --id "$role" --bundle "$bundle" >"$log/$role" 2>&1 &
  pids+=($!)
done
fluid status --wait 2 || {
  cat "$log/master" "$log/worker" >&2
  exit 1
}

# 4. Ask. Any MQTT client can; see the other examples.
examples=()
for class in "$photos"/*/; do
  files=("$class"*)
  examples+=("${files[0]}")
done
fluid infer "${examples[@]}"

#!/usr/bin/env bash
# Have one image classified with nothing but Mosquitto's clients (2.0 or newer), and print the answer.
#
#   classify.sh IMAGE [OPTION]...        options of mosquitto_pub: -h HOST, -p PORT, -u, -P, --cafile
#
#   ./classify.sh cat.jpg -h 192.168.1.10 | jq -r .class
#   FLUID_USER=camera ./classify.sh cat.jpg -h pi-1 -p 8883 --cafile ca.crt -u camera -P secret
#
# The answer is one line of JSON. Exit status: 0 for a class, 1 for an error or no answer.

set -euo pipefail

if (($# == 0)); then
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
image=$1
broker=("${@:2}")
if [[ ! -r $image ]]; then
  printf 'error: %s: no such file\n' "$image" >&2
  exit 1
fi

id=shell-$$-$RANDOM
# Users of a secured broker may read answers below their own name alone.
answer_topic=fluid/result/${FLUID_USER:-shell}/$id
# A session that the broker keeps for a minute: the answer waits in it, however early it comes.
session=(-V 5 -i "$id" -c -x 60 -q 1 -t "$answer_topic")

mosquitto_sub "${broker[@]}" "${session[@]}" -E # ends once the broker has the subscription
mosquitto_pub "${broker[@]}" -V 5 -q 1 -t fluid/infer -f "$image" \
  -D publish response-topic "$answer_topic" \
  -D publish correlation-data "$id"
if ! answer=$(mosquitto_sub "${broker[@]}" "${session[@]}" -C 1 -W 30); then
  printf 'error: no answer within 30 s; is a device online?\n' >&2
  exit 1
fi
printf '%s\n' "$answer"
[[ $answer != *'"error":{'* ]] # a class may be called error

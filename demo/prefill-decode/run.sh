#!/usr/bin/env bash
# Adopt prefill/decode: each verb alone, or several in a row. README.md walks through them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
trace=${TRACE:-$here/replay-trace.jsonl}
objective=(--slo-ttft 1500ms --slo-itl 30ms) # What users of this demo were promised.

usage() {
  cat <<'USAGE'
run.sh [--local] [--keep] VERB...

  deploy    the fleet, what serves today, what may serve next, and their one address
  prove     that the new one disaggregates, by its engines' own counters
  bench     the trace against one replica of each, with as many GPUs
  promote   shift the service to the new one, replica by replica, with a gate before and after each
  rollback  shift it back, from wherever it stands
  down      take away what deploy made; with --local the control plane as well

  --local   on a control plane and engines of this machine (needs root, and make tools); without it,
            on the current kubeconfig's control plane
  --keep    with --local: a walk from deploy to rollback leaves the control plane running

Each verb can be repeated and goes on where it was interrupted. Variables: MANIFESTS (their folder), TRACE, BENCH, PROMOTE and ROLLBACK (more options of these commands), MODELPLANE_STATE.
USAGE
}

local='' keep='' verbs=()
for word in "$@"; do
  case $word in
    --local) local=1 ;;
    --keep) keep=1 ;;
    -h | --help) usage; exit 0 ;;
    deploy | prove | bench | promote | rollback | down) verbs+=("$word") ;;
    *) echo "$word: no such verb or option" >&2; usage >&2; exit 2 ;;
  esac
done
[ ${#verbs[@]} -gt 0 ] || { usage >&2; exit 2; }

[ ! -d "$root/.venv/bin" ] || export PATH="$root/.venv/bin:$PATH"
command -v modelplane >/dev/null || { echo 'modelplane is not on PATH: run `make .venv/.ready`' >&2; exit 4; }
manifests=${MANIFESTS:-$here/manifests}
[ -z "$local" ] || manifests=${MANIFESTS:-$here/local}
state=${MODELPLANE_STATE:-$HOME/.modelplane-demo}
started='' now=''
again() { echo "$0${local:+ --local}${keep:+ --keep} $*"; }

ended() {
  local status=$?
  [ $status != 0 ] && [ -n "$now" ] || return 0
  printf '\n%s stopped (exit code %s); what serves goes on serving.\n  go on:      %s\n  go back:    %s\n  take away:  %s\n' \
    "$now" "$status" "$(again "$now")" "$(again rollback)" "$(again down)" >&2
}
trap ended EXIT
trap 'exit 130' INT TERM

plane() { # Finds the control plane; with --local starts it, or what of it is missing.
  [ -n "$local" ] || return 0
  [ "$(id -u)" = 0 ] || { echo '--local makes network namespaces: run it as root (sudo)' >&2; exit 4; }
  kubectl=$(python -c 'from local import tools; print(tools.path("kubectl").parent)')
  export PATH="$kubectl:$PATH" KUBECONFIG="$state/kubeconfig/control-plane"
  [ "$now" != down ] || return 0
  [ -e "$state" ] || started=1
  modelplane up --data-path --clusters 1 --no-kubeconfig --state "$state"
}

whole() { # All manifests; a folder for kustomize is built.
  if [ -e "$manifests/kustomization.yaml" ]; then
    kubectl kustomize --load-restrictor=LoadRestrictionsNone "$manifests"
  else
    local file
    for file in "$manifests"/*.yaml; do echo ---; cat "$file"; done
  fi
}

ready() { # Waits until an object is Ready, and tells why it is not each time that the reason changes.
  local told='' said=''
  until kubectl wait --for=condition=Ready "$1" --timeout=2s >/dev/null 2>&1; do
    said=$(kubectl get "$1" -o jsonpath='{range .status.conditions[?(@.status=="False")]}{.type}: {.message}; {end}' 2>&1 || true)
    [ "$said" = "$told" ] || echo "  waiting for $1: ${said:-not seen yet}"
    told=$said
  done
  echo "  $1 is Ready"
}

deploy() {
  if [ -n "$(kubectl get md qwen-pd --ignore-not-found -o jsonpath='{.metadata.annotations.modelplane\.ai/promotion}')" ]; then
    echo "  deployed already, and being promoted: $(again promote), or $(again rollback)"
    return
  fi
  whole | kubectl apply -f -
  for each in md/qwen md/qwen-pd ms/qwen; do ready "$each"; done
  echo "  served at $(kubectl get ms qwen -o jsonpath='{.status.address}')"
}

prove() {
  ready md/qwen-pd
  modelplane prove md/qwen-pd --record
}

bench() {
  local more=()
  ready md/qwen
  ready md/qwen-pd
  read -ra more <<< "${BENCH:---repeats 2 --svg bench.svg}"
  modelplane bench mr/qwen-0 mr/qwen-pd-0 --trace "$trace" "${objective[@]}" ${more[@]+"${more[@]}"}
}

promote() {
  local more=()
  read -ra more <<< "${PROMOTE:-}"
  modelplane promote md/qwen-pd --from md/qwen --service ms/qwen --trace "$trace" "${objective[@]}" ${more[@]+"${more[@]}"}
}

rollback() {
  local more=()
  read -ra more <<< "${ROLLBACK:-}"
  modelplane rollback md/qwen-pd --trace "$trace" ${more[@]+"${more[@]}"}
}

down() {
  if [ -n "$local" ]; then
    modelplane down --state "$state"
    return
  fi
  whole | kubectl delete --ignore-not-found -f -
}

for now in "${verbs[@]}"; do
  printf '\n== %s\n' "$now"
  begun=$SECONDS
  [ "$now" != "${verbs[0]}" ] || plane
  "$now"
  echo "== $now: $((SECONDS - begun)) s"
done
# A walk that found nothing leaves nothing.
if [ -n "$started" ] && [ -z "$keep" ] && [ "$now" = rollback ]; then
  now=down
  down
fi

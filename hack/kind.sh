#!/bin/sh
# A kind cluster with played GPU nodes beside kind's own: make kind-up, make kind-down. kind itself is a Go tool (npm's
# package of that name is another thing), pinned here.
set -eu

kind=sigs.k8s.io/kind@v0.33.0
name=orquanta
root=$(cd "$(dirname "$0")/.." && pwd)
directory=${XDG_CACHE_HOME:-$HOME/.cache}/orquanta/kind

run_kind() {
  if command -v kind >/dev/null; then kind "$@"; else go run "$kind" "$@"; fi
}

has_engine() {
  for engine in docker podman nerdctl; do
    if command -v "$engine" >/dev/null && "$engine" info >/dev/null 2>&1; then return 0; fi
  done
  return 1
}

case "${1:-}" in
  up)
    has_engine || {
      echo "kind needs a container engine that runs (docker, podman or nerdctl); without one use: make cluster-up" >&2
      exit 1
    }
    mkdir -p "$directory"
    run_kind get clusters 2>/dev/null | grep -qx "$name" ||
      run_kind create cluster --name "$name" --kubeconfig "$directory/kubeconfig"
    exec "$root/hack/node.sh" node "$root/hack/cluster/cli.ts" play --directory "$directory/played" \
      --kubeconfig "$directory/kubeconfig"
    ;;
  down)
    "$root/hack/node.sh" node "$root/hack/cluster/cli.ts" down --directory "$directory/played"
    run_kind delete cluster --name "$name" --kubeconfig "$directory/kubeconfig"
    ;;
  *)
    echo "usage: hack/kind.sh up|down" >&2
    exit 2
    ;;
esac

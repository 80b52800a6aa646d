#!/bin/sh
# make docker-build, docker-push and docker-buildx, with whichever container tool there is: CONTAINER_TOOL, else the first of
# docker, podman, nerdctl and buildah on PATH. IMG is the image's name, PLATFORMS what docker-buildx builds for.
set -eu
cd "$(dirname "$0")/.."

fail() {
  echo "image/tool.sh: $1" >&2
  exit 1
}

find_tool() {
  for name in docker podman nerdctl buildah; do
    if command -v "$name" >/dev/null; then
      echo "$name"
      return
    fi
  done
}

tool=${CONTAINER_TOOL:-$(find_tool)}
[ -n "$tool" ] || fail "no container tool is here: install docker, podman, nerdctl or buildah, or set CONTAINER_TOOL to the path of yours"
command -v "$tool" >/dev/null || fail "CONTAINER_TOOL=$tool: there is no such program; install it, or name another: docker, podman, nerdctl or buildah"
kind=$(basename "$tool")
case $kind in
  docker | podman | nerdctl | buildah) ;;
  *) fail "CONTAINER_TOOL=$tool: its way of building isn't known here; name docker, podman, nerdctl or buildah" ;;
esac

needs_engine() {
  "$tool" info >/dev/null 2>&1 || fail "$tool doesn't reach its engine: start it (see '$tool info'), or name another tool with CONTAINER_TOOL"
}

needs_buildkit() {
  [ "$kind" = docker ] || return 0
  "$tool" buildx version >/dev/null 2>&1 ||
    fail "$tool lacks BuildKit: install its buildx component, or name another tool with CONTAINER_TOOL"
}

version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
image=${IMG:-orquanta:$version}
platforms=${PLATFORMS:-linux/amd64,linux/arm64}
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)

# Behind the tool's own words for it.
build() {
  "$tool" "$@" --file image/Dockerfile --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    ${NODE_IMAGE:+--build-arg "NODE_IMAGE=$NODE_IMAGE"} .
}

needs_engine
case ${1:-} in
  build)
    needs_buildkit
    build build --tag "$image"
    echo "Built $image. Next: make docker-push IMG=$image, then make deploy IMG=$image" >&2
    ;;
  push)
    "$tool" push "$image"
    ;;
  buildx)
    needs_buildkit
    case $kind in
      docker)
        # Docker's own builder makes one platform: BUILDX_BUILDER, or one of ours that goes afterwards.
        if [ -z "${BUILDX_BUILDER:-}" ]; then
          BUILDX_BUILDER=orquanta-$$
          export BUILDX_BUILDER
          trap '"$tool" buildx rm "$BUILDX_BUILDER" >/dev/null' EXIT
          "$tool" buildx create --name "$BUILDX_BUILDER" --driver docker-container >/dev/null
        fi
        build buildx build --platform "$platforms" --tag "$image" --push
        ;;
      nerdctl)
        build build --platform "$platforms" --tag "$image"
        "$tool" push --all-platforms "$image"
        ;;
      podman | buildah)
        # A manifest of that name from another build would get these images as well.
        "$tool" manifest rm "$image" >/dev/null 2>&1 || true
        build build --platform "$platforms" --manifest "$image"
        "$tool" manifest push --all "$image" "docker://$image"
        ;;
    esac
    ;;
  *) fail "usage: image/tool.sh build|push|buildx" ;;
esac

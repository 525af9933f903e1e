#!/usr/bin/env bash
# Nix in a container, for those who have docker or podman and no Nix: ./nix.sh flake check, ./nix.sh develop
# Untested: the machine it was written on has no container engine. Checked by shellcheck only.
set -euo pipefail
cd "$(dirname "$0")"

image=${NIX_IMAGE:-docker.io/nixos/nix:2.24.9}
engine=${CONTAINER_ENGINE:-}
for candidate in docker podman; do
  if [ -z "$engine" ] && command -v "$candidate" >/dev/null; then engine=$candidate; fi
done
if [ -z "$engine" ]; then
  echo "nix.sh needs docker or podman; with Nix installed, run nix itself" >&2
  exit 4
fi
if [ "$#" -eq 0 ]; then
  echo "usage: ./nix.sh ARGUMENTS-OF-NIX, such as: flake check, develop, develop -c make test" >&2
  exit 2
fi

terminal=()
if [ -t 0 ] && [ -t 1 ]; then terminal=(--interactive --tty); fi

# The store is a volume, so that the second run is fast. safe.directory: the checkout belongs to another user in there.
exec "$engine" run --rm "${terminal[@]}" \
  --volume modelplane-nix:/nix --volume "$PWD:/modelplane" --workdir /modelplane \
  --env GIT_CONFIG_COUNT=1 --env GIT_CONFIG_KEY_0=safe.directory --env GIT_CONFIG_VALUE_0=/modelplane \
  "$image" nix --extra-experimental-features "nix-command flakes" "$@"

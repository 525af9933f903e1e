# On NixOS itself the binaries inside wheels (ruff) do not start without nix-ld; checks.nix patches them.
{ pkgs }:
pkgs.mkShell {
  packages = import ./tools.nix { inherit pkgs; };
  shellHook = ''
    export PYTHON=python3.11
    echo "make demo, make test, make tools, make e2e"
  '';
}

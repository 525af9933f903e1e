# Not evaluated against nixpkgs on the machine it was written on, which had no network but package registries. There it
# was evaluated with a stub in the place of nixpkgs (tests/docs/test_flake.py): that proves our names, not nixpkgs'.
# For the same reason there is no flake.lock yet: whoever first runs it with a network commits the one that Nix writes.
{
  description = "Modelplane: a fleet control plane for LLM inference";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      on = systems: make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      devShells = on [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ]
        (pkgs: { default = import ./nix/shell.nix { inherit pkgs; }; });
      checks = on [ "x86_64-linux" ] (pkgs: import ./nix/checks.nix { inherit pkgs; source = self; });
    };
}

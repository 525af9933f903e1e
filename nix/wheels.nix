# Every wheel of requirements.txt for Python 3.11 on x86_64 Linux: pinned by the hashes in that file, and by `outputHash`,
# which `python nix/pin.py` writes when requirements.txt changes. Nothing was built with nixpkgs yet.
{ pkgs }:
let
  pinned = builtins.fromJSON (builtins.readFile ./wheels.json);
in
assert builtins.hashFile "sha256" ../requirements.txt == pinned.requirements;
pkgs.stdenv.mkDerivation {
  name = "modelplane-wheels";
  dontUnpack = true;
  nativeBuildInputs = [ pkgs.python311 pkgs.python311Packages.pip ];
  PIP_CERT = "${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt";
  buildPhase = ''
    python3.11 -m pip download ${pkgs.lib.concatStringsSep " " pinned.pip} -r ${../requirements.txt} -d $out
  '';
  dontInstall = true;
  outputHashMode = "recursive";
  outputHashAlgo = "sha256";
  inherit (pinned) outputHash;
}

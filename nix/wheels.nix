# Every wheel of requirements.txt for Python 3.11 on x86_64 Linux: pinned by the hashes in that file, and by `outputHash`.
# When requirements.txt changes: set outputHash to pkgs.lib.fakeHash, build, and write here what Nix says it got. It is that
# hash now: with huggingface-hub and dnslib among the requirements nothing was built with Nix yet.
{ pkgs }:
let
  platforms = [ "any" "manylinux1_x86_64" "manylinux2010_x86_64" "manylinux2014_x86_64" ]
    ++ map (glibc: "manylinux_2_${glibc}_x86_64") [ "5" "12" "17" "24" "26" "27" "28" "31" "34" ];
in
pkgs.stdenv.mkDerivation {
  name = "modelplane-wheels";
  dontUnpack = true;
  nativeBuildInputs = [ pkgs.python311 pkgs.python311Packages.pip ];
  PIP_CERT = "${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt";
  buildPhase = ''
    python3.11 -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
      --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
      ${pkgs.lib.concatMapStringsSep " " (platform: "--platform ${platform}") platforms} \
      --require-hashes -r ${../requirements.txt} -d $out
  '';
  dontInstall = true;
  outputHashMode = "recursive";
  outputHashAlgo = "sha256";
  outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
}

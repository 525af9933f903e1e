# The same as `make test`, by the same Makefile, in a sandbox: its environment comes from wheels.nix.
{ pkgs, source }:
{
  test = pkgs.stdenv.mkDerivation {
    name = "modelplane-test";
    src = source;
    nativeBuildInputs = [ pkgs.python311 pkgs.gnumake pkgs.git pkgs.patchelf ];
    PIP_NO_INDEX = "1";
    PIP_FIND_LINKS = "${import ./wheels.nix { inherit pkgs; }}";
    # Wheels are built for other distributions: they look for the C++ library and the loader where Nix has none.
    LD_LIBRARY_PATH = pkgs.lib.makeLibraryPath [ pkgs.stdenv.cc.cc.lib pkgs.zlib ];
    buildPhase = ''
      export HOME=$TMPDIR
      patchShebangs demo .ci nix.sh
      git init --quiet && git add --all
      make .venv/.ready PYTHON=python3.11
      patchelf --set-interpreter ${pkgs.stdenv.cc.bintools.dynamicLinker} .venv/bin/ruff
      make test PYTHON=python3.11
    '';
    installPhase = "touch $out";
  };
}

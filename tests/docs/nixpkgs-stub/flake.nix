# As much of nixpkgs as our flake names, so that it can be evaluated where nixpkgs cannot be fetched.
{
  outputs = { self }:
    let
      made = name: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; };
      named = names: builtins.listToAttrs (map (name: { inherit name; value = made name; }) names);
      mkDerivation = arguments: derivation ({
        system = "x86_64-linux";
        builder = "/bin/sh";
        args = [ "-c" "echo > $out" ];
      } // removeAttrs arguments [ "outputHash" "outputHashAlgo" "outputHashMode" ]);
      lib = {
        genAttrs = names: make: builtins.listToAttrs (map (name: { inherit name; value = make name; }) names);
        inherit (builtins) concatStringsSep;
        makeLibraryPath = packages: builtins.concatStringsSep ":" (map (package: "${package}/lib") packages);
      };
      pkgs = named [ "python311" "gnumake" "uv" "go" "kubectl" "git" "patchelf" "cacert" "zlib" ] // {
        inherit lib;
        python311Packages = named [ "pip" ];
        mkShell = mkShell;
        stdenv = {
          inherit mkDerivation;
          cc = { cc = { lib = made "libstdcxx"; }; bintools = { dynamicLinker = "/lib/ld.so"; }; };
        };
      };
      mkShell = { packages, shellHook }: mkDerivation { name = "shell"; inherit packages shellHook; };
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (system: pkgs);
    };
}

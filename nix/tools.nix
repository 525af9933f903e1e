# What a checkout needs: `make demo` and `make test` use python311 and gnumake, `make tools` and `make e2e` the rest too.
{ pkgs }:
[ pkgs.python311 pkgs.gnumake pkgs.uv pkgs.go pkgs.kubectl pkgs.git ]

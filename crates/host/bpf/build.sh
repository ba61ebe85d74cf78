#!/bin/sh
# Builds recorder.bpf.o from its source, the same bytes each time with the same clang. Debian: apt-get install
# clang llvm libbpf-dev linux-libc-dev. With --check it builds aside and compares the programs.
set -eu
cd "$(dirname "$0")"
out=recorder.bpf.o
[ "${1:-}" = --check ] && out=$(mktemp)
clang -O2 -g -target bpf -Wall -Werror -fdebug-prefix-map="$PWD"=. "-I/usr/include/$(gcc -print-multiarch)" \
    -c recorder.bpf.c -o "$out"
llvm-strip -g "$out"
if [ "${1:-}" = --check ]; then
    trap 'rm -f "$out"' EXIT
    cmp "$out" recorder.bpf.o
fi

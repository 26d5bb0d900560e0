#!/bin/sh
# What cppcheck finds beyond the compiler's warnings.

set -eu
cd "$(dirname "$0")/../.."

mkdir -p build/cppcheck
exec cppcheck --quiet --error-exitcode=1 --std=c11 --language=c -D_GNU_SOURCE \
	-Iinstaller '-D__attribute__(x)=' --enable=warning,performance,portability \
	--inline-suppr --suppress=missingIncludeSystem \
	--suppress=checkLevelNormal --suppress=unmatchedSuppression \
	--template='{file}:{line}: {message} [{id}]' \
	--cppcheck-build-dir=build/cppcheck -j "$(nproc)" installer

#!/bin/sh
# The Slurm plugin passes luacheck and defines no globals but Slurm's hooks;
# 100 columns; 80 lines a function. Slurm loads it as one file, so no limit is set
# to that; luacheck counts "and" and "or" as branches, so complexity may be 25.
# The harnesses beside it play slurmctld, so they set `slurm`.

set -eu
cd "$(dirname "$0")/../.."

bad=0
hooks=$(sed -n 's/^function \(slurm_bb_[a-z_]*\).*/\1/p' \
	payload/slurm/burst_buffer.lua)
# shellcheck disable=SC2086 # one word each
luacheck --quiet --codes --no-color --std max --max-line-length 100 \
	--max-cyclomatic-complexity 25 \
	payload/slurm/burst_buffer.lua --read-globals slurm --globals $hooks ||
	bad=1
luacheck --quiet --codes --no-color --std max --max-line-length 100 \
	tests/slurm/*.lua --globals slurm || bad=1
awk '
/^(local )?function / || /^[^ \t-].*= function/ { start = FNR; name = $0 }
/^end/ && start {
	if (FNR - start >= 80) {
		printf "%s:%d: more than 80 lines: %s\n", FILENAME, start, name
		bad = 1
	}
	start = 0
}
END { exit bad }' payload/slurm/*.lua tests/slurm/*.lua || bad=1
exit $bad

#!/bin/sh
# The Slurm plugin passes luacheck and defines no globals but Slurm's hooks;
# 100 columns. The harnesses beside it play slurmctld, so they set `slurm`.

set -eu
cd "$(dirname "$0")/../.."

bad=0
hooks=$(sed -n 's/^function \(slurm_bb_[a-z_]*\).*/\1/p' \
	payload/slurm/burst_buffer.lua)
# shellcheck disable=SC2086 # one word each
luacheck --quiet --codes --no-color --std max --max-line-length 100 \
	payload/slurm/burst_buffer.lua --read-globals slurm --globals $hooks ||
	bad=1
luacheck --quiet --codes --no-color --std max --max-line-length 100 \
	tests/slurm/*.lua --globals slurm || bad=1
exit $bad

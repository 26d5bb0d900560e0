#!/bin/bash
# schema: what we say a CRD takes is what the API server takes, and keeps.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The unit test tells our verdict when it is given files.
judge=${DWS_CSM%/*}/unit/test_schema

test_the_server_is_of_the_same_opinion()
{
	local server ours object nr=0

	"$root/tests/cli/schema.py" "$TEST_DIR/crd" "$TEST_DIR/objects" \
		>"$TEST_DIR/server" 2>"$TEST_DIR/err" ||
		fail "schema.py: $(<"$TEST_DIR/err")"
	"$judge" "$TEST_DIR/crd" "$TEST_DIR/objects" >"$TEST_DIR/ours"
	assertEquals 'verdicts' "$(wc -l <"$TEST_DIR/server")" \
		"$(wc -l <"$TEST_DIR/ours")"
	while IFS=$'\t' read -r object server ours; do
		nr=$((nr + 1))
		case $server:$ours in
		taken:taken | refused*:*\ must\ * | refused*:*\ is\ * | \
			pruned:*'is not known') ;;
		*)
			fail "$(jq -c .spec <<<"$object"): the server says $(
			)'$server', we say '$ours'"
			;;
		esac
	done < <(paste "$TEST_DIR/objects" "$TEST_DIR/server" "$TEST_DIR/ours")
	assertTrue "$nr values" "[ $nr -gt 60 ]"
}

# shellcheck disable=SC1091 # Debian's
. shunit2

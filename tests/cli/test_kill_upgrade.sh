#!/bin/bash
# parts: 3
#
# The kill test of upgrade and rollback: SIGKILL around every write of the
# journal, see kill.sh. That the going back itself may be killed anywhere takes
# too long for each time:
#
#	DWS_CSM=$PWD/build/dws-csm tests/servers/sandbox tests/cli/kill.sh return

# shellcheck source=tests/cli/killed.sh
. "$(dirname "${BASH_SOURCE[0]}")/killed.sh"

test_upgrade_and_rollback_may_be_killed_anywhere()
{
	run_kill upgrade
	assert_covered upgrade
	assert_covered rollback
}

# shellcheck disable=SC1091 # Debian's
. shunit2

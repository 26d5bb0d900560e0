#!/bin/bash
# parts: 2
#
# The kill test of install and uninstall: SIGKILL around every write of the
# journal, see kill.sh.

# shellcheck source=tests/cli/killed.sh
. "$(dirname "${BASH_SOURCE[0]}")/killed.sh"

test_install_and_uninstall_may_be_killed_anywhere()
{
	run_kill install
	assert_covered install
	assert_covered uninstall
}

# shellcheck disable=SC1091 # Debian's
. shunit2

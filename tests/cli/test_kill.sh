#!/bin/bash
# The kill test: SIGKILL around every write of the journal, see kill.sh. The
# work is shared among sandboxes of their own, which run side by side. That the
# going back itself may be killed anywhere takes too long for each time:
#
#	DWS_CSM=$PWD/build/dws-csm tests/servers/sandbox tests/cli/kill.sh return

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# start NAME ARG...: kill.sh in the background, in a sandbox of its own.
start()
{
	local name=$1

	shift
	(
		# Nothing that names the servers of this one.
		env -i HOME="$HOME" PATH="$PATH" DWS_CSM="$DWS_CSM" \
			${DWS_CSM_CACHE:+DWS_CSM_CACHE="$DWS_CSM_CACHE"} \
			"$root/tests/servers/sandbox" \
			"$root/tests/cli/kill.sh" "$@" \
			>"$dir/$name" 2>&1 </dev/null
		echo $? >"$dir/$name.rc"
	) &
	jobs[$name]=$!
}

oneTimeSetUp()
{
	dir=$TEST_DIR/kill
	mkdir -p "$dir"
	declare -gA jobs
	start upgrade-0 upgrade 0 2
	start upgrade-1 upgrade 1 2
}

# assert_covered OPERATION PART...: the parts ended well and have, together,
# covered every point of it.
assert_covered()
{
	local operation=$1 part all done=0 line

	shift
	for part; do
		[ -z "${jobs[$part]:-}" ] || wait "${jobs[$part]}"
		assertEquals "$part: $(<"$dir/$part")" 0 "$(<"$dir/$part.rc")"
		line=$(grep "^points $operation " "$dir/$part")
		read -r _ _ part _ all <<<"$line"
		done=$((done + ${part:-0}))
	done
	assertEquals "points of $operation" "${all:-none}" "$done"
	echo "$done kill points of $operation: all covered"
}

test_install_and_uninstall_may_be_killed_anywhere()
{
	TEST_DIR=$TEST_DIR/install "$root/tests/cli/kill.sh" install \
		>"$dir/install" 2>&1 </dev/null
	echo $? >"$dir/install.rc"
	assert_covered install install
	assert_covered uninstall install
}

test_upgrade_and_rollback_may_be_killed_anywhere()
{
	assert_covered upgrade upgrade-0 upgrade-1
	assert_covered rollback upgrade-0 upgrade-1
}

# shellcheck disable=SC1091 # Debian's
. shunit2

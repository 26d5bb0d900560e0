# shellcheck shell=bash
# killed.sh: a share of a kill test, on the servers that are there. tests/run
# gives PART and PARTS; without them it is the whole.

# shellcheck source=tests/cli/transaction.sh
. "$(dirname "${BASH_SOURCE[0]}")/transaction.sh"

: "${PART:=0}" "${PARTS:=1}"

# run_kill PAIR
run_kill()
{
	TEST_DIR=$TEST_DIR/kill "$root/tests/cli/kill.sh" "$1" "$PART" \
		"$PARTS" >"$TEST_DIR/killed" 2>&1 </dev/null
	status=$?
	assertEquals "$1: $(<"$TEST_DIR/killed")" 0 "$status"
}

# assert_covered OPERATION: every point of this share, before and after each
# PARTSth write.
assert_covered()
{
	local line nth share=0 covered all

	line=$(grep "^points $1 " "$TEST_DIR/killed")
	read -r _ _ covered _ all <<<"$line"
	for ((nth = 1; 2 * nth <= ${all:-0}; nth++)); do
		[ $((nth % PARTS)) != "$PART" ] || share=$((share + 2))
	done
	assertTrue "points of $1 there are" "[ $share -gt 0 ]"
	assertEquals "points of $1, of $all" "$share" "${covered:-none}"
	echo "$share of $all kill points of $1: all covered"
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	server_stop kube
	"$DWS_CSM" resume >"$TEST_DIR/given" 2>&1 </dev/null
	given_no_dws
	must kubectl delete clusterrolebinding slurm-dws-viewer \
		--ignore-not-found
}

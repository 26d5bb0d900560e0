#!/bin/bash
# kill.sh PAIR [PART PARTS]
#
# SIGKILL before and after every write of the journal of two operations that
# undo each other, each followed by `resume` and, from the same place again, by
# `rollback`: the cluster has to be whole, in the state before or the one after.
#
#   upgrade   upgrade, and rollback of what was upgraded
#   install   install, and uninstall
#   return    the going back of an upgrade that was killed: `rollback` is
#             killed itself
#
# With PART and PARTS only every PARTSth write from PART on: several of these
# scripts share the work, each in a sandbox of its own. Says how many points it
# covered, one line an operation; exits 1 when anything was not as it must be.
# It starts the servers unless tests/run did.

# shellcheck disable=SC2154 # run_dws sets rc, out, err

set -u
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
pair=${1:?usage: kill.sh PAIR [PART PARTS]}
part=${2:-0} parts=${3:-1}

# tests/run has its own.
: "${TEST_DIR:=$T/test}"
mkdir -p "$TEST_DIR"
if [ ! -e "$T/env" ]; then
	"$here/../servers/up" >"$TEST_DIR/up" 2>&1 || {
		cat "$TEST_DIR/up"
		exit 1
	}
fi
set -a
# shellcheck disable=SC1091 # written by tests/servers/up
. "$T/env"
set +a

failures=0
fail()
{
	failures=$((failures + 1))
	echo "FAIL: $*"
}

# shellcheck source=tests/cli/transaction.sh
. "$here/transaction.sh"

# --- the operations ---------------------------------------------------------

# The two states, and what leads from each to the other.
case $pair in
upgrade | return)
	begin=old end=new names=(upgrade rollback)
	only_kinds PersistentStorageInstance Servers Storage Workflow
	forward=(upgrade --version "$new" --skip-images)
	backward=(rollback REVISION --skip-images)
	;;
install)
	begin=none end=installed names=(install uninstall)
	only_kinds Storage Workflow
	forward=(install --version "$new" --skip-images)
	backward=(uninstall --yes)
	;;
*)
	sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
nothing_before='too late to go back|no revision before|no DWS is in this'
# Where the cluster is.
at=$begin

# Where a rollback goes to: the last revision of the old release. Without it,
# what was taken back would not be done again.
name_revision()
{
	[ "$begin" = none ] || [ "$at" = "$begin" ] ||
		backward[1]=$("$DWS_CSM" history -o json |
			jq --arg old "$old" '[.[] | select(.version == $old and
				.status == "superseded").revision] | max')
}

# goes_to STATE COMMAND...: undisturbed, through the proxy, which counts.
goes_to()
{
	local state=$1

	shift
	spoil "{$journal_writes}"
	run_proxied "$@"
	[ "$rc" = 0 ] || fail "$command_line: $rc: $err"
	at=$state
	name_revision
}

# ensure STATE
ensure()
{
	[ "$at" != "$1" ] || return 0
	if [ "$1" = "$end" ]; then
		goes_to "$end" "${forward[@]}"
	else
		goes_to "$begin" "${backward[@]}"
	fi
}

journal_is_open()
{
	[ -n "$(kubectl -n dws-system get secret dws-csm.journal -o name \
		--ignore-not-found)" ]
}

# journal_direction: "forward" or "back"; nothing where none is open.
journal_direction()
{
	kubectl -n dws-system get secret dws-csm.journal --ignore-not-found \
		-o jsonpath='{.data.journal}' | base64 -d |
		gunzip 2>"$TEST_DIR/gunzip" | jq -r .direction
}

# --- one point --------------------------------------------------------------

# recover HOW: from this host's state directory, or as from another host.
recover()
{
	rm -rf "$TEST_DIR/elsewhere"
	case $1 in
	resume) run_dws resume ;;
	rollback) run_dws rollback --skip-images \
		--state-dir "$TEST_DIR/elsewhere" ;;
	esac
}

# point WHEN NTH FROM TO HOW COMMAND...: kills it there and recovers. The
# cluster is then in state $at.
point()
{
	local when=$1 nth=$2 from=$3 to=$4 how=$5 open='' wanted

	shift 5
	what="$1 killed $when write $nth, then $how"
	run_killed "$when" "$nth" "$@"
	[ "$rc" = 137 ] || fail "$what: it was not killed but ended with $rc: $err"
	! journal_is_open || open=1
	wanted=$to
	if [ "$how" = rollback ] || { [ -z "$open" ] && [ "$nth" = 1 ]; }; then
		wanted=$from
	fi
	recover "$how"
	# Not begun, or done: it is taken back, or a rollback begins.
	if [ -z "$open" ] && [ "$how" = rollback ] && whole "$to" "$from"; then
		wanted=$found
	fi
	# What is done but for a word of it, and has nothing before it.
	if [ "$rc" = 3 ] && [ "$how" = rollback ] &&
		[[ $err =~ $nothing_before ]]; then
		rc=0 wanted=$to
	fi
	[ "$rc" = 0 ] || fail "$what: $how ended with $rc: $err"
	check "$wanted" "$from" "$to"
}

# check WANTED OTHER...: and where another state was reached, goes on from it.
check()
{
	local wanted=$1 state

	at=$wanted
	if whole "$wanted"; then
		name_revision
		return
	fi
	fail "$what: the state is not '$wanted': $(<"$TEST_DIR/whole")" \
		"($command_line said: $err)"
	for state; do
		at=$state
		if state_is "$state" >"$TEST_DIR/whole"; then
			name_revision
			return
		fi
	done
	echo 'It cannot go on from there.'
	exit 1
}

# both FROM TO WHEN NTH COMMAND: the variable that holds it, with either way to
# recover.
both()
{
	local from=$1 to=$2 when=$3 nth=$4 how
	local -n command=$5

	for how in rollback resume; do
		ensure "$from"
		point "$when" "$nth" "$from" "$to" "$how" "${command[@]}"
	done
	covered[${command[0]}]=$((${covered[${command[0]}]:-0} + 1))
}

# --- all points -------------------------------------------------------------

declare -A covered

# Dry runs: the states to be compared with, and how many writes there are.
prepare()
{
	seed_images "$old" "$new"
	kube_proxy || fail 'the proxy does not start'
	if [ "$begin" = none ]; then
		# The Namespace stays, with the labels that it got.
		given_release "$new"
		given_no_dws
	else
		given_release "$old"
		given_resources "$old"
		# It follows the release, whose role has another name.
		must kubectl create clusterrolebinding slurm-dws-viewer \
			--clusterrole=workload-manager --user=slurm-dws
	fi
	note_state "$begin"
	goes_to "$end" "${forward[@]}"
	forward_writes=$(count_writes)
	note_state "$end"
	goes_to "$begin" "${backward[@]}"
	backward_writes=$(count_writes)
	whole "$begin" || fail "${names[*]}: $(<"$TEST_DIR/whole")"
	[ "$failures" = 0 ] || exit 1
}

# mine NTH: whether it is this script's share.
mine()
{
	[ $(($1 % parts)) = "$part" ]
}

there_and_back()
{
	local nth when most=$forward_writes

	[ "$backward_writes" -le "$most" ] || most=$backward_writes
	for ((nth = 1; nth <= most; nth++)); do
		mine "$nth" || continue
		for when in before after; do
			[ "$nth" -gt "$forward_writes" ] ||
				both "$begin" "$end" "$when" "$nth" forward
			[ "$nth" -gt "$backward_writes" ] ||
				both "$end" "$begin" "$when" "$nth" backward
		done
	done
}

# An upgrade that stands still with the new release half restored; the going
# back is killed.
half_way()
{
	run_killed before $((forward_writes - 3)) "${forward[@]}"
	[ "$rc" = 137 ] || fail "$command_line: $rc: $err"
}

returning()
{
	local nth when how

	half_way
	spoil "{$journal_writes}"
	run_proxied rollback
	[ "$rc" = 0 ] || fail "$command_line: $rc: $err"
	backward_writes=$(count_writes)
	for ((nth = 1; nth <= backward_writes; nth++)); do
		mine "$nth" || continue
		for when in before after; do
			for how in rollback resume; do
				half_way
				point_back "$when" "$nth" "$how"
			done
			covered[return]=$((${covered[return]:-0} + 1))
		done
	done
}

# point_back WHEN NTH HOW: `rollback` killed, and once more HOW. Until it has
# turned round, `resume` goes on with the upgrade.
point_back()
{
	local wanted=$begin

	what="return killed $1 write $2, then $3"
	run_killed "$1" "$2" rollback
	[ "$rc" = 137 ] || fail "$what: it was not killed but ended with $rc: $err"
	if [ "$3" = resume ] && [ "$(journal_direction)" = forward ]; then
		wanted=$end
	fi
	recover "$3"
	[ "$rc" = 0 ] || fail "$what: $3 ended with $rc: $err"
	check "$wanted" "$begin" "$end"
	ensure "$begin"
}

prepare
if [ "$pair" = return ]; then
	names=(return)
	returning
else
	there_and_back
fi
for name in "${names[@]}"; do
	writes=$backward_writes
	[ "$name" != "${forward[0]}" ] || writes=$forward_writes
	echo "points $name ${covered[$name]:-0} of $((2 * writes))"
done
server_stop kube
[ "$failures" = 0 ]

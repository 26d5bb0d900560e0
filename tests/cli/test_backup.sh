#!/bin/bash
# backup: custom resources into two places and out of either, into the same
# release and into another.
#
# Nothing of DWS runs here but its kinds: a conversion webhook is away, as it may
# be when a backup is wanted most.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

samples=$root/tests/data/resources
standing=

resources()
{
	"$root/tests/cli/resources.py" "$@"
}

crds()
{
	"$DWS_CSM" manifests --version "$1" -o json | jq '.items |= map(select(
		.kind == "CustomResourceDefinition"))'
}

# kinds_of VERSION: the kinds of DWS as this release has them, no resources.
# Kinds take many seconds to go.
kinds_of()
{
	must resources remove
	[ "$standing" != "$1" ] || return 0
	no_kinds
	standing=$1
	use_release "$1"
	crds "$1" >"$TEST_DIR/crds.json"
	must kubectl create -f "$TEST_DIR/crds.json"
	must kubectl wait --for=condition=established --timeout=20s \
		-f "$TEST_DIR/crds.json"
	eventually 'all kinds' resources dump
	eventually 'Storages' kubectl get --raw "$(storages)"
}

no_kinds()
{
	standing=
	must resources remove
	must kubectl delete --ignore-not-found -f <(crds 0.1.17)
}

storages()
{
	echo "/apis/$group/$storage/namespaces/${1:-default}/storages"
}

# storage NAME [NAMESPACE [MORE-METADATA]]
storage()
{
	kubectl create -f - <<-END >"$TEST_DIR/storage" 2>&1 ||
	apiVersion: $group/$storage
	kind: Storage
	metadata: {name: $1, namespace: ${2:-default}${3:+, $3}}
	spec: {state: Enabled}
	END
		fail "$(<"$TEST_DIR/storage")"
}

# status NAME JSON [NAMESPACE]
status()
{
	local path

	path=$(storages "${3:-default}")/$1
	must kubectl replace --raw "$path/status" -f <(
		kubectl get --raw "$path" | jq --argjson s "$2" '.status = $s')
}

# get NAME FILTER: what jq makes of a Storage
get()
{
	kubectl get --raw "$(storages)/$1" | jq -r "$2"
}

# take: a backup; sets id
take()
{
	run_dws backup create -o json
	assert_rc 0
	id=$(jq -r .id "$TEST_DIR/out")
}

secrets()
{
	kubectl -n dws-system get secrets -l dws-csm.io/record=backup "$@"
}

oneTimeSetUp()
{
	export DWS_CSM_STATE_DIR=$TEST_DIR/state
	given_namespace
}

setUp()
{
	rm -rf "$DWS_CSM_STATE_DIR"
	kubectl -n dws-system delete secrets -l dws-csm.io/record=backup \
		>"$TEST_DIR/must" 2>&1
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	no_kinds
}

test_lies_in_both_places()
{
	kinds_of 0.1.17
	must resources load "$samples/0.1.17.yaml"
	run_dws backup create
	assert_rc 0
	id=$(awk '$1 == "backup" { print $2 }' "$TEST_DIR/out")
	assert_out "cluster, $DWS_CSM_STATE_DIR/backup/$id.jsonl.gz" \
		'10 custom resources' 'SystemStatus'
	assertTrue "kinds: $out" "grep -qE '^Storage +v1alpha7 +2$' $TEST_DIR/out"
	assertEquals 'Secrets' "dws-csm.backup.$id dws-csm.backup.$id.0" \
		"$(secrets -o name | sed 's,secret/,,' | sort | head -2 |
			paste -sd ' ')"
	assertEquals 'type' dws-csm.io/backup.v1 "$(secrets \
		-o jsonpath='{.items[0].type}')"
	assertEquals 'mode' '600 600' "$(stat -c %a \
		"$DWS_CSM_STATE_DIR/backup/"* | paste -sd ' ')"
	assertEquals 'objects here' "$(resources dump)" "$(zcat \
		"$DWS_CSM_STATE_DIR/backup/$id.jsonl.gz" | bare)"
	assertEquals 'objects shown' "$(resources dump)" "$("$DWS_CSM" backup \
		show "$id" -o json | jq -c '.items[]' | bare)"
	assertEquals 'objects in YAML' "$(resources dump)" "$("$DWS_CSM" backup \
		show "$id" -o yaml | yaml_items | bare)"
}

# As resources.py dump has them.
bare()
{
	python3 -c '
import json, sys
sys.path.insert(0, sys.argv[1])
import resources
print("\n".join(sorted(resources.bare(json.loads(l), None)
                       for l in sys.stdin)))' "$root/tests/cli"
}

yaml_items()
{
	python3 -c '
import json, sys, yaml
for item in yaml.safe_load(sys.stdin)["items"]:
    print(json.dumps(item))'
}

test_every_kind_goes_to_the_next_release_and_back()
{
	local first

	kinds_of 0.1.17
	must resources load "$samples/0.1.17.yaml" --except SystemStatus
	resources dump >"$TEST_DIR/want-0.1.17"
	kinds_of 0.0.20
	must resources load "$samples/0.0.20.yaml"
	resources dump >"$TEST_DIR/want-0.0.20"
	take
	first=$id
	kinds_of 0.1.17
	run_dws backup restore "$first"
	assert_rc 0
	resources dump --owners >"$TEST_DIR/is" || fail 'owners in 0.1.17'
	assertEquals 'in 0.1.17' '' "$(diff "$TEST_DIR/want-0.1.17" \
		"$TEST_DIR/is")"
	take
	kinds_of 0.0.20
	run_dws backup restore "$id"
	assert_rc 0
	resources dump --owners >"$TEST_DIR/is" || fail 'owners in 0.0.20'
	assertEquals 'back in 0.0.20' '' "$(diff "$TEST_DIR/want-0.0.20" \
		"$TEST_DIR/is")"
	# The owner that is not of DWS kept its uid.
	assertEquals 'foreign owner' "$(kubectl -n default get configmap \
		site-rabbits -o jsonpath='{.metadata.uid}')" \
		"$(get rabbit-0 '.metadata.ownerReferences[0].uid')"
}

test_what_the_release_does_not_take_stops_it_beforehand()
{
	kinds_of 0.1.17
	must resources load "$samples/0.1.17.yaml"
	take
	kinds_of 0.0.20
	run_dws backup restore "$id"
	assert_rc 3
	assert_err "SystemStatus 'default'" "namespace 'default'" \
		'--abandon-resources SystemStatus'
	assertEquals 'resources' '' "$(resources dump)"
	run_dws backup restore "$id" --abandon-resources systemstatus -o json
	assert_rc 0
	assert_json '[.created, .abandoned, .existed] | join(" ")' '9 1 0'

	kinds_of 0.1.17
	storage rabbit-7
	must kubectl patch "storages.$storage.$group" rabbit-7 --type=merge \
		-p '{"spec":{"mode":"Testing"}}'
	take
	kinds_of 0.0.20
	run_dws backup restore "$id"
	assert_rc 3
	assert_err "Storage 'rabbit-7'" "'spec.mode' is not known"
	assertEquals 'resources' '' "$(resources dump)"
}

test_what_is_there_stays()
{
	kinds_of 0.1.17
	storage rabbit-1
	storage rabbit-2
	status rabbit-1 '{"capacity": 1, "status": "Ready"}'
	status rabbit-2 '{"capacity": 2, "status": "Ready"}'
	take
	must kubectl delete "storages.$storage.$group" rabbit-1
	storage rabbit-1 default 'labels: {new: "yes"}'
	must kubectl patch "storages.$storage.$group" rabbit-1 --type=merge \
		-p '{"spec":{"state":"Disabled"}}'
	status rabbit-2 '{"capacity": 3, "status": "Failed"}'
	run_dws backup restore "$id" --dry-run
	assert_rc 0
	assert_err '0 custom resources would be restored, 2 there already'
	assertEquals 'untouched by a dry run' null "$(get rabbit-1 .status)"
	run_dws backup restore "$id" -o json
	assert_rc 0
	assert_json '[.created, .existed] | join(" ")' '0 2'
	assertEquals 'spec' Disabled "$(get rabbit-1 .spec.state)"
	assertEquals 'completed status' 1 "$(get rabbit-1 .status.capacity)"
	assertEquals 'newer status' 3 "$(get rabbit-2 .status.capacity)"
}

test_dry_run_creates_nothing()
{
	kinds_of 0.1.17
	must resources load "$samples/0.1.17.yaml"
	take
	must resources remove
	run_dws backup restore "$id" --dry-run -o json
	assert_rc 0
	assert_json .created 10
	assertEquals 'resources' '' "$(resources dump)"
}

test_owners_and_namespaces_that_are_gone()
{
	kinds_of 0.1.17
	must resources load "$samples/0.1.17.yaml" --except SystemStatus
	must kubectl create namespace short-lived
	storage rabbit-8 short-lived
	take
	must resources remove
	must kubectl delete namespace short-lived
	# As if its owner had never been saved.
	run_dws backup restore "$id" --abandon-resources \
		PersistentStorageInstance -o json
	assert_rc 1
	assert_err 'short-lived' "rabbit-8" 'create' 'restore again' \
		"Servers 'shared-lustre'" \
		"owner, PersistentStorageInstance 'shared-lustre', is gone" \
		"ClientMount 'uan01-shared'"
	assert_json '[.abandoned, .orphans, .homeless] | join(" ")' '1 3 1'
	must kubectl create namespace short-lived
	run_dws backup restore "$id" -o json
	assert_rc 0
	assert_json '[.created, .existed, .orphans] | join(" ")' '5 5 0'
	resources dump --owners >"$TEST_DIR/is" || fail 'owners'
	must resources remove
	must kubectl delete namespace short-lived --wait=false
}

# As where the removal of kinds ends half-way: what they owned is collected in
# the kinds that still stand, sooner or later.
test_what_has_lost_its_owner_is_made_anew()
{
	local breakdown=directivebreakdowns.$group/shared-lustre-0
	local persistent=persistentstorageinstances.$group/shared-lustre
	local held='{"metadata":{"finalizers":["example.com/held"]}}'

	kinds_of 0.1.17
	must resources load "$samples/0.1.17.yaml" --except SystemStatus
	resources dump --owners >"$TEST_DIR/was" || fail 'owners'
	take
	must kubectl -n research patch "$breakdown" --type=merge -p "$held"
	must kubectl -n research patch "$persistent" --type=merge \
		-p '{"metadata":{"finalizers":null}}'
	must kubectl -n research delete "$persistent"
	run_dws backup restore "$id"
	assert_rc 0
	resources dump --owners >"$TEST_DIR/is" || fail 'owners'
	assertEquals 'resources' '' "$(diff "$TEST_DIR/was" "$TEST_DIR/is")"
	must resources remove
}

test_finalizers_and_what_was_about_to_go()
{
	kinds_of 0.1.17
	storage rabbit-1 default 'finalizers: [example.com/held]'
	storage rabbit-2 default 'finalizers: [example.com/held]'
	must kubectl delete "storages.$storage.$group" rabbit-2 --wait=false
	take
	must resources remove
	run_dws backup restore "$id"
	assert_rc 0
	assertEquals 'finalizers' example.com/held \
		"$(get rabbit-1 '.metadata.finalizers[]')"
	assertEquals 'stays' null "$(get rabbit-1 .metadata.deletionTimestamp)"
	assertNotEquals 'goes' null \
		"$(get rabbit-2 .metadata.deletionTimestamp)"
}

test_damage_is_seen_and_the_other_place_taken()
{
	local chunk file

	kinds_of 0.1.17
	storage rabbit-1
	take
	chunk=dws-csm.backup.$id.0
	file=$DWS_CSM_STATE_DIR/backup/$id.jsonl.gz
	must resources remove
	must kubectl -n dws-system patch secret "$chunk" --type=merge \
		-p "{\"data\":{\"chunk\":\"$(gzip <<<'{}' | base64 -w 0)\"}}"
	run_dws backup show "$id" -o json
	assert_rc 0
	assert_err 'part 0' 'in the cluster is damaged' 'this host'
	assert_json '.items[].metadata.name' rabbit-1
	# Damaged in both.
	cp "$file" "$TEST_DIR/saved"
	printf X | dd of="$file" bs=1 seek=30 conv=notrunc 2>/dev/null
	run_dws backup restore "$id"
	assert_rc 9
	assert_err 'part 0' 'on this host is damaged'
	assertEquals 'resources' '' "$(resources dump)"
	# Gone in the cluster, index and all.
	cp "$TEST_DIR/saved" "$file"
	must kubectl -n dws-system delete secret "$chunk" "dws-csm.backup.$id"
	run_dws backup list -o json
	assert_rc 0
	assert_json '.[].places | join(" ")' "$file"
	run_dws backup restore "$id"
	assert_rc 0
	assertEquals 'the Storage' rabbit-1 "$(get rabbit-1 .metadata.name)"
}

test_another_host_has_the_one_in_the_cluster()
{
	kinds_of 0.1.17
	storage rabbit-1
	take
	must resources remove
	rm -r "$DWS_CSM_STATE_DIR"
	run_dws backup list
	assert_rc 0
	assert_out "$id" backup 'cluster'
	assertNotContains "$out" /backup/
	run_dws backup restore "$id"
	assert_rc 0
	assertEquals 'the Storage' rabbit-1 "$(get rabbit-1 .metadata.name)"
}

test_without_an_index_there_is_none()
{
	kinds_of 0.1.17
	take
	must kubectl -n dws-system delete secret "dws-csm.backup.$id"
	rm "$DWS_CSM_STATE_DIR/backup/$id.json"
	run_dws backup list
	assert_rc 0
	assertEquals 'backups' '' "$out"
	assert_err 'no backups'
	run_dws backup restore "$id"
	assert_rc 1
	assert_err "no backup '$id'" 'there is none'
	take
	run_dws backup show nosuch
	assert_rc 1
	assert_err "no backup 'nosuch'" "'$id'"
	run_dws backup show ../state
	assert_rc 1
	run_dws backup show
	assert_rc 2
}

test_killed_restore_goes_on()
{
	local pid end=$((SECONDS + 30))

	kinds_of 0.1.17
	must resources many 400
	resources dump >"$TEST_DIR/want"
	take
	must resources remove
	"$DWS_CSM" backup restore "$id" >"$TEST_DIR/killed" 2>&1 &
	pid=$!
	until [ "$(kubectl get --raw "$(storages)" | jq '.items | length')" \
		-gt 20 ] || [ "$SECONDS" -gt "$end" ]; do :; done
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	assertNotEquals 'it was killed in its middle' 400 "$(kubectl get --raw \
		"$(storages)" | jq '.items | length')"
	# What was killed left its Lease behind.
	run_dws backup restore "$id"
	assert_rc 0
	assertEquals 'resources' '' "$(resources dump | diff "$TEST_DIR/want" -)"
}

# most_memory CMD ARG...: the largest resident set of it, in kilobytes.
most_memory()
{
	python3 -c '
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)' "$@" 2>"$TEST_DIR/memory"
}

test_memory_does_not_grow_with_the_number()
{
	local few many limit=65536

	[ -z "${SANITIZE:-}" ] || limit=1000000
	kinds_of 0.1.17
	must resources many 1500
	resources dump >"$TEST_DIR/want"
	many=$(most_memory "$DWS_CSM" backup create) ||
		fail "$(<"$TEST_DIR/memory")"
	assertTrue "backup: $many kB" "[ $many -lt $limit ]"
	id=$("$DWS_CSM" backup list -o json | jq -r '.[0].id')
	assertTrue 'several chunks' "[ $(secrets -o name | wc -l) -gt 2 ]"
	must resources remove
	few=$(most_memory "$DWS_CSM" backup restore "$id") ||
		fail "$(<"$TEST_DIR/memory")"
	assertTrue "restore: $few kB" "[ $few -lt $limit ]"
	assertEquals 'resources' '' "$(resources dump | diff "$TEST_DIR/want" - |
		head -3)"
	must resources remove
}

test_state_directory_that_cannot_be_used()
{
	kinds_of 0.1.17
	: >"$TEST_DIR/file"
	run_dws backup create --state-dir "$TEST_DIR/file/x"
	assert_rc 1
	assert_err "$TEST_DIR/file" '--state-dir'
	assertEquals 'Secrets' '' "$(secrets -o name 2>/dev/null)"
}

test_without_dws()
{
	kinds_of 0.1.17
	take
	no_kinds
	run_dws backup create
	assert_rc 3
	assert_err 'not installed'
	run_dws backup restore "$id"
	assert_rc 3
	assert_err 'not installed' 'dws-csm install'
}

# shellcheck disable=SC1091 # Debian's
. shunit2

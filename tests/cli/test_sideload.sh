#!/bin/bash
# images push --bundle: out of a bundle that is believed into a registry, and
# nothing else.
# servers: none

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/bundles.sh
. "$(dirname "${BASH_SOURCE[0]}")/bundles.sh"

bundle=$TEST_DIR/dws.tar

oneTimeSetUp()
{
	if ! registry_up || ! proxy_up; then
		fail 'the servers do not start'
	fi
	given_inputs "$inputs" "$release"
	must "$root/tests/cli/sideload.py" artifacts "$inputs"
	given_bundle "$TEST_DIR/tagged.tar"
	must "$root/tests/cli/sideload.py" referrers "$TEST_DIR/tagged.tar" \
		"$bundle" "$key.pem"
}

oneTimeTearDown()
{
	registry_down fault images
}

setUp()
{
	new_prefix
	unset to ca
	fault_rules fault '[]'
}

# sideload [ARG...]: through the proxy, trusting the key.
sideload()
{
	to=$proxy push --bundle "${from:-$bundle}" --trust "$key.pub" "$@"
}

# The digest of the image dws in the bundle.
dws_digest()
{
	bundle_py meta "$bundle"
	jq -r --arg version "$release" '.releases[] |
		select(.version == $version).images[] |
		select(.name == "dws").digest' "$TEST_DIR/must"
}

assert_untouched()
{
	assertEquals 'uploads begun' 0 "$(fault_count fault \
		'.method == "POST" or .method == "PUT" or .method == "PATCH"')"
	assert_no_tag
}

# assert_refused TEXT...: as not to be believed, before anything was asked.
assert_refused()
{
	assert_rc 9
	assert_err "$@"
	assert_untouched
}

# --- what arrives -----------------------------------------------------------

test_a_bundle_fills_the_registry()
{
	sideload -o json
	assert_rc 0
	assert_json '[.[].present] | any' false
	assertEquals 'digest of the tag' "$(dws_digest)" "$(tag_is "$dws")"
	assert_json '.[] | select(.name == "dws").digest' "$(tag_is "$dws")"
	assert_same_image "$inputs/oci"
	assertNotEquals 'tag of the proxy' '' "$(tag_is kube-rbac-proxy:v0.14.1)"
}

test_signatures_arrive_before_the_image()
{
	local digest stem

	sideload
	assert_rc 0
	digest=$(dws_digest)
	stem=dws:${digest/:/-}
	assertNotEquals 'signature' '' "$(tag_is "$stem.sig")"
	assertEquals 'tag of what goes by its digest' '' "$(tag_is "$stem.att")"
	assertEquals 'last of repository dws' "/v2/$prefix/dws/manifests/$release" \
		"$(jq -r 'select(.method == "PUT" and
			(.path | test("/dws/manifests/"))).path' \
			"$T/log/fault.jsonl" | tail -n 1)"
}

# This registry keeps no list of referrers itself.
test_an_attestation_is_on_the_list_of_referrers()
{
	local digest stem

	sideload
	assert_rc 0
	digest=$(dws_digest)
	stem=dws:${digest/:/-}
	assertNotEquals 'list' '' "$(tag_is "$stem")"
	assertEquals 'attestations of the image' 1 \
		"$(jq '[.manifests[] | select(.artifactType ==
			"application/vnd.test.att" and
			.annotations.test == "att")] | length' "$TEST_DIR/raw")"
	digest=$(jq -r '.manifests[0].digest' "$TEST_DIR/raw")
	images_skopeo inspect --raw "docker://$registry/$prefix/dws@$digest" \
		>"$TEST_DIR/raw" 2>&1
	assertEquals 'subject' "$(dws_digest)" \
		"$(jq -r .subject.digest "$TEST_DIR/raw")"
}

test_what_others_put_on_the_list_stays()
{
	local digest stem

	sideload dws
	assert_rc 0
	digest=$(dws_digest)
	stem=dws:${digest/:/-}
	jq -c '.manifests |= map(.annotations.test = "other" |
		.digest = $digest)' --arg digest "$(tag_is "$stem.sig")" \
		<(tag_is "$stem" >/dev/null; cat "$TEST_DIR/raw") \
		>"$TEST_DIR/list"
	must curl -sSf --cacert "$REGISTRY_CA" \
		--user "$REGISTRY_USER:$REGISTRY_PASSWORD" -X PUT \
		-H 'Content-Type: application/vnd.oci.image.index.v1+json' \
		--data-binary "@$TEST_DIR/list" \
		"https://$registry/v2/$prefix/dws/manifests/${stem#*:}"
	images_skopeo delete "docker://$registry/$prefix/$dws" ||
		fail 'cannot delete'
	sideload dws
	assert_rc 0
	tag_is "$stem" >/dev/null
	assertEquals 'entries' 'other att' "$(jq -r \
		'[.manifests[].annotations.test] | join(" ")' "$TEST_DIR/raw")"
}

test_a_registry_that_keeps_the_list_is_left_to_it()
{
	local digest

	fault_rules fault '[{"method": "PUT", "path": "/manifests/",
		"set": {"OCI-Subject": "sha256:0"}}]'
	sideload
	assert_rc 0
	digest=$(dws_digest)
	assertEquals 'list' '' "$(tag_is "dws:${digest/:/-}")"
}

test_a_refused_signature_is_warned_about()
{
	fault_rules fault '[{"method": "PUT", "path": "/manifests/.*[.]sig$",
		"status": 415, "body": "{\"errors\":[{\"code\":\"UNSUPPORTED\"}]}"}]'
	sideload
	assert_rc 0
	assert_err 'does not take' .sig 'goes without it'
	assertEquals 'digest of the tag' "$(dws_digest)" "$(tag_is "$dws")"
}

test_a_signature_of_which_a_blob_is_refused_is_warned_about()
{
	local layer

	sideload dws
	tag_is "dws:$(dws_digest | tr : -).sig" >/dev/null
	layer=$(jq -r '.layers[0].digest' "$TEST_DIR/raw")
	new_prefix
	fault_rules fault '[{"method": "PUT", "status": 400,
		"path": "/blobs/.*'"${layer#*:}"'", "body":
			"{\"errors\":[{\"code\":\"UNSUPPORTED\"}]}"}]'
	sideload dws
	assert_rc 0
	assert_err 'does not take' .sig 'goes without it'
	assertEquals 'digest of the tag' "$(dws_digest)" "$(tag_is "$dws")"
	assertEquals 'signature' '' "$(tag_is "dws:$(dws_digest | tr : -).sig")"
}

# With cosign the site's own signature is under the same tag.
test_another_signature_is_never_replaced()
{
	local own sig

	sideload dws
	assert_rc 0
	sig=dws:$(dws_digest | tr : -).sig
	tag_is "$sig" >/dev/null
	jq -c '.annotations.test = "site"' "$TEST_DIR/raw" >"$TEST_DIR/own"
	must curl -sSf --cacert "$REGISTRY_CA" \
		--user "$REGISTRY_USER:$REGISTRY_PASSWORD" -X PUT \
		-H "Content-Type: $(jq -r .mediaType "$TEST_DIR/raw")" \
		--data-binary "@$TEST_DIR/own" \
		"https://$registry/v2/$prefix/dws/manifests/${sig#*:}"
	own=$(tag_is "$sig")
	sideload dws -o json
	assert_rc 0
	assert_err 'stays' "$own" 'delete its tag'
	assert_json '[.[].present] | all' true
	images_skopeo delete "docker://$registry/$prefix/$dws" ||
		fail 'cannot delete'
	sideload dws
	assert_rc 0
	assertEquals 'signature' "$own" "$(tag_is "$sig")"
	assertEquals 'digest of the tag' "$(dws_digest)" "$(tag_is "$dws")"
}

test_again_the_bundle_is_not_read()
{
	local place

	sideload
	assert_rc 0
	cp "$bundle" "$TEST_DIR/flipped.tar"
	place=$(layer_bit "$bundle")
	flip_bit "$TEST_DIR/flipped.tar" "$place"
	fault_rules fault '[]'
	from=$TEST_DIR/flipped.tar sideload -o json
	assert_rc 0
	assert_json '[.[].present] | all' true
	assertEquals 'requests that are no HEAD' 0 "$(fault_count fault \
		'.method != "HEAD" and .path != "/v2/"')"
}

test_parts_are_one_bundle()
{
	bundle_py make "$inputs" "$TEST_DIR/split.tar" --key "$key.pem" \
		--split 300000
	from=$TEST_DIR/split.tar sideload
	assert_rc 0
	assert_same_image "$inputs/oci"
}

test_an_executable_has_its_own()
{
	local program=$DWS_CSM

	given_bundle "$TEST_DIR/self" --elf "$program"
	DWS_CSM=$TEST_DIR/self
	push --trust "$key.pub"
	assert_rc 0
	assert_err 'own bundle'
	assert_same_image "$inputs/oci"
	run_dws manifests --list --trust "$key.pub" -o json
	assert_json 'length' 1
	DWS_CSM=$program
}

# pulled_is DIRECTORY: it has the image of the bundle.
pulled_is()
{
	assertEquals 'digest of what was pulled' "$(dws_digest)" \
		"$(jq -r --arg name "$dws" '.manifests[] | select(.annotations
			["org.opencontainers.image.ref.name"] == $name).digest' \
			"$1/index.json")"
}

# traced_pull ARG...: without a word to the network.
traced_pull()
{
	# Who is traced cannot look for leaks.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -f -qq \
		-e trace=connect,sendto -o "$TEST_DIR/trace" \
		"$DWS_CSM" images pull "$@" --trust "$key.pub" \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null
	rc=$?
	out=$(<"$TEST_DIR/out")
	err=$(<"$TEST_DIR/err")
	assertEquals 'whom it turned to' '' "$(grep AF_INET "$TEST_DIR/trace")"
}

test_images_are_pulled_out_of_a_bundle()
{
	local program=$DWS_CSM

	traced_pull --to "$TEST_DIR/pulled" --bundle "$bundle"
	assert_rc 0
	assert_out "$(dws_digest)" bundle
	pulled_is "$TEST_DIR/pulled"
	given_bundle "$TEST_DIR/self" --elf "$program"
	DWS_CSM=$TEST_DIR/self
	traced_pull --to "$TEST_DIR/pulled-self"
	DWS_CSM=$program
	assert_rc 0
	assert_err 'own bundle'
	pulled_is "$TEST_DIR/pulled-self"
	run_dws images pull --to "$TEST_DIR/none" --bundle "$bundle"
	assert_rc 9
	assertFalse 'something was written' "[ -e '$TEST_DIR/none' ]"
}

# As in a chroot.
test_without_proc_a_program_passes_for_one_without_a_bundle()
{
	# shellcheck disable=SC2016 # for the shell inside
	must unshare --mount sh -c '
		mount -t tmpfs none /proc && exec "$1" -v manifests --list' \
		chroot "$DWS_CSM"
	assertContains "$(<"$TEST_DIR/must")" 'is /proc mounted?'
	assertContains "$(<"$TEST_DIR/must")" "$release"
}

test_a_dry_run_tells_what_is_lacking()
{
	sideload --dry-run -v -o json
	assert_rc 0
	assert_err 'sha256:'
	assertNotEquals 'bytes that would go' 0 "$(jq '[.[].sent] | add' \
		"$TEST_DIR/out")"
	assert_untouched
	sideload
	assert_rc 0
	sideload --dry-run -o json
	assert_json '[.[].sent] | add' 0
}

# --- what is refused --------------------------------------------------------

# layer_bit FILE: a bit within the largest blob.
layer_bit()
{
	"$root/tests/cli/bundle.py" map "$1" | awk '
		$1 == "content" && $3 > most { most = $3; at = $2 }
		END { print (at + 1000) * 8 }'
}

test_a_flipped_bit_in_a_layer_is_found_before_the_first_upload()
{
	cp "$bundle" "$TEST_DIR/flipped.tar"
	flip_bit "$TEST_DIR/flipped.tar" "$(layer_bit "$bundle")"
	from=$TEST_DIR/flipped.tar sideload
	assert_refused blobs/sha256/
}

test_an_unsigned_bundle_is_refused()
{
	bundle_py make "$inputs" "$TEST_DIR/unsigned.tar"
	from=$TEST_DIR/unsigned.tar sideload
	assert_refused unsigned.tar --allow-unsigned
	from=$TEST_DIR/unsigned.tar sideload --allow-unsigned
	assert_rc 0
	assert_same_image "$inputs/oci"
}

test_a_foreign_key_is_refused()
{
	given_key "$TEST_DIR/foreign"
	to=$proxy push --bundle "$bundle" --trust "$TEST_DIR/foreign.pub"
	assert_refused foreign.pub
	to=$proxy push --bundle "$bundle" --trust "$TEST_DIR/foreign.pub" \
		--allow-unsigned
	assert_refused foreign.pub
}

test_sources_do_not_go_with_a_bundle()
{
	sideload --from "oci:$layout"
	assert_rc 2
	assert_err '--from' "$bundle"
}

test_a_release_that_the_bundle_lacks_is_told()
{
	sideload --version 0.0.20
	assert_rc 2
	assert_err 0.0.20 "$bundle" "$release"
}

test_a_bundle_that_is_not_there_is_told()
{
	from=$TEST_DIR/none.tar sideload
	assert_rc 1
	assert_err none.tar
}

# --- size -------------------------------------------------------------------

test_memory_does_not_grow_with_the_bundle()
{
	[ -z "$SANITIZE" ] || startSkipping
	must "$root/tests/cli/sideload.py" sparse "$inputs" \
		"$TEST_DIR/sparse.tar" "$key.pem" 4 268435456
	must "${CC:-cc}" -O -D_GNU_SOURCE -o "$TEST_DIR/measure" \
		"$root/tests/bench/measure.c"
	read -r _ _ peak < <("$TEST_DIR/measure" "$DWS_CSM" images push \
		--registry "$registry/$prefix" --authfile "$REGISTRY_AUTHFILE" \
		--registry-ca "$REGISTRY_CA" --bundle "$TEST_DIR/sparse.tar" \
		--trust "$key.pub" 2>"$TEST_DIR/err")
	assertNotEquals "pushed ($(<"$TEST_DIR/err"))" '' "$(tag_is "$dws")"
	assertTrue "peak of $peak KiB" "[ '${peak:-99999}' -le 16384 ]"
	rm -f "$TEST_DIR/sparse.tar"
}

# shellcheck source=/dev/null
. shunit2

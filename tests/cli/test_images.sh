#!/bin/bash
# images push and pull: every kind of source, credentials, what is not sent.
# servers: none

# shellcheck disable=SC2119 # arguments of the functions are optional

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/images.sh
. "$(dirname "${BASH_SOURCE[0]}")/images.sh"

oneTimeSetUp()
{
	if ! registry_up || ! proxy_up; then
		fail 'the servers do not start'
	fi
}

oneTimeTearDown()
{
	registry_down fault source token readonly images
}

setUp()
{
	new_prefix
	unset to ca
	fault_rules fault '[]'
}

# --- sources ----------------------------------------------------------------

test_push_takes_an_oci_layout()
{
	push --from "oci:$layout" -o json
	assert_rc 0
	assert_json '.[0].digest' "$(tag_is "$dws")"
	assert_json '.[0].present' false
	assert_json 'length' 2
	assert_same_image "$layout"
	assertNotEquals 'tag of the proxy' '' "$(tag_is kube-rbac-proxy:v0.14.1)"
}

test_push_takes_one_image_of_a_layout()
{
	push --from "oci:$layout:registry.local/$dws" dws
	assert_rc 0
	assert_same_image "$layout"
	assertEquals '' "$(tag_is kube-rbac-proxy:v0.14.1)"
}

test_push_takes_an_oci_archive()
{
	must tar -C "$layout" -cf "$TEST_DIR/oci.tar" .
	push --from "oci-archive:$TEST_DIR/oci.tar"
	assert_rc 0
	assert_same_image "$layout"
}

test_push_takes_a_directory_of_skopeo()
{
	must skopeo copy -q "oci:$layout:registry.local/$dws" \
		"dir:$TEST_DIR/dir"
	push --from "dws=dir:$TEST_DIR/dir" dws
	assert_rc 0
	assert_same_image "$layout"
}

# The layers go as they are: uncompressed, by their digests in the config.
test_push_takes_a_docker_archive()
{
	local archive=$TEST_DIR/archive.tar wanted

	make_images
	mapfile -t archives < <(from_archives)
	push "${archives[@]}"
	assert_rc 0
	must skopeo copy -q "docker-archive:$T/images/$release/dws.tar" \
		"dir:$TEST_DIR/saved"
	wanted=$(jq -r '.layers[].digest' "$TEST_DIR/saved/manifest.json")
	assertEquals "$wanted" "$(images_skopeo inspect \
		"docker://$registry/$prefix/$dws" | jq -r '.Layers[]')"
	certs=src- must images_skopeo copy -q \
		"docker://$registry/$prefix/$dws" "docker-archive:$archive:x:1"
	assertEquals "$(tar -xOf "$T/images/$release/dws.tar" \
		"${wanted#sha256:}.tar" | sha256sum)" \
		"$(tar -xOf "$archive" "${wanted#sha256:}.tar" | sha256sum)"
}

# Docker from 25 on: blobs/sha256/, and layers that are links.
test_push_takes_a_docker_archive_of_blobs()
{
	local work=$TEST_DIR/docker25 layer config

	mkdir -p "$work/blobs/sha256"
	head -c 100000 /dev/urandom | gzip -n >"$work/layer"
	layer=$(sha256sum <"$work/layer" | cut -d ' ' -f 1)
	mv "$work/layer" "$work/blobs/sha256/$layer"
	printf '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$(gzip -dc "$work/blobs/sha256/$layer" | sha256sum |
			cut -d ' ' -f 1)" >"$work/config"
	config=$(sha256sum <"$work/config" | cut -d ' ' -f 1)
	mv "$work/config" "$work/blobs/sha256/$config"
	mkdir "$work/old"
	ln -s "../blobs/sha256/$layer" "$work/old/layer.tar"
	jq -n --arg config "blobs/sha256/$config" --arg tag "x/$dws" \
		'[{Config: $config, RepoTags: [$tag],
		Layers: ["old/layer.tar"]}]' >"$work/manifest.json"
	must tar -C "$work" -cf "$TEST_DIR/docker25.tar" .
	push --from "docker-archive:$TEST_DIR/docker25.tar" dws
	assert_rc 0
	assertEquals "sha256:$layer" "$(images_skopeo inspect \
		"docker://$registry/$prefix/$dws" | jq -r '.Layers[]')"
}

# A registry with tokens, as upstream's are; its blobs flow through.
given_source_registry()
{
	server_alive source || must server_start source
	run_dws images push dws --from "oci:$layout" \
		--registry "$SOURCE_REGISTRY/team" \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA"
	assert_rc 0
}

test_push_takes_another_registry()
{
	given_source_registry
	push --from "docker://$SOURCE_REGISTRY/team/$dws" dws
	assert_rc 0
	assert_same_image "$layout"
}

test_push_tells_an_image_that_no_registry_has()
{
	given_source_registry
	push --from "dws=docker://$SOURCE_REGISTRY/team/dws:nope" dws
	assert_err "$SOURCE_REGISTRY" nope team/dws
	assertNotEquals 'exit code' 0 "$rc"
	assert_no_tag
}

test_push_takes_its_platform_out_of_an_index()
{
	local many=$TEST_DIR/many whole

	rm -rf "$many"
	must "$root/tests/cli/layout.py" "$many" "$dws=one:1000@linux/amd64" \
		"$dws=two:2000@linux/arm64"
	push --from "oci:$many" dws
	assert_rc 0
	assertEquals 1 "$(images_skopeo inspect \
		"docker://$registry/$prefix/$dws" | jq '.Layers | length')"
	push --from "oci:$many" --all-platforms dws -o json
	assert_rc 0
	whole=$(jq -r '.manifests[0].digest' "$many/index.json")
	assert_json '.[0].digest' "$whole"
	assertEquals "$whole" "$(tag_is "$dws")"
	new_prefix
	push --from "oci:$many" --platform linux/s390x dws
	assertNotEquals 'exit code' 0 "$rc"
	assert_err linux/s390x linux/amd64 linux/arm64
	assert_no_tag
}

test_push_names_the_images_where_none_fits()
{
	push --from "oci:$layout" --version 0.0.20
	assertNotEquals 'exit code' 0 "$rc"
	assert_err dws:0.0.20 "$layout"
	assert_no_tag
}

# --- what is not done twice -------------------------------------------------

test_push_again_asks_for_the_tags_only()
{
	to=$proxy push --from "oci:$layout"
	assert_rc 0
	fault_rules fault '[]'
	to=$proxy push --from "oci:$layout" -o json
	assert_rc 0
	assert_json '[.[].present] | all' true
	assert_json '[.[].sent] | add' 0
	assertEquals 'requests that are no HEAD of a tag' 0 "$(fault_count fault \
		'(.path | test("^/v2/(.*/manifests/.*)?$") | not)')"
	assertEquals 'HEADs' 2 "$(fault_count fault '.method == "HEAD"')"
}

test_push_sends_a_shared_blob_once()
{
	to=$proxy push --from "oci:$layout" -o json
	assert_rc 0
	assertEquals 'mounted' 1 "$(fault_count fault \
		'.method == "POST" and (.path | test("mount=")) and
		.status == 201')"
	assertEquals 'sent' 5 "$(fault_count fault \
		'.method == "PUT" and (.path | test("/blobs/"))')"
	assertEquals 'no password' 1 "$(fault_count fault '.auth == false')"
}

test_push_skips_blobs_that_are_there()
{
	push --from "oci:$layout" dws
	assert_rc 0
	images_skopeo delete "docker://$registry/$prefix/$dws"
	to=$proxy push --from "oci:$layout" dws -o json
	assert_rc 0
	assert_json '.[0].sent' 0
	assert_json '.[0].present' false
	assert_same_image "$layout"
}

test_push_dry_run_sends_nothing()
{
	to=$proxy push --from "oci:$layout" --dry-run
	assert_rc 0
	assertEquals 0 "$(fault_count fault \
		'.method != "GET" and .method != "HEAD"')"
	assert_no_tag
}

# --- pull -------------------------------------------------------------------

test_pull_fills_a_layout()
{
	local pulled=$TEST_DIR/pulled

	rm -rf "$pulled"
	run_dws images pull --from "oci:$layout" --to "$pulled"
	assert_rc 0
	assert_out "dws"
	push --from "oci:$pulled"
	assert_rc 0
	assert_same_image "$layout"
}

# --- credentials and trust --------------------------------------------------

test_push_takes_a_password_from_standard_input()
{
	printf '%s\n' "$REGISTRY_PASSWORD" >"$TEST_DIR/password"
	"$DWS_CSM" images push dws --from "oci:$layout" \
		--registry "$registry/$prefix" --registry-ca "$REGISTRY_CA" \
		--registry-username "$REGISTRY_USER" --registry-password-stdin \
		<"$TEST_DIR/password" >"$TEST_DIR/out" 2>"$TEST_DIR/err"
	status=$?
	assertEquals "$(<"$TEST_DIR/err")" 0 "$status"
	assert_same_image "$layout"
}

test_push_tells_a_wrong_password()
{
	echo nonsense >"$TEST_DIR/password"
	"$DWS_CSM" -vv images push dws --from "oci:$layout" \
		--registry "$registry/$prefix" --registry-ca "$REGISTRY_CA" \
		--registry-username "$REGISTRY_USER" --registry-password-stdin \
		<"$TEST_DIR/password" >"$TEST_DIR/out" 2>"$TEST_DIR/err"
	assertEquals 'exit code' 4 $?
	err=$(<"$TEST_DIR/err")
	assert_err "registry '$registry'" "user '$REGISTRY_USER'"
	assertNotContains 'not where it is from' "$err" nexus-admin-credential
	assertNotContains 'the password is told' "$err" nonsense
	assert_no_tag
}

test_push_tells_missing_credentials()
{
	echo '{}' >"$TEST_DIR/empty.json"
	push --from "oci:$layout" --authfile "$TEST_DIR/empty.json"
	assert_rc 4
	assert_err "$registry" empty.json
	push --from "oci:$layout" --authfile /nowhere/auth.json
	assertNotEquals 'exit code' 0 "$rc"
	assert_err /nowhere/auth.json
}

test_push_tells_an_unknown_ca()
{
	must make_ca "$TEST_DIR/other" 'another CA'
	ca=$TEST_DIR/other.crt
	push --from "oci:$layout"
	assert_rc 4
	assert_err "$registry" certificate "$ca" --registry-ca
	assert_no_tag
}

test_push_tells_a_registry_that_is_not_there()
{
	to=registry.local:6519
	printf '{"auths":{"%s":{"auth":"eDp5"}}}' $to >"$TEST_DIR/there.json"
	push --from "oci:$layout" --authfile "$TEST_DIR/there.json"
	assert_rc 4
	assert_err "$to" refused
}

test_push_tells_a_read_only_registry()
{
	must server_start registry readonly registry.local 6512 htpasswd \
		readonly storage=images
	to=registry.local:6512
	push --from "oci:$layout"
	assert_rc 4
	assert_err "$to" read-only "$prefix/"
	unset to
	assert_no_tag
}

# --- damage -----------------------------------------------------------------

# damaged LAYOUT: a copy of the layout whose second layer has another byte.
given_damaged()
{
	local digest

	rm -rf "$1"
	cp -r "$layout" "$1"
	digest=$(jq -r '.layers[1].digest' \
		"$1/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' \
			"$1/index.json")")
	damaged=$1/blobs/sha256/${digest#sha256:}
}

test_push_finds_a_corrupt_layer()
{
	given_damaged "$TEST_DIR/bad"
	printf X | dd of="$damaged" bs=1 seek=1000 conv=notrunc status=none
	push --from "oci:$TEST_DIR/bad" dws
	assert_rc 9
	assert_err "sha256:${damaged##*/}" corrupt "$TEST_DIR/bad" 'get it anew'
	assert_no_tag
}

test_push_finds_a_layer_that_is_cut_off()
{
	given_damaged "$TEST_DIR/short"
	truncate -s 100000 "$damaged"
	push --from "oci:$TEST_DIR/short" dws
	assert_rc 9
	assert_err "sha256:${damaged##*/}" '100000 bytes instead of 200000'
	assert_no_tag
}

test_push_finds_a_truncated_archive()
{
	must tar -C "$layout" -cf "$TEST_DIR/whole.tar" .
	head -c 400000 "$TEST_DIR/whole.tar" >"$TEST_DIR/part.tar"
	push --from "oci-archive:$TEST_DIR/part.tar" dws
	assertNotEquals 'exit code' 0 "$rc"
	assert_err "$TEST_DIR/part.tar" truncated
	assert_no_tag
}

test_push_tells_what_is_no_archive()
{
	gzip -c "$layout/index.json" >"$TEST_DIR/x.tar.gz"
	push --from "oci-archive:$TEST_DIR/x.tar.gz" dws
	assert_rc 1
	assert_err gzip "$TEST_DIR/x.tar.gz"
	push --from "$TEST_DIR/x.tar.gz" dws
	assert_rc 2
	assert_err docker-archive:FILE
}

# shellcheck source=/dev/null
. shunit2

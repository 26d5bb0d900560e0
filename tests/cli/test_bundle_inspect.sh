#!/bin/bash
# What is told of a bundle, its bill of materials, and files taken out of it.
# servers: none

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/bundles.sh
. "$(dirname "${BASH_SOURCE[0]}")/bundles.sh"

plain=$TEST_DIR/plain.bundle
parts=$TEST_DIR/parts.bundle
whole=$TEST_DIR/dws-csm-whole
to=$TEST_DIR/to
spec=$TEST_DIR/plugin.spec

oneTimeSetUp()
{
	given_inputs "$inputs"
	real_rpm
	artifacts
	given_bundle "$plain" --created 1700000000
	given_bundle "$parts" --split 100000
	given_bundle "$whole" --elf "$DWS_CSM"
}

setUp()
{
	rm -rf "$to"
}

# An RPM as rpmbuild makes it, besides the one of given_inputs, which has
# nothing but its lead.
real_rpm()
{
	cat >"$spec" <<-'END'
	Name: dws-plugin
	Version: 1.2
	Release: 3.sle15
	Epoch: 4
	Summary: A plugin
	License: Apache-2.0 and so on
	BuildArch: noarch
	%description
	A plugin.
	%files
	END
	must rpmbuild -bb --define "_topdir $TEST_DIR/rpmbuild" \
		--define "_rpmdir $inputs/rpms" --define '_build_name_fmt %{name}.rpm' \
		"$spec"
}

# A signature beside the image dws, as cosign keeps it.
artifacts()
{
	local digest

	rm -r "$inputs/oci"
	must "$root/tests/cli/layout.py" "$inputs/oci" \
		"registry.local/dws:$release=base:300000,dws:200000"
	digest=$(jq -r '.manifests[0].digest' "$inputs/oci/index.json")
	rm -r "$inputs/oci"
	must "$root/tests/cli/layout.py" "$inputs/oci" \
		"registry.local/dws:$release=base:300000,dws:200000" \
		registry.local/kube-rbac-proxy:v0.14.1=base:300000,p:10 \
		"registry.local/dws:sha256-${digest#sha256:}.sig=sig:100"
}

inspect()
{
	run_dws bundle inspect "$@"
}

extract()
{
	run_dws bundle extract "$@" --trust "$key.pub" --to "$to"
}

test_inspect_shows_what_is_inside_and_who_signed()
{
	local digest

	digest=$(bundle_py meta "$plain" && jq -r \
		'.releases[0].images[0].digest' "$TEST_DIR/must")
	inspect "$plain" --trust "$key.pub"
	assert_rc 0
	assert_out "$key.pub" "created       2023-11-14T22:13:20Z" 'dws-csm 0.0.0' \
		linux/amd64 "$release" kube-rbac-proxy v0.14.1 "$digest" \
		dws-plugin.rpm INSTALL.md "sha256:$(sha256sum \
			"$inputs/docs/INSTALL.md" | cut -c 1-64)" \
		"sha256:$(openssl pkey -pubin -in "$key.pub" -outform DER |
			sha256sum | cut -c 1-64)"
	# 300000 and 200000 bytes of layers.
	assertTrue 'the size of an image' "grep -qE '^dws .* 4[89][0-9]\.[0-9] KiB ' \
		'$TEST_DIR/out'"
}

test_inspect_counts_signatures_that_travel_along()
{
	local id

	inspect "$plain" --trust "$key.pub"
	assertTrue 'one of dws' "grep -qE '^dws .* KiB +1 +sha256:' \
		'$TEST_DIR/out'"
	assertTrue 'none of the other' "grep -qE '^kube.* KiB +0 +sha256:' \
		'$TEST_DIR/out'"
	inspect "$plain" --trust "$key.pub" --sbom
	id=$(jq -r '.packages[] | select(.name | endswith("/dws")) | .SPDXID' \
		"$TEST_DIR/out")
	assert_json '.relationships[] |
		select(.relationshipType == "METAFILE_OF").relatedSpdxElement' \
		"$id"
}

test_inspect_says_so_where_nobody_vouches_and_shows_it()
{
	local unsigned=$TEST_DIR/unsigned.bundle

	inspect "$plain"
	assert_rc 0
	assert_out 'signed by     not verified' /etc/dws-csm/trust.d \
		kube-rbac-proxy
	given_key "$TEST_DIR/foreign"
	inspect "$plain" --trust "$TEST_DIR/foreign.pub" -o json
	assert_rc 0
	assert_json .bundle.signature.state unverified
	assert_json .bundle.signature.key null
	assertContains "$(jq -r .bundle.signature.reason "$TEST_DIR/out")" \
		'not signed by a trusted key'
	bundle_py make "$inputs" "$unsigned"
	inspect "$unsigned" -o json
	assert_rc 0
	assert_json .bundle.signature.state unverified
	inspect "$plain" --trust "$TEST_DIR/nowhere.pub"
	assert_rc 2
}

test_inspect_as_json_is_bundle_json_and_more()
{
	inspect "$plain" --trust "$key.pub" -o json
	assert_rc 0
	bundle_py meta "$plain"
	assertEquals "$(jq -S . "$TEST_DIR/must")" \
		"$(jq -S 'del(.bundle)' "$TEST_DIR/out")"
	assert_json .bundle.digest "sha256:$(tar -xOf "$plain" bundle.json |
		sha256sum | cut -c 1-64)"
	assert_json .bundle.size "$(stat -c %s "$plain")"
	assert_json .bundle.selfContained false
	assert_json .bundle.parts 1
	assert_json .bundle.signature.state trusted
	inspect "$plain" --trust "$key.pub" -o yaml
	assert_rc 0
	assert_out 'state: trusted'
}

test_inspect_knows_parts_and_executables()
{
	inspect "$parts" --trust "$key.pub"
	assert_rc 0
	assert_out "parts         $(printf '%s\n' "$parts".part* | wc -l)"
	inspect "$whole" --trust "$key.pub" -o json
	assert_rc 0
	assert_json .bundle.selfContained true
	must chmod +x "$whole"
	must "$whole" bundle inspect --trust "$key.pub"
	assertContains "$(<"$TEST_DIR/must")" self-contained
	inspect
	assert_rc 2
	assert_err 'this executable carries none'
}

test_inspect_refuses_what_is_no_bundle()
{
	echo 'no bundle' >"$TEST_DIR/other"
	inspect "$TEST_DIR/other"
	assert_rc 1
	assert_err "$TEST_DIR/other"
	inspect "$TEST_DIR/nowhere"
	assert_rc 1
	head -c 100000 "$plain" >"$TEST_DIR/cut"
	inspect "$TEST_DIR/cut"
	assert_rc 9
	assert_err truncated
}

test_the_sbom_is_spdx_and_tells_all_that_is_inside()
{
	local bundle

	extract "$plain" '*'
	assert_rc 0
	for bundle in "$plain" "$whole" "$parts"; do
		inspect "$bundle" --trust "$key.pub" --sbom
		assert_rc 0
		cp "$TEST_DIR/out" "$TEST_DIR/sbom"
		inspect "$bundle" --trust "$key.pub" -o json
		must "$root/tests/cli/spdx.py" "$TEST_DIR/sbom" \
			"$TEST_DIR/out" "$to"
	done
}

test_the_sbom_names_the_libraries_of_the_executable()
{
	local made=$TEST_DIR/made

	run_dws bundle create "$made" --from "oci:$inputs/oci" \
		--key "$key.pem" --rpm "$inputs/rpms/dws-plugin.rpm" \
		--doc "$inputs/docs/INSTALL.md" --self-contained
	assert_rc 0
	extract "$made"
	inspect "$made" --trust "$key.pub" --sbom
	assert_rc 0
	assert_json '[.relationships[] | select(.relationshipType ==
		"STATIC_LINK" and .spdxElementId == "SPDXRef-Executable-1")] |
		length' 7
	assert_json '[.packages[] | select(.primaryPackagePurpose ==
		"LIBRARY" and (.versionInfo | test("^[0-9]+[.]"))).name] |
		join(" ")' 'curl glibc jansson libarchive libyaml openssl zlib'
	cp "$TEST_DIR/out" "$TEST_DIR/sbom"
	inspect "$made" --trust "$key.pub" -o json
	must "$root/tests/cli/spdx.py" "$TEST_DIR/sbom" "$TEST_DIR/out" "$to"
}

test_the_sbom_has_rpms_as_rpm_knows_them()
{
	local name

	inspect "$plain" --trust "$key.pub" --sbom
	for name in name versionInfo; do
		assert_json ".packages[] |
			select(.packageFileName == \"rpms/dws-plugin.rpm\").$name" \
			"$(rpm -qp --qf "$(case $name in
				name) echo '%{NAME}' ;;
				*) echo '%{EPOCH}:%{VERSION}-%{RELEASE}' ;;
				esac)" "$inputs/rpms/dws-plugin.rpm")"
	done
	assert_out 'pkg:rpm/dws-plugin@1.2-3.sle15?arch=noarch&epoch=4' \
		'Apache-2.0 and so on'
	# The other one has no header.
	assert_json '.packages[] | select(.packageFileName ==
		"rpms/dws-slurm-plugin-1.0-1.noarch.rpm").name' \
		dws-slurm-plugin-1.0-1.noarch.rpm
}

test_the_sbom_is_the_same_each_time()
{
	inspect "$plain" --trust "$key.pub" --sbom
	cp "$TEST_DIR/out" "$TEST_DIR/first"
	inspect "$plain" --trust "$key.pub" --sbom
	cmp "$TEST_DIR/first" "$TEST_DIR/out" || fail 'it differs'
	assert_json .creationInfo.created 2023-11-14T22:13:20Z
}

test_the_sbom_of_a_bundle_that_is_not_trusted_opens_no_rpm()
{
	inspect "$plain" --sbom
	assert_rc 0
	assert_err 'there is no public key'
	assert_json '.packages[] | select(.packageFileName ==
		"rpms/dws-plugin.rpm").name' dws-plugin.rpm
}

test_the_sbom_does_not_believe_an_rpm_that_was_altered()
{
	local bundle=$TEST_DIR/altered.bundle offset

	cp "$plain" "$bundle"
	read -r offset _ <<<"$(region "$bundle" content rpms/dws-plugin.rpm)"
	flip_bit "$bundle" $(((offset + 2000) * 8))
	inspect "$bundle" --trust "$key.pub" --sbom
	assert_rc 9
	assert_err rpms/dws-plugin.rpm
	assertEquals '' "$out"
}

test_extract_writes_rpms_documents_and_manifests()
{
	local bundle

	for bundle in "$plain" "$parts" "$whole"; do
		rm -rf "$to"
		extract "$bundle"
		assert_rc 0
		assertEquals "files of $bundle" "$(cd "$inputs" &&
			find docs manifests rpms -type f | sort)" \
			"$(cd "$to" && find . -type f -printf '%P\n' | sort)"
		assertEquals 'names printed' "$(sort <<<"$out")" \
			"$(cd "$to" && find . -type f -printf '%P\n' | sort)"
		cmp "$inputs/rpms/dws-plugin.rpm" "$to/rpms/dws-plugin.rpm" ||
			fail 'the RPM differs'
	done
}

test_extract_takes_what_patterns_name()
{
	extract "$plain" 'rpms/*slurm*' 'docs/'
	assert_rc 0
	assertEquals "$(printf '%s\n' docs/INSTALL.md \
		rpms/dws-slurm-plugin-1.0-1.noarch.rpm)" "$(sort <<<"$out")"
	rm -rf "$to"
	extract "$plain" 'docs/*' 'nothing*'
	assert_rc 1
	assert_err "'nothing*'"
	assertEquals 'nothing is written' '' "$(find "$to" -type f)"
	extract "$plain" '*'
	assert_rc 0
	must skopeo inspect --raw "oci:$to:registry.local/dws:$release"
}

test_extract_gives_the_signed_text_to_others()
{
	extract "$whole" bundle.json
	assert_rc 0
	must sh -c "base64 -d '$to/bundle.json.sig' >'$to/der'"
	must openssl dgst -sha256 -verify "$key.pub" -signature "$to/der" \
		"$to/bundle.json"
}

test_extract_replaces_files_and_leaves_no_pieces()
{
	mkdir -p "$to/docs"
	echo old >"$to/docs/INSTALL.md"
	echo old >"$to/docs/.INSTALL.md.partial"
	extract "$plain" docs/
	assert_rc 0
	cmp "$inputs/docs/INSTALL.md" "$to/docs/INSTALL.md" || fail 'it is old'
	assertEquals INSTALL.md "$(ls -A "$to/docs")"
}

test_extract_stays_in_its_directory()
{
	mkdir -p "$to" "$TEST_DIR/outside"
	ln -s "$TEST_DIR/outside" "$to/docs"
	extract "$plain" docs/
	assert_rc 1
	assert_err "'docs'"
	assertEquals '' "$(ls -A "$TEST_DIR/outside")"
	rm "$to/docs"
	mkdir "$to/docs"
	echo mine >"$TEST_DIR/outside/file"
	ln -s "$TEST_DIR/outside/file" "$to/docs/INSTALL.md"
	ln -s "$TEST_DIR/outside/file" "$to/docs/.INSTALL.md.partial"
	extract "$plain" docs/
	assert_rc 0
	assertEquals mine "$(<"$TEST_DIR/outside/file")"
	assertFalse 'a link' "[ -L '$to/docs/INSTALL.md' ]"
}

test_extract_keeps_nothing_of_a_file_that_was_altered()
{
	local bundle=$TEST_DIR/altered.bundle offset

	cp "$plain" "$bundle"
	read -r offset _ <<<"$(region "$bundle" content docs/INSTALL.md)"
	flip_bit "$bundle" $((offset * 8))
	extract "$bundle" docs/
	assert_rc 9
	assert_err docs/INSTALL.md
	assertEquals '' "$(find "$to" -type f)"
}

test_extract_wants_a_trusted_signature_a_bundle_and_a_directory()
{
	run_dws bundle extract "$plain" --to "$to"
	assert_rc 9
	assertFalse 'the directory is not made' "[ -e '$to' ]"
	run_dws bundle extract "$plain" --trust "$key.pub"
	assert_rc 2
	assert_err --to
	run_dws bundle extract --to "$to"
	assert_rc 2
	mkdir "$to"
	touch "$to/file"
	run_dws bundle extract "$plain" --trust "$key.pub" --to "$to/file"
	assert_rc 1
	assert_err "$to/file"
}

# shellcheck disable=SC1091 # Debian's
. shunit2

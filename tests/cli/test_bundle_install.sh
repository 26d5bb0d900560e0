#!/bin/bash
# install, upgrade, plan and apply out of a bundle: one file, believed, and
# nobody is asked but the registry and the API server.

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/bundles.sh
. "$(dirname "${BASH_SOURCE[0]}")/bundles.sh"

old=0.0.20 new=0.1.17
registry=registry.local prefix=bundle-install
program=$DWS_CSM

oneTimeSetUp()
{
	only_kinds Workflow
	given_inputs "$TEST_DIR/old" "$old"
	given_inputs "$TEST_DIR/new" "$new"
	must "$root/tests/cli/sideload.py" artifacts "$TEST_DIR/new"
	given_key "$key"
	make "$old" old.tar --created 1700000000 --key "$key.pem"
	make "$new" new.tar --created 1750000000 --key "$key.pem"
	mkdir -p "$TEST_DIR/certs"
	cp "$REGISTRY_CA" "$TEST_DIR/certs/"
}

# make VERSION FILE OPTION...: a bundle of that release.
make()
{
	bundle_py make "$TEST_DIR/$([ "$1" = "$old" ] && echo old || echo new)" \
		"$TEST_DIR/$2" "${@:3}"
}

# create VERSION FILE TIME OPTION...: likewise, by the program itself.
create()
{
	SOURCE_DATE_EPOCH=$3 must "$program" bundle create "$TEST_DIR/$2" \
		--release "$1" --key "$key.pem" --from \
		"oci:$TEST_DIR/$([ "$1" = "$old" ] && echo old || echo new)/oci" \
		"${@:4}"
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	DWS_CSM=$program
	given_no_dws
}

setUp()
{
	DWS_CSM=$program
	unset DWS_CSM_VERSION
}

# with BUNDLE COMMAND ARG...: out of that file, trusting the key.
with()
{
	local bundle=$1 command=$2

	shift 2
	run_dws "$command" "$@" --registry "$registry/$prefix" \
		--registry-ca "$REGISTRY_CA" --trust "${trusted:-$key.pub}" \
		--bundle "$TEST_DIR/$bundle"
}

# traced ARG...: run_dws, and in $TEST_DIR/trace what it says to the network.
traced()
{
	command_line="dws-csm $*"
	# Who is traced cannot look for leaks.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -f -qq \
		-e trace=network -o "$TEST_DIR/trace" "$DWS_CSM" "$@" \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null
	rc=$?
	out=$(<"$TEST_DIR/out")
	err=$(<"$TEST_DIR/err")
}

# "ADDRESS PORT" of whom it turned to.
contacts()
{
	grep -E '^[0-9]+ +(connect|sendto|sendm?msg)\(' "$TEST_DIR/trace" |
		sed -nE 's/.*sa_family=AF_INET6?, sin6?_port=htons\(([0-9]+)\).*inet_(addr|pton)\((AF_INET6, )?"([^"]*)".*/\4 \1/p' |
		grep -v ' 0$' | sort -u
}

# What the command may turn to, likewise.
allowed()
{
	local url

	url=$(kubectl config view --minify -o \
		'jsonpath={.clusters[0].cluster.server}')
	url=${url#https://}
	getent ahosts "${url%:*}" | awk -v port="${url##*:}" '{ print $1, port }'
	getent ahosts "$registry" | awk '{ print $1, 443 }'
}

assert_no_other_contact()
{
	contacts >"$TEST_DIR/contacts"
	assertNotEquals 'it turned to' '' "$(<"$TEST_DIR/contacts")"
	assertEquals 'others it turned to' '' \
		"$(allowed | sort -u | comm -13 - "$TEST_DIR/contacts")"
	assertEquals 'name servers asked' '' \
		"$(grep -m 1 'htons(53)' "$TEST_DIR/trace")"
}

# refused ARG...: as not to be believed, before anybody is asked.
refused()
{
	traced "$@" --registry "$registry/$prefix" --registry-ca "$REGISTRY_CA"
	assert_rc 9
	assertEquals 'whom it turned to' '' "$(contacts)"
}

# --- from one release to the next -------------------------------------------

test_one_file_installs_and_another_upgrades()
{
	local place=$TEST_DIR/place name=dws-csm

	only_kinds
	given_no_dws
	create "$old" self-old 1700000000 --self-contained
	create "$new" self-new 1750000000 --self-contained
	mkdir "$place"
	DWS_CSM=$place/$name
	cp "$TEST_DIR/self-old" "$DWS_CSM"
	traced install --registry "$registry/$prefix" \
		--registry-ca "$REGISTRY_CA" --trust "$key.pub"
	assert_rc 0
	assert_err 'own bundle' "DWS $old is installed"
	assert_no_other_contact
	must "$program" images push --dry-run --registry "$registry/$prefix" \
		--registry-ca "$REGISTRY_CA" --bundle "$TEST_DIR/old.tar" \
		--trust "$key.pub"
	assertNotContains 'tags' "$(<"$TEST_DIR/must")" 'to push'
	cp "$TEST_DIR/self-new" "$DWS_CSM"
	traced upgrade --registry "$registry/$prefix" \
		--registry-ca "$REGISTRY_CA" --trust "$key.pub"
	assert_rc 0
	assert_err "DWS $old is upgraded to $new"
	assert_no_other_contact
	assertEquals 'files beside it' "$name" "$(ls -A "$place")"
	# It needs no bundle to tell how things are, nor to go back.
	DWS_CSM=$program
	run_dws status -o json
	assert_rc 0
	assert_json .version "$new"
	run_dws history -o json
	assert_json '.[-1].bundle.created' 2025-06-15T15:06:40Z
	assert_json '.[-1].bundle.signer | test("^sha256:")' true
	assert_json '.[-1].bundle.digest' "sha256:$("$root/tests/cli/bundle.py" \
		meta "$TEST_DIR/self-new" | sha256sum | cut -d ' ' -f 1)"
	run_dws rollback --registry "$registry/$prefix" \
		--registry-ca "$REGISTRY_CA"
	assert_rc 0
	run_dws history -o json
	assert_json '.[-1].bundle.created' 2023-11-14T22:13:20Z
	only_kinds Workflow
}

# given_installed BUNDLE
given_installed()
{
	given_no_dws
	with "$1" install
	assert_rc 0
}

test_the_newest_release_is_the_default()
{
	rm -rf "$TEST_DIR/both"
	given_inputs "$TEST_DIR/both" "$old" "$new"
	bundle_py make "$TEST_DIR/both" "$TEST_DIR/both.tar" --key "$key.pem"
	given_no_dws
	with both.tar install --dry-run -o json
	assert_rc 0
	assert_out "dws:$new"
	with both.tar install --dry-run --version "$old" -o json
	assert_rc 0
	assert_out "dws:$old"
	with both.tar install --dry-run --version 0.1.16
	assert_rc 2
	assert_err 0.1.16 both.tar "$old, $new"
}

test_parts_are_one_bundle()
{
	given_no_dws
	make "$new" parts.tar --created 1750000000 --key "$key.pem" \
		--split 200000
	with parts.tar install
	assert_rc 0
	assert_err "DWS $new is installed"
}

# --- what is older ----------------------------------------------------------

test_an_older_release_is_refused()
{
	given_installed new.tar
	with old.tar upgrade
	assert_rc 3
	assert_err "DWS $old is older" --allow-downgrade
}

test_an_older_bundle_of_the_same_release_is_refused()
{
	make "$new" earlier.tar --created 1740000000 --key "$key.pem"
	make "$new" later.tar --created 1760000000 --key "$key.pem"
	given_installed new.tar
	for command in install upgrade; do
		with earlier.tar "$command"
		assert_rc 3
		assert_err "bundle" 2025-06-15T15:06:40Z --allow-downgrade
	done
	with later.tar install
	assert_rc 0
	assert_err 'nothing was changed'
	run_dws history -o json
	assert_json '.[-1].bundle.created' 2025-10-09T08:53:20Z
	with new.tar install
	assert_rc 3
	with earlier.tar install --allow-downgrade
	assert_rc 0
	run_dws history -o json
	assert_json '.[-1].bundle.created' 2025-02-19T21:20:00Z
}

# --- other images under the same tags ---------------------------------------

# rebuilt.tar: the new release with another image under DWS's tag.
given_rebuilt()
{
	[ ! -e "$TEST_DIR/rebuilt.tar" ] || return 0
	cp -r "$TEST_DIR/new" "$TEST_DIR/rebuilt"
	rm -rf "$TEST_DIR/rebuilt/oci"
	must "$root/tests/cli/layout.py" "$TEST_DIR/rebuilt/oci" \
		"registry.local/dws:$new=base:300000,rebuilt:200000" \
		registry.local/kube-rbac-proxy:v0.14.1=base:300000,p:10,q:200000
	must "$root/tests/cli/bundle.py" make "$TEST_DIR/rebuilt" \
		"$TEST_DIR/rebuilt.tar" --created 1760000000 --key "$key.pem"
}

# image_of CONTAINER
image_of()
{
	kubectl -n dws-system get deployment dws-controller-manager -o json |
		jq -r --arg name "$1" '.spec.template.spec.containers[] |
			select(.name == $name).image'
}

# assert_unchanged ARG...: install out of rebuilt.tar finds all as it shall be.
assert_unchanged()
{
	with rebuilt.tar install "$@"
	assert_rc 0
	assert_err 'nothing was changed'
	run_dws history -o json
	assert_json length 2
	assertEquals 'image' "registry.local/$prefix/dws:$new@$digest" \
		"$(image_of manager)"
}

test_another_image_under_the_same_tag_reaches_the_nodes()
{
	local digest before

	given_rebuilt
	given_installed new.tar
	assertEquals 'image' "registry.local/$prefix/dws:$new" \
		"$(image_of manager)"
	run_dws history -o json
	before=$(jq -c '.[-1].images' "$TEST_DIR/out")
	with rebuilt.tar install --dry-run -o json
	assert_rc 0
	assert_json '[.notes[] | select(test("named by their digests"))] |
		length' 1
	with rebuilt.tar install
	assert_rc 0
	assert_err 'named by their digests' 'revision 2'
	run_dws history -o json
	assertEquals 'images of the first' "$before" \
		"$(jq -c '.[-2].images' "$TEST_DIR/out")"
	digest=$(jq -r '.[-1].images[] | select(.name == "dws").digest' \
		"$TEST_DIR/out")
	assertNotContains 'digest' "$before" "$digest"
	assert_json '.[-1].bundle.created' 2025-10-09T08:53:20Z
	# Pinned it stays, whoever asks for it again.
	assert_unchanged
	assert_unchanged --skip-images
}

# The tag has another image by now; nodes that lack the old one would pull that.
test_rollback_brings_the_image_back_that_was_there()
{
	local place=registry.local/$prefix/dws:$new first other

	given_rebuilt
	given_installed new.tar
	run_dws history -o json
	first=$(jq -r '.[-1].images[] | select(.name == "dws").digest' \
		"$TEST_DIR/out")
	with rebuilt.tar install
	assert_rc 0
	other=$(image_of manager)
	assertNotEquals 'image' "$place@$first" "$other"
	run_dws rollback --registry "$registry/$prefix" \
		--registry-ca "$REGISTRY_CA"
	assert_rc 0
	assertEquals 'image' "$place@$first" "$(image_of manager)"
	# A tag that moved while nobody looked, and a way back that is gone.
	given_installed new.tar
	with new.tar install --host-time strip
	assert_rc 0
	must "$program" images push --registry "$registry/$prefix" \
		--registry-ca "$REGISTRY_CA" --bundle "$TEST_DIR/rebuilt.tar" \
		--trust "$key.pub"
	run_dws rollback --registry "$registry/$prefix" \
		--registry-ca "$REGISTRY_CA"
	assert_rc 0
	assert_err 'named by their digests'
	assertEquals 'image' "$place@$first" "$(image_of manager)"
	must skopeo_site delete "docker://registry.local/$prefix/dws@$first"
	run_dws rollback 1 --registry "$registry/$prefix" \
		--registry-ca "$REGISTRY_CA"
	assert_rc 3
	assert_err "$first" 'images push'
}

# Who may write records, but change no objects.
test_another_image_is_a_change_that_is_checked_first()
{
	given_rebuilt
	given_installed new.tar
	must kubectl create clusterrole only-look --resource='*.*' \
		--verb=get,list,watch
	must kubectl create clusterrole keep-notes --verb='*' --resource \
		secrets,namespaces,leases.coordination.k8s.io
	for role in only-look keep-notes; do
		must kubectl create clusterrolebinding "$role" \
			--clusterrole="$role" --user=limited
	done
	with rebuilt.tar install --kubeconfig "$T/limited.conf"
	assert_rc 3
	assert_err 'may not do all'
	must kubectl delete clusterrole,clusterrolebinding only-look keep-notes
	run_dws history -o json
	assert_json length 1
	with rebuilt.tar install
	assert_rc 0
	assert_err 'named by their digests' 'revision 2'
}

# Another release in between, and images that somebody else pushed.
test_another_image_is_known_by_what_stood_before()
{
	given_rebuilt
	given_installed new.tar
	with old.tar upgrade --allow-downgrade
	assert_rc 0
	with rebuilt.tar upgrade
	assert_rc 0
	assert_err 'named by their digests'
	assertContains 'image' "$(image_of manager)" @sha256:
	given_no_dws
	must "$program" images push --registry "$registry/$prefix" \
		--registry-ca "$REGISTRY_CA" --bundle "$TEST_DIR/new.tar" \
		--trust "$key.pub"
	with new.tar install --skip-images
	assert_rc 0
	with new.tar install
	assert_rc 0
	assert_err 'nothing was changed'
	run_dws history -o json
	assert_json '.[-1].images | length' 2
	with rebuilt.tar install
	assert_rc 0
	assert_err 'named by their digests'
}

test_images_that_were_not_pushed_came_out_of_the_bundle_before()
{
	local images

	given_installed new.tar
	run_dws history -o json
	images=$(jq -c '.[-1].images' "$TEST_DIR/out")
	make "$new" earlier.tar --created 1740000000 --key "$key.pem"
	make "$new" later.tar --created 1760000000 --key "$key.pem"
	with later.tar install --skip-images
	assert_rc 0
	run_dws history -o json
	assert_json '.[-1].bundle.created' 2025-06-15T15:06:40Z
	with later.tar install --skip-images --host-time strip
	assert_rc 0
	assert_err 'revision 2'
	run_dws history -o json
	assert_json '.[-1].bundle.created' 2025-06-15T15:06:40Z
	assertEquals 'images' "$images" "$(jq -c '.[-1].images' "$TEST_DIR/out")"
	with earlier.tar install --host-time strip
	assert_rc 3
	assert_err 2025-06-15T15:06:40Z --allow-downgrade
}

# --- what is not to be believed ---------------------------------------------

test_an_unsigned_bundle_is_refused()
{
	given_no_dws
	make "$new" unsigned.tar
	refused install --bundle "$TEST_DIR/unsigned.tar" --trust "$key.pub"
	assert_err unsigned.tar --allow-unsigned
	with unsigned.tar install --allow-unsigned
	assert_rc 0
	run_dws history -o json
	assert_json '.[-1].bundle.signer' null
}

test_a_foreign_key_is_refused()
{
	given_key "$TEST_DIR/foreign"
	refused install --bundle "$TEST_DIR/new.tar" \
		--trust "$TEST_DIR/foreign.pub"
	assert_err foreign.pub
	refused plan --bundle "$TEST_DIR/new.tar" --trust "$TEST_DIR/foreign.pub"
}

test_an_altered_file_in_one_executable_is_refused()
{
	local place

	make "$new" self-new --key "$key.pem" --elf "$program"
	place=$(region "$TEST_DIR/self-new" content "manifests/$new.yaml")
	flip_bit "$TEST_DIR/self-new" $(((${place% *} + 100) * 8))
	DWS_CSM=$TEST_DIR/self-new
	refused install --trust "$key.pub"
	assert_err "manifests/$new.yaml"
}

test_an_altered_executable_is_refused()
{
	make "$new" self-new --key "$key.pem" --elf "$program"
	flip_bit "$TEST_DIR/self-new" 8000000
	refused install --bundle "$TEST_DIR/self-new" --trust "$key.pub"
	assert_err self-new
}

test_a_flipped_bit_in_a_layer_is_found_before_the_first_upload()
{
	local before place prefix=bundle-flipped

	given_no_dws
	before=$(all_objects)
	cp "$TEST_DIR/new.tar" "$TEST_DIR/flipped.tar"
	place=$("$root/tests/cli/bundle.py" map "$TEST_DIR/new.tar" | awk '
		$1 == "content" && $3 > most { most = $3; at = $2 }
		END { print (at + 1000) * 8 }')
	flip_bit "$TEST_DIR/flipped.tar" "$place"
	with flipped.tar install
	assert_rc 9
	assert_err blobs/sha256/
	assertEquals 'what is in the cluster' "$before" "$(all_objects)"
	assertNotContains 'repositories' "$(registry_paths)" "$prefix"
}

# Every upload leaves a directory, begun or done.
registry_paths()
{
	find "$T/registry" -type d -path '*bundle*'
}

# --- plans ------------------------------------------------------------------

test_a_plan_is_of_one_bundle()
{
	make "$new" other.tar --created 1750000001 --key "$key.pem"
	given_no_dws
	with new.tar plan -o "$TEST_DIR/plan.json"
	assert_rc 0
	mv "$TEST_DIR/new.tar" "$TEST_DIR/moved.tar"
	run_dws apply "$TEST_DIR/plan.json" --trust "$key.pub"
	assert_rc 1
	assert_err new.tar
	run_dws apply "$TEST_DIR/plan.json" --trust "$key.pub" \
		--bundle "$TEST_DIR/other.tar"
	assert_rc 3
	assert_err 'nothing was changed' 'made with bundle sha256:'
	run_dws apply "$TEST_DIR/plan.json" --bundle "$TEST_DIR/moved.tar"
	assert_rc 9
	run_dws apply "$TEST_DIR/plan.json" --trust "$key.pub" \
		--bundle "$TEST_DIR/moved.tar"
	assert_rc 0
	assert_err "DWS $new is installed"
	mv "$TEST_DIR/moved.tar" "$TEST_DIR/new.tar"
}

test_a_plan_tells_what_would_be_sent()
{
	prefix=bundle-plan with new.tar plan install -o json
	assert_rc 0
	assert_json '[.notes[] | select(test("blobs, .* will be sent"))] |
		length' 2
	assert_json '.bundle | test("^sha256:")' true
}

# shellcheck source=/dev/null
. shunit2

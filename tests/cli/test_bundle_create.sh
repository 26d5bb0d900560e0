#!/bin/bash
# bundle create: what goes in, that it is the same each time, that others read
# it, and what is left where it fails.
# servers: none

# shellcheck disable=SC2154 # run_dws sets rc, out, err; lib.sh sets release

# shellcheck source=tests/cli/bundles.sh
. "$(dirname "${BASH_SOURCE[0]}")/bundles.sh"

proxy_image=kube-rbac-proxy:v0.14.1

oneTimeSetUp()
{
	if ! registry_up || ! proxy_up; then
		fail 'the servers do not start'
	fi
	layout=$TEST_DIR/images
	must "$root/tests/cli/layout.py" "$layout" \
		"registry.local/$dws=base:300000,dws:200000" \
		registry.local/dws:0.0.20=base:300000,old:1000 \
		"registry.local/$proxy_image=base:300000,p:10"
	given_key "$key"
	bin=$TEST_DIR/bin
	mkdir -p "$bin"
	# kubectl is a function here.
	ln -sf "$(type -P kubectl ||
		echo "$("$root/tests/servers/kubernetes.sh")/kubectl")" \
		"$bin/kubectl"
}

oneTimeTearDown()
{
	registry_down fault images
}

setUp()
{
	new_prefix
	fault_rules fault '[]'
	file=$TEST_DIR/$prefix.bundle
	mkdir -p "${file%/*}"
}

# create ARG...: $file, signed by $key, out of $layout where no --from says
# something else.
create()
{
	case " $* " in
	*' --from '*) ;;
	*) set -- --from "oci:$layout" "$@" ;;
	esac
	run_dws bundle create "$file" --key "$key.pem" "$@"
}

# create_from_registry ARG...: of the release in $prefix of the registry.
create_from_registry()
{
	run_dws bundle create "$file" --key "$key.pem" \
		--from "docker://${to:-$registry}/$prefix/$dws" \
		--from "docker://${to:-$registry}/$prefix/$proxy_image" \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA" \
		"$@"
}

# given_pushed: the release in $prefix of the registry; $digest is that of dws.
given_pushed()
{
	push --from "oci:$layout"
	assert_rc 0
	digest=$(tag_is "$dws")
}

meta()
{
	tar -xOf "$file" bundle.json | jq -r "$1"
}

# assert_bundle: an independent reader says that it is right.
assert_bundle()
{
	bundle_py check "$file" --pub "$key.pub"
}

# assert_nothing_left: neither the file nor what was begun.
assert_nothing_left()
{
	assertEquals 'files left' '' "$(compgen -G "$file*")"
}

# --- form -------------------------------------------------------------------

test_create_makes_a_signed_bundle_of_the_newest_release()
{
	create -o json
	assert_rc 0
	assert_bundle
	assert_json .digest "sha256:$(tar -xOf "$file" bundle.json |
		sha256sum | cut -d ' ' -f 1)"
	assert_json .bytes "$(stat -c %s "$file")"
	assert_json '.releases | join(" ")' 0.1.17
	assert_json .images 2
	assert_json .signer "sha256:$(openssl pkey -pubin -in "$key.pub" \
		-outform DER | sha256sum | cut -d ' ' -f 1)"
	bundle_verify "$file"
	assert_rc 0
	assertEquals linux/amd64 "$(meta '.platforms | join(" ")')"
	assertEquals v1alpha7 "$(meta '.releases[0].storageVersion')"
	assertEquals dws-workload-manager \
		"$(meta '.releases[0].workloadManagerRole')"
	assertEquals 'oci:images oci:images' \
		"$(meta '[.releases[0].images[].source] | join(" ")')"
}

test_create_gives_the_same_bytes_each_time()
{
	run_dws bundle create "$file" --from "oci:$layout"
	assert_rc 0
	assert_err 'not be signed' --allow-unsigned
	mkdir -p "$TEST_DIR/other"
	cp -r "$layout" "$TEST_DIR/other/"
	sleep 1.1
	run_dws bundle create "$file.2" --from "oci:$TEST_DIR/other/images" -j 1
	assert_rc 0
	cmp "$file" "$file.2"
	assertEquals 'the same bytes' 0 $?
}

test_create_of_two_signatures_differs_in_one_block()
{
	create
	cp "$file" "$file.2"
	create
	assertEquals 'the block of bundle.json.sig' 1 \
		"$(cmp -l "$file" "$file.2" | awk '{ print int(($1 - 1) / 512) }' |
			sort -u | wc -l)"
}

test_create_takes_the_time_of_the_newest()
{
	local source=$TEST_DIR/dated config manifest hex

	cp -r "$layout" "$source"
	hex=$(jq -r --arg name "registry.local/$dws" '.manifests[] | select(
		.annotations["org.opencontainers.image.ref.name"] == $name)
		.digest[7:]' "$source/index.json")
	config=$(jq -r '.config.digest[7:]' "$source/blobs/sha256/$hex")
	jq -c '.created = "2044-05-06T07:08:09.123456789Z"' \
		"$source/blobs/sha256/$config" >"$TEST_DIR/config"
	manifest=$(jq -c --argjson config \
		"$(put "$source" "$TEST_DIR/config" \
			application/vnd.oci.image.config.v1+json)" \
		'.config = $config' "$source/blobs/sha256/$hex")
	printf %s "$manifest" >"$TEST_DIR/manifest"
	name_in "$source" "$(put "$source" "$TEST_DIR/manifest" \
		application/vnd.oci.image.manifest.v1+json)" "registry.local/$dws"
	create --from "oci:$source"
	assert_rc 0
	assertEquals 2044-05-06T07:08:09Z "$(meta .created)"
	# Of images without a time the program is newer.
	create
	assert_rc 0
	assertNotEquals 1970-01-01T00:00:00Z "$(meta .created)"
	SOURCE_DATE_EPOCH=1700000000 create --from "oci:$source"
	assert_rc 0
	assertEquals 2023-11-14T22:13:20Z "$(meta .created)"
	assertEquals '2023-11-14 22:13' "$(TZ=UTC tar -tvf "$file" |
		awk '{ print $4, $5 }' | sort -u)"
	SOURCE_DATE_EPOCH=soon create
	assert_rc 2
	assert_err SOURCE_DATE_EPOCH soon
}

test_create_puts_what_is_small_first()
{
	create --release 0.0.20 --release 0.1.17
	assertEquals 'bundle.json bundle.json.sig oci-layout index.json '`
		`'manifests/0.0.20.yaml manifests/0.1.17.yaml' \
		"$(tar -tf "$file" | head -n 6 | paste -sd ' ')"
}

# --- others read it ---------------------------------------------------------

test_skopeo_reads_every_image()
{
	local name copy=$TEST_DIR/copied

	create --release 0.0.20 --release 0.1.17
	assert_rc 0
	assertEquals 'images of both' 3 "$(tar -xOf "$file" index.json |
		jq '.manifests | length')"
	for name in "$dws" dws:0.0.20 "$proxy_image"; do
		rm -rf "$copy"
		must skopeo inspect "oci-archive:$file:registry.local/$name"
		must skopeo copy -q "oci-archive:$file:registry.local/$name" \
			"dir:$copy"
		assertEquals "$name" \
			"$(jq -r --arg name "registry.local/$name" '.manifests[]
			| select(.annotations[
				"org.opencontainers.image.ref.name"] == $name)
			.digest' "$layout/index.json")" \
			"sha256:$(sha256sum <"$copy/manifest.json" |
				cut -d ' ' -f 1)"
	done
}

# docker_image LAYOUT LAYER OS/ARCH: of Docker's media types; its descriptor.
docker_image()
{
	local type=application/vnd.docker layer config platform

	platform=$(jq -nc --arg p "$3" '$p / "/" |
		{os: .[0], architecture: .[1]}')
	printf %s "$2" >"$TEST_DIR/layer"
	layer=$(put "$1" "$TEST_DIR/layer" $type.image.rootfs.diff.tar)
	jq -nc --argjson p "$platform" --argjson layer "$layer" '$p + {
		config: {}, rootfs: {type: "layers",
		diff_ids: [$layer.digest]}}' >"$TEST_DIR/config"
	config=$(put "$1" "$TEST_DIR/config" $type.container.image.v1+json)
	jq -n --argjson config "$config" --argjson layer "$layer" \
		--arg type $type.distribution.manifest.v2+json \
		'{schemaVersion: 2, mediaType: $type, config: $config,
		layers: [$layer]}' >"$TEST_DIR/manifest"
	put "$1" "$TEST_DIR/manifest" $type.distribution.manifest.v2+json |
		jq -c --argjson p "$platform" '.platform = $p'
}

# given_docker LAYOUT: dws is a manifest list of two, the proxy one image;
# $dws_digest and $proxy_digest are theirs.
given_docker()
{
	local one other list=application/vnd.docker.distribution.manifest.list

	one=$(docker_image "$1" one linux/amd64)
	other=$(docker_image "$1" other linux/arm64)
	jq -n --argjson one "$one" --argjson other "$other" --arg type \
		$list.v2+json '{schemaVersion: 2, mediaType: $type,
		manifests: [$one, $other]}' >"$TEST_DIR/list"
	list=$(put "$1" "$TEST_DIR/list" $list.v2+json)
	name_in "$1" "$list" "registry.local/$dws"
	amd64_digest=$(jq -r .digest <<<"$one")
	list_digest=$(jq -r .digest <<<"$list")
	one=$(docker_image "$1" proxy linux/amd64)
	name_in "$1" "$one" "registry.local/$proxy_image"
	proxy_digest=$(jq -r .digest <<<"$one")
}

# assert_skopeo_copies NAME DIGEST [OPTION...]: byte for byte.
assert_skopeo_copies()
{
	local name=$1 wanted=$2

	shift 2
	rm -rf "$TEST_DIR/copied"
	must skopeo inspect "oci-archive:$file:registry.local/$name"
	must skopeo copy -q "$@" "oci-archive:$file:registry.local/$name" \
		"dir:$TEST_DIR/copied"
	assertEquals "$name" "$wanted" "sha256:$(sha256sum \
		<"$TEST_DIR/copied/manifest.json" | cut -d ' ' -f 1)"
}

# assert_pushed DWS-DIGEST: both ways by which a bundle is pushed.
assert_pushed()
{
	local wanted=$1

	shift
	new_prefix
	push --bundle "$file" --trust "$key.pub" "$@"
	assert_rc 0
	assertEquals "$wanted" "$(tag_is "$dws")"
	assertEquals "$proxy_digest" "$(tag_is "$proxy_image")"
	new_prefix
	push --from "oci-archive:$file" "$@"
	assert_rc 0
	assertEquals "$wanted" "$(tag_is "$dws")"
	assertEquals "$proxy_digest" "$(tag_is "$proxy_image")"
}

test_images_of_docker_stay_and_are_found_by_name()
{
	local source=$TEST_DIR/$prefix.docker

	given_docker "$source"
	create --from "oci:$source"
	assert_rc 0
	assert_bundle
	assertEquals "$amd64_digest $proxy_digest" \
		"$(meta '[.releases[0].images[].digest] | join(" ")')"
	assert_skopeo_copies "$dws" "$amd64_digest"
	assert_skopeo_copies "$proxy_image" "$proxy_digest"
	assert_pushed "$amd64_digest"
	cp "$file" "$file.first"
	run_dws bundle create "$file.second" --from "oci-archive:$file"
	assert_rc 0
	assertEquals 'a bundle of it has the same images' \
		"$(meta '[.releases[].images[].digest]')" \
		"$(tar -xOf "$file.second" bundle.json |
			jq '[.releases[].images[].digest]')"
}

test_lists_of_docker_stay_and_are_found_by_name()
{
	local source=$TEST_DIR/$prefix.docker

	given_docker "$source"
	create --from "oci:$source" --all-platforms
	assert_rc 0
	assert_bundle
	assertEquals "$list_digest $proxy_digest" \
		"$(meta '[.releases[0].images[].digest] | join(" ")')"
	assertEquals 'linux/amd64 linux/arm64' "$(meta '.platforms | join(" ")')"
	assert_skopeo_copies "$dws" "$amd64_digest"
	assert_pushed "$list_digest" --all-platforms
}

test_create_takes_a_docker_archive()
{
	local name

	for name in "$dws" "$proxy_image"; do
		rm -f "$TEST_DIR/${name%:*}.tar"
		must skopeo copy -q "oci:$layout:registry.local/$name" \
			"docker-archive:$TEST_DIR/${name%:*}.tar:registry.local/$name"
	done
	create --from "docker-archive:$TEST_DIR/dws.tar" \
		--from "docker-archive:$TEST_DIR/kube-rbac-proxy.tar"
	assert_rc 0
	assert_bundle
	proxy_digest=$(meta '.releases[0].images[1].digest')
	assert_skopeo_copies "$dws" "$(meta '.releases[0].images[0].digest')"
	assert_skopeo_copies "$proxy_image" "$proxy_digest"
	assert_pushed "$(meta '.releases[0].images[0].digest')"
}

test_a_bundle_is_a_source_of_another()
{
	create --release 0.0.20 --release 0.1.17
	mv "$file" "$file.first"
	create --from "oci-archive:$file.first"
	assert_rc 0
	assert_bundle
}

# --- parts, executable ------------------------------------------------------

test_create_splits()
{
	create
	cp "$file" "$file.whole"
	SOURCE_DATE_EPOCH=0 create --split 100K -o json
	assert_rc 0
	assert_json .parts 7
	assertFalse 'the whole is gone' "[ -e '$file' ]"
	assertEquals 102400 "$(stat -c %s "$file.part001")"
	bundle_verify "$file"
	assert_rc 0
	cat "$file".part* >"$file"
	assert_bundle
	assertEquals "$(stat -c %s "$file.whole")" "$(stat -c %s "$file")"
	create --split 100K --self-contained
	assert_rc 2
	assert_err --self-contained
	create --split 1
	assert_rc 2
}

test_create_of_a_whole_takes_parts_away()
{
	create --split 100K
	create
	assert_rc 0
	assertEquals 'parts' '' "$(compgen -G "$file.part*")"
	assert_bundle
}

test_self_contained_runs_and_finds_its_own()
{
	create --self-contained
	assert_rc 0
	assert_bundle
	assertEquals "$("$DWS_CSM" version)" "$("$file" version)"
	must "$file" bundle verify --trust "$key.pub"
	# Its bundle is no part of the next one.
	must "$file" bundle create "$file.2" --self-contained \
		--key "$key.pem" --from "oci:$layout"
	assertEquals "$(stat -c %s "$file")" "$(stat -c %s "$file.2")"
}

# --- RPMs and documents -----------------------------------------------------

test_create_takes_rpms_and_documents()
{
	local rpm

	given_inputs "$inputs"
	rpm=$(echo "$inputs"/rpms/*)
	create --rpm "$rpm" --doc "$inputs/docs/INSTALL.md"
	assert_rc 0
	assert_bundle
	tar -xOf "$file" "rpms/${rpm##*/}" | cmp - "$rpm"
	assertEquals 'the RPM' 0 $?
	tar -xOf "$file" docs/INSTALL.md | cmp - "$inputs/docs/INSTALL.md"
	assertEquals 'the document' 0 $?
}

test_create_refuses_what_is_no_rpm_and_names_twice()
{
	given_inputs "$inputs"
	mkdir -p "$TEST_DIR/more"
	cp "$inputs"/rpms/* "$inputs/docs/INSTALL.md" "$TEST_DIR/more"
	create --rpm "$inputs/docs/INSTALL.md"
	assert_rc 1
	assert_err INSTALL.md 'no RPM'
	create --rpm "$(echo "$inputs"/rpms/*)" --rpm "$(echo "$TEST_DIR"/more/*.rpm)"
	assert_rc 2
	assert_err "two files are called 'dws-slurm"
	create --doc "$TEST_DIR/more"
	assert_rc 1
	assert_err "$TEST_DIR/more" regular
	create --doc "$TEST_DIR/nowhere"
	assert_rc 1
	assert_err "$TEST_DIR/nowhere"
	assert_nothing_left
}

# --- releases ---------------------------------------------------------------

test_create_tells_a_release_that_is_not_there()
{
	create --release 9.9.9
	assert_rc 2
	assert_err 9.9.9 0.0.20 0.1.17
	create --from "dws=oci:$layout" --from "other=oci:$layout"
	assert_rc 2
	assert_err other
}

test_version_alone_means_the_release()
{
	create --version 0.0.20
	assert_rc 0
	assertEquals 0.0.20 "$(meta '.releases[].version')"
}

# rendered VERSION: the release's objects in one stream.
rendered()
{
	local yaml

	for yaml in "$root/manifests/dws/$1"/*.yaml; do
		echo ---
		cat "$yaml"
	done
}

test_create_takes_rendered_manifests()
{
	rendered 0.1.17 | sed -e 's#quay.io/brancz/kube-rbac#registry.local/kube-rbac#' \
		-e 's#ghcr.io/dataworkflowservices/dws:0.1.17#registry.local/dws:latest#' \
		>"$TEST_DIR/rendered.yaml"
	create --manifests "$TEST_DIR/rendered.yaml"
	assert_rc 2
	assert_err rendered.yaml --version
	must "$root/tests/cli/layout.py" "$TEST_DIR/$prefix.oci" \
		registry.local/dws:0.2.0-rc1=a:10 \
		"registry.local/$proxy_image=p:10"
	create --manifests "$TEST_DIR/rendered.yaml" --version v0.2.0-rc1 \
		--from "oci:$TEST_DIR/$prefix.oci"
	assert_rc 0
	assert_bundle
	assertEquals '0.2.0-rc1 v1alpha7 manifests rendered.yaml' \
		"$(meta '.releases[] | "\(.version) \(.storageVersion) "
			+ "\(.source.type) \(.source.name)"')"
	assertEquals "sha256:$(sha256sum <"$TEST_DIR/rendered.yaml" |
		cut -d ' ' -f 1)" "$(meta '.releases[].source.digest')"
	# As the installer's own overlay looks for them.
	assertEquals "ghcr.io/dataworkflowservices/dws:0.2.0-rc1
quay.io/brancz/kube-rbac-proxy:v0.14.1" \
		"$(tar -xOf "$file" manifests/0.2.0-rc1.yaml |
			sed -n 's/.* image: //p' | sort -u)"
}

test_create_refuses_manifests_that_are_not_dws()
{
	echo '{apiVersion: v1, kind: Namespace, metadata: {name: x}}' \
		>"$TEST_DIR/x.yaml"
	create --manifests "$TEST_DIR/x.yaml" --version 1
	assert_rc 1
	assert_err x.yaml 'is it DWS?'
	echo 'a: [' >"$TEST_DIR/x.yaml"
	create --manifests "$TEST_DIR/x.yaml" --version 1
	assert_rc 1
	assert_err x.yaml line
	rendered 0.1.17 | grep -v workload-manager >"$TEST_DIR/x.yaml"
	create --manifests "$TEST_DIR/x.yaml" --version 1
	assert_rc 1
	assert_nothing_left
}

# given_tree DIR: upstream's source, as far as it matters.
given_tree()
{
	local dir=$1/config

	mkdir -p "$dir/csm" "$dir/rbac"
	rendered 0.1.17 | sed 's#^\( *\)image: ghcr.*#\1image: registry.local/dws:latest#' \
		>"$dir/csm/all.yaml"
	# Upstream applies it apart.
	cp "$root/manifests/dws/0.0.20/workload-manager-role.yaml" \
		"$dir/rbac/workload_manager_role.yaml"
	cat >"$dir/csm/kustomization.yaml" <<-END
	apiVersion: kustomize.config.k8s.io/v1beta1
	kind: Kustomization
	resources: [all.yaml]
	END
}

test_create_renders_a_source_tree()
{
	local tree=$TEST_DIR/tree

	rm -rf "$tree"
	given_tree "$tree"
	PATH=$bin:$PATH create --from-source "$tree" --version 0.1.17
	assert_rc 0
	assert_bundle
	assertEquals 'source v1alpha7 dws-workload-manager' \
		"$(meta '.releases[] | "\(.source.type) \(.storageVersion) "
			+ .workloadManagerRole')"
	assertEquals null "$(meta '.releases[].source.commit')"
	assertEquals 65 "$(tar -xOf "$file" manifests/0.1.17.yaml |
		grep -c '^kind: ')"

	must git -C "$tree" init -q
	must git -C "$tree" add .
	must git -C "$tree" -c user.name=x -c user.email=x@x.test \
		commit -q -m x
	must git -C "$tree" tag v0.1.17
	PATH=$bin:$PATH create --from-source "$tree" --release 0.0.20
	assert_rc 0
	assertEquals '0.0.20 0.1.17' \
		"$(meta '[.releases[].version] | join(" ")')"
	assertEquals "$(git -C "$tree" rev-parse HEAD)" \
		"$(meta '.releases[1].source.commit')"
	PATH=$bin:$PATH create --from-source "$tree" --release 0.1.17
	assert_rc 2
	assert_err 0.1.17 --version
}

test_create_renders_an_archive_of_a_source_tree()
{
	local before after

	rm -rf "$TEST_DIR/dws-0.1.17"
	given_tree "$TEST_DIR/dws-0.1.17"
	must tar -C "$TEST_DIR" -czf "$TEST_DIR/dws.tgz" dws-0.1.17
	mkdir -p "$TEST_DIR/tmp"
	before=$(ls "$TEST_DIR/tmp")
	TMPDIR=$TEST_DIR/tmp PATH=$bin:$PATH create \
		--from-source "$TEST_DIR/dws.tgz" --version 0.1.17
	after=$(ls "$TEST_DIR/tmp")
	assert_rc 0
	assert_bundle
	assertEquals 'what is left of the tree' "$before" "$after"
	assertEquals dws.tgz "$(meta '.releases[].source.name')"
	echo nonsense >"$TEST_DIR/no.tgz"
	TMPDIR=$TEST_DIR/tmp create --from-source "$TEST_DIR/no.tgz"
	assert_rc 1
	assert_err no.tgz tar
	assertEquals 'what is left of nonsense' "$before" \
		"$(ls "$TEST_DIR/tmp")"
	create --from-source "$TEST_DIR/tmp" --version 1
	assert_rc 1
	assert_err config/csm 'source of DWS'
}

test_create_runs_nothing_that_an_archive_names()
{
	local tree=$TEST_DIR/dws-git

	rm -rf "$tree" "$TEST_DIR/ran"
	given_tree "$tree"
	must git -C "$tree" init -q
	must git -C "$tree" add .
	must git -C "$tree" -c user.name=x -c user.email=x@x.test \
		commit -q -m x
	must git -C "$tree" tag v0.1.17
	must git -C "$tree" config core.fsmonitor \
		"sh -c 'touch $TEST_DIR/ran' x"
	# tar would take what stands before the colon for a host.
	must tar -C "$TEST_DIR" --force-local -czf "$TEST_DIR/dws:0.1.17.tgz" \
		dws-git
	(
		cd "$TEST_DIR" && PATH=$bin:$PATH "$DWS_CSM" bundle create \
			"$file" --key "$key.pem" --from "oci:$layout" \
			--from-source dws:0.1.17.tgz --version 0.1.17
	) >"$TEST_DIR/out" 2>"$TEST_DIR/err"
	assertEquals 'exit code' 0 $?
	assertEquals 'no commit' null "$(meta '.releases[].source.commit')"
	assertFalse 'a program of the archive ran' "[ -e '$TEST_DIR/ran' ]"
	PATH=$bin:$PATH create --from-source "$tree"
	assert_rc 0
	assertFalse 'a program of the tree ran' "[ -e '$TEST_DIR/ran' ]"
}

test_create_tells_that_there_is_nothing_to_render_with()
{
	local path=$TEST_DIR/empty

	mkdir -p "$path"
	given_tree "$TEST_DIR/bare"
	PATH=$path "$DWS_CSM" bundle create "$file" --from "oci:$layout" \
		--from-source "$TEST_DIR/bare" --version 1 \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err"
	assertEquals 'exit code' 1 $?
	err=$(<"$TEST_DIR/err")
	assert_err "'kustomize'" "'kubectl'" --manifests
	printf '#!/bin/sh\necho "no such patch" >&2\nexit 3\n' >"$path/kustomize"
	chmod +x "$path/kustomize"
	PATH=$path:$PATH create --from-source "$TEST_DIR/bare" --version 1
	assert_rc 1
	assert_err 'no such patch'
}

# --- signatures and attestations --------------------------------------------

# put LAYOUT FILE TYPE: as a blob; prints its descriptor.
put()
{
	local hex

	hex=$(sha256sum <"$2" | cut -d ' ' -f 1)
	mkdir -p "$1/blobs/sha256"
	cp "$2" "$1/blobs/sha256/$hex"
	printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}' "$3" "$hex" \
		"$(stat -c %s "$2")"
}

# name_in LAYOUT DESCRIPTOR [NAME]: in its index, in the place of another of
# that name.
name_in()
{
	[ -e "$1/index.json" ] ||
		echo '{"schemaVersion":2,"manifests":[]}' >"$1/index.json"
	echo '{"imageLayoutVersion": "1.0.0"}' >"$1/oci-layout"
	jq --argjson entry "$2" --arg name "${3:-}" '
		"org.opencontainers.image.ref.name" as $key |
		.manifests |= map(select($name == "" or
			.annotations[$key] != $name)) |
		.manifests += [$entry + if $name == "" then {} else
			{annotations: {($key): $name}} end]' \
		"$1/index.json" >"$TEST_DIR/index" &&
		mv "$TEST_DIR/index" "$1/index.json"
}

# signature LAYOUT DIGEST [SUBJECT-SIZE]: a manifest as `cosign sign` makes it,
# with the size as a referrer; prints its descriptor.
signature()
{
	local layer config subject=null type=application/vnd.oci.image

	printf '{"critical":{"identity":{"docker-reference":""},"image":{'`
		`'"docker-manifest-digest":"%s"},"type":'`
		`'"cosign container image signature"},"optional":null}' "$2" \
		>"$TEST_DIR/payload"
	layer=$(put "$1" "$TEST_DIR/payload" \
		application/vnd.dev.cosign.simplesigning.v1+json | jq -c \
		--arg signature "$(openssl dgst -sha256 -sign "$key.pem" \
			"$TEST_DIR/payload" | base64 -w 0)" \
		'.annotations = {"dev.cosignproject.cosign/signature":
			$signature}')
	printf '{"architecture":"","os":"","config":{},"rootfs":{"type":'`
		`'"layers","diff_ids":[%s]}}' "$(jq -c .digest <<<"$layer")" \
		>"$TEST_DIR/config"
	config=$(put "$1" "$TEST_DIR/config" $type.config.v1+json)
	[ -z "${3:-}" ] || subject=$(printf \
		'{"mediaType":"%s","digest":"%s","size":%d}' \
		$type.manifest.v1+json "$2" "$3")
	jq -nc --argjson config "$config" --argjson layer "$layer" \
		--argjson subject "$subject" --arg type $type.manifest.v1+json \
		'{schemaVersion: 2, mediaType: $type, config: $config,
			layers: [$layer]} + if $subject == null then {} else
			{subject: $subject, artifactType: "test/signature"} end' \
		>"$TEST_DIR/manifest"
	put "$1" "$TEST_DIR/manifest" $type.manifest.v1+json
}

test_signatures_by_tag_travel_along()
{
	local sig=$TEST_DIR/$prefix.sig tag manifest layer

	given_pushed
	tag=sha256-${digest#sha256:}.sig
	name_in "$sig" "$(signature "$sig" "$digest")" sig
	certs=dest- must images_skopeo copy -q "oci:$sig:sig" \
		"docker://$registry/$prefix/dws:$tag"
	create_from_registry -o json
	assert_rc 0
	assert_json .artifacts 1
	assert_bundle
	assertEquals "$tag $(tag_is "dws:$tag")" "$(meta '.releases[0].images[]
		| select(.name == "dws").artifacts[] | "\(.tag) \(.digest)"')"
	# Who has the public key of the images checks them without a network.
	manifest=$(tar -xOf "$file" \
		"blobs/sha256/$(meta '.releases[0].images[0].artifacts[0]
			.digest[7:]')")
	layer=$(jq -r '.layers[0].digest[7:]' <<<"$manifest")
	tar -xOf "$file" "blobs/sha256/$layer" >"$TEST_DIR/payload"
	jq -r '.layers[0].annotations["dev.cosignproject.cosign/signature"]' \
		<<<"$manifest" | base64 -d >"$TEST_DIR/signature"
	must openssl dgst -sha256 -verify "$key.pub" \
		-signature "$TEST_DIR/signature" "$TEST_DIR/payload"
	must skopeo inspect --raw "oci-archive:$file:registry.local/dws:$tag"

	# And on into a bundle of the bundle.
	mv "$file" "$file.first"
	create --from "oci-archive:$file.first" -o json
	assert_rc 0
	assert_json .artifacts 1
}

test_referrers_of_a_layout_travel_along()
{
	local source=$TEST_DIR/$prefix.oci hex

	cp -r "$layout" "$source"
	hex=$(jq -r --arg name "registry.local/$dws" '.manifests[] | select(
		.annotations["org.opencontainers.image.ref.name"] == $name)
		.digest[7:]' "$source/index.json")
	name_in "$source" "$(signature "$source" "sha256:$hex" \
		"$(stat -c %s "$source/blobs/sha256/$hex")")"
	create --from "oci:$source" -o json
	assert_rc 0
	assert_json .artifacts 1
	assert_bundle
	assertEquals 'null test/signature' "$(meta '.releases[0].images[]
		| .artifacts[] | "\(.tag) \(.artifactType)"')"
	must skopeo inspect "oci-archive:$file:registry.local/$dws"
}

test_referrers_under_the_fallback_tag_travel_along()
{
	local sig=$TEST_DIR/$prefix.sig found

	given_pushed
	found=$(signature "$sig" "$digest" 573)
	name_in "$sig" "$found" one
	certs=dest- must images_skopeo copy -q "oci:$sig:one" \
		"docker://$registry/$prefix/dws:one"
	jq -nc --argjson entry "$found" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json",
		manifests: [$entry + {artifactType: "test/signature"}]}' \
		>"$TEST_DIR/list"
	must curl -sf --cacert "$REGISTRY_CA" -u "$REGISTRY_USER:$REGISTRY_PASSWORD" \
		-H 'Content-Type: application/vnd.oci.image.index.v1+json' \
		-T "$TEST_DIR/list" "https://$registry/v2/$prefix/dws/manifests/`
		`sha256-${digest#sha256:}"
	create_from_registry -o json
	assert_rc 0
	assert_json .artifacts 1
	assertEquals "$(jq -r .digest <<<"$found")" \
		"$(meta '.releases[0].images[] | .artifacts[].digest')"
}

test_create_asks_the_registry_for_referrers()
{
	local sig=$TEST_DIR/$prefix.sig found list

	given_pushed
	found=$(signature "$sig" "$digest" 573)
	name_in "$sig" "$found" one
	certs=dest- must images_skopeo copy -q "oci:$sig:one" \
		"docker://$registry/$prefix/dws:one"
	# The registry is too old to know; the proxy answers in its place.
	list=$(jq -nc --argjson entry "$found" '{schemaVersion: 2,
		manifests: [$entry]}')
	fault_rules fault "$(jq -nc --arg body "$list" --arg path \
		"/referrers/$digest" '[{path: $path, status: 200, body: $body,
		headers: {"Content-Type":
			"application/vnd.oci.image.index.v1+json"}}]')"
	to=$proxy create_from_registry -o json
	assert_rc 0
	assert_json .artifacts 1
	# A registry that lets nobody ask has none.
	fault_rules fault '[{"path": "/referrers/", "status": 405},
		{"path": "/manifests/sha256-", "status": 403}]'
	to=$proxy create_from_registry -o json
	assert_rc 0
	assert_json .artifacts 0
	# One that fails is not one that has none.
	fault_rules fault '[{"path": "/referrers/", "status": 500}]'
	to=$proxy create_from_registry
	assert_rc 4
}

test_create_warns_of_a_signature_of_the_list()
{
	local source=$TEST_DIR/$prefix.oci digest

	must "$root/tests/cli/layout.py" "$source" \
		"registry.local/$dws=a:100@linux/amd64" \
		"registry.local/$dws=b:100@linux/arm64" \
		"registry.local/$proxy_image=p:10"
	digest=$(jq -r '.manifests[0].digest' "$source/index.json")
	name_in "$source" "$(signature "$source" "$digest")" \
		"registry.local/dws:sha256-${digest#sha256:}.sig"
	create --from "oci:$source" -o json
	assert_rc 0
	assert_err --all-platforms "$dws"
	assert_json .artifacts 0
	create --from "oci:$source" --platform linux/arm64
	assert_rc 0
	assertEquals 'the proxy is no list' 'linux/amd64 linux/arm64' \
		"$(meta '.platforms | join(" ")')"
	create --from "oci:$source" --platform linux/s390x
	assert_rc 1
	assert_err linux/s390x linux/arm64
	create --from "oci:$source" --all-platforms -o json
	assert_rc 0
	assert_json .artifacts 1
	assert_bundle
	assertEquals 'linux/amd64 linux/arm64' "$(meta '.platforms | join(" ")')"
	assertEquals "$digest" "$(meta '.releases[0].images[0].digest')"
	must skopeo inspect "oci-archive:$file:registry.local/$dws"
}

# --- faults -----------------------------------------------------------------

test_create_tells_a_missing_image()
{
	create --from "oci:$layout:registry.local/$dws"
	assert_rc 1
	assert_err "$proxy_image" --from
	assert_nothing_left
}

test_create_tries_again_and_checks()
{
	given_pushed
	fault_rules fault '[{"method": "GET", "path": "/blobs/", "nth": 5,
		"reset_response": 100}]'
	to=$proxy create_from_registry
	assert_rc 0
	assert_bundle
	rm "$file"
	fault_rules fault '[{"method": "GET", "path": "/blobs/",
		"corrupt": 5}]'
	to=$proxy create_from_registry
	assert_rc 9
	assert_err "$proxy"
	assert_nothing_left
}

test_create_tells_a_damaged_layout()
{
	local source=$TEST_DIR/$prefix.oci blob

	cp -r "$layout" "$source"
	blob=$(find "$source/blobs" -size +200k | head -n 1)
	printf x | dd of="$blob" bs=1 seek=777 conv=notrunc status=none
	create --from "oci:$source"
	assert_rc 9
	assert_err "oci:$source" "${blob##*/}"
	assert_nothing_left
}

test_create_tells_a_full_disk()
{
	local disk=$TEST_DIR/disk

	mkdir -p "$disk"
	must mount -t tmpfs -o size=300k tmpfs "$disk"
	run_dws bundle create "$disk/b" --from "oci:$layout" --key "$key.pem"
	assert_rc 1
	assert_err "$disk/b" space free
	assertEquals 'files left' '' "$(ls "$disk")"
	umount "$disk"
}

test_create_killed_leaves_one_file_that_the_next_replaces()
{
	local pid

	given_pushed
	echo before >"$file"
	fault_rules fault '[{"method": "GET", "path": "/blobs/",
		"rate": 20000}]'
	"$DWS_CSM" bundle create "$file" --key "$key.pem" \
		--from "docker://$proxy/$prefix/$dws" \
		--from "docker://$proxy/$prefix/$proxy_image" \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA" \
		>"$TEST_DIR/killed" 2>&1 </dev/null &
	pid=$!
	eventually 'the file that is written' [ -e "$file.partial" ]
	to=$registry create_from_registry
	assert_rc 11
	assert_err "'$file'" 'being written'
	kill -KILL "$pid"
	wait "$pid" 2>"$TEST_DIR/wait"
	assertEquals "$file $file.partial" "$(compgen -G "$file*" | sort |
		paste -sd ' ')"
	assertEquals before "$(<"$file")"
	create_from_registry
	assert_rc 0
	assertEquals "$file" "$(compgen -G "$file*")"
	assert_bundle
}

test_create_interrupted_leaves_nothing()
{
	local pid

	given_pushed
	fault_rules fault '[{"method": "GET", "path": "/blobs/",
		"rate": 20000}]'
	"$DWS_CSM" bundle create "$file" --key "$key.pem" \
		--from "docker://$proxy/$prefix/$dws" \
		--from "docker://$proxy/$prefix/$proxy_image" \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA" \
		>"$TEST_DIR/killed" 2>&1 </dev/null &
	pid=$!
	eventually 'the file that is written' [ -e "$file.partial" ]
	kill -TERM "$pid"
	wait "$pid"
	rc=$?
	assertEquals "$(<"$TEST_DIR/killed")" 10 "$rc"
	assert_nothing_left
}

test_create_wants_one_file()
{
	run_dws bundle create
	assert_rc 2
	assert_err 'name the file'
	create --from-source . --manifests "$key.pub"
	assert_rc 2
	create --key "$key.pub"
	assertNotEquals 'exit code' 0 "$rc"
	assert_nothing_left
}

# shellcheck source=/dev/null
. shunit2

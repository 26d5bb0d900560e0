# shellcheck shell=bash disable=SC2154 # run sets T, DWS_CSM, release and more
# sideload.sh: images into the site's registry, out of an archive and out of a
# signed bundle; `run` sources it.

# A registry with nothing in it.
empty_registry()
{
	server_stop site
	find "$T/registry/site" -mindepth 1 -delete
	server_start site
}

# push_ours SIDE OPTION...
push_ours()
{
	local side=$1

	shift
	turn "$side" "$DWS_CSM" images push dws --version "$release" --quiet \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA" \
		"$@"
}

push_bundle()
{
	push_ours "$1" --bundle "$T/bench/bundle" --trust "$T/bench/key.pub"
}

# push_theirs SIDE SPEC
push_theirs()
{
	turn "$1" env TMPDIR="$T/bench/tmp" skopeo copy --quiet \
		--insecure-policy --authfile "$REGISTRY_AUTHFILE" \
		--dest-cert-dir "$T/bench/ca" "$2" \
		"docker://registry.local/dws:$release"
}

# make_archive LAYERS MIB: an image of random bytes; sets `archive`.
make_archive()
{
	tests/bench/image.py "$T/bench/image" "$release" "$1" "$2"
	tar -C "$T/bench/image" -cf "$T/bench/image.tar" \
		oci-layout index.json blobs
	rm -rf "$T/bench/image"
	archive=oci-archive:$T/bench/image.tar:$release
}

# A signed bundle with the image in it.
make_bundle()
{
	tests/bench/image.py "$T/bench/proxy" v0.14.1 1 1
	echo | "$DWS_CSM" bundle keygen "$T/bench/key" \
		--key-password-stdin --quiet >"$T/bench/log"
	"$DWS_CSM" bundle create "$T/bench/bundle" --release "$release" \
		--quiet --from "dws=$archive" \
		--from "kube-rbac-proxy=oci:$T/bench/proxy" \
		--key "$T/bench/key.key" >>"$T/bench/log" 2>&1
}

# push_rows NAME WALL CPU: our side NAME beside skopeo's, with these targets.
push_rows()
{
	row "push from $1, wall" "$(median "of-$1" 1)" \
		"$(median of-skopeo 1)" "$2" s
	row "push from $1, CPU" "$(median "of-$1" 2)" \
		"$(median of-skopeo 2)" "$3" s
	row "push from $1, memory" "$(median "of-$1" 3)" \
		"$(median of-skopeo 3)" 16 MiB
}

# All sides in turns; then what is there already.
bench_push_large()
{
	local n

	for ((n = 0; n < ${BENCH_RUNS:-3}; n++)); do
		empty_registry
		push_ours of-archive --from "dws=$archive"
		empty_registry
		push_bundle of-bundle
		empty_registry
		push_theirs of-skopeo "$archive"
		push_bundle again
		push_theirs again-skopeo "$archive"
	done
	push_rows archive 0.5x 0.25x
	# Every byte of it is hashed before the first is sent, which skopeo does
	# not do: no target.
	push_rows bundle 0.5x ''
	row 'push again, wall' "$(median again 1)" \
		"$(median again-skopeo 1)" 0.2x s
}

bench_push_one()
{
	local n

	for ((n = 0; n < ${BENCH_RUNS:-3}; n++)); do
		empty_registry
		push_ours one --from "dws=$archive"
		empty_registry
		push_theirs one-skopeo "$archive"
	done
	row 'push one layer, wall' "$(median one 1)" \
		"$(median one-skopeo 1)" 0.75x s
}

# The bundle's bytes, in two halves at once: what two processors can do.
make_yardstick()
{
	split -n 2 "$T/bench/bundle" "$T/bench/half-"
	cat >"$T/bench/halves" <<-END
		#!/bin/sh
		openssl dgst -sha256 '$T/bench/half-aa' &
		openssl dgst -sha256 '$T/bench/half-ab'
		wait
	END
	chmod +x "$T/bench/halves"
}

bench_verify()
{
	local n

	make_yardstick
	for ((n = 0; n < ${BENCH_RUNS:-3}; n++)); do
		turn verify "$DWS_CSM" bundle verify "$T/bench/bundle" \
			--trust "$T/bench/key.pub" --quiet
		turn openssl "$T/bench/halves"
	done
	# 0.8 of its rate is 1.25 of its time.
	row 'bundle verify (other: openssl)' "$(median verify 1)" \
		"$(median openssl 1)" 1.25x s
	row 'bundle verify, memory' "$(median verify 3)" '' 16 MiB
}

bench_push()
{
	mkdir -p "$T/bench/ca" "$T/bench/tmp"
	cp "$REGISTRY_CA" "$T/bench/ca/ca.crt"
	make_archive "$BENCH_LAYERS" "$BENCH_MIB"
	make_bundle
	bench_push_large
	bench_verify
	rm -f "$T/bench/image.tar" "$T/bench/bundle" "$T/bench/half-"*
	make_archive 1 $((BENCH_LAYERS * BENCH_MIB * 128 / 125))
	bench_push_one
	rm -f "$T/bench/image.tar"
	find "$T/registry/site" -mindepth 1 -delete
}

#!/bin/bash
# How our RPMs and their repository are made: what they say of themselves, that
# they are the same each time, signatures, what rpmlint and bundles make of them.
# servers: none

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/bundles.sh
. "$(dirname "${BASH_SOURCE[0]}")/bundles.sh"
# shellcheck source=tests/cli/rpms.sh
. "$root/tests/cli/rpms.sh"

plugin='dws-slurm-bb-plugin'
signed=$TEST_DIR/signed

oneTimeSetUp()
{
	repo=$(rpms_built) || exit 1
	program_rpm=$(echo "$repo"/dws-csm-[0-9]*.x86_64.rpm)
	plugin_rpm=$(echo "$repo/$plugin"-[0-9]*.noarch.rpm)
	upstream=$TEST_DIR/checkout
	mkdir -p "$upstream/src/burst_buffer"
	echo '-- of upstream' >"$upstream/src/burst_buffer/burst_buffer.lua"
	echo 'Directive=DW' >"$upstream/src/burst_buffer/burst_buffer.conf"
	echo 'The plugin.' >"$upstream/README.md"
	export GNUPGHOME=$TEST_DIR/gnupg
	mkdir -m 0700 "$GNUPGHOME"
}

oneTimeTearDown()
{
	[ ! -d "$TEST_DIR/gnupg" ] || gpgconf --kill gpg-agent
}

# tag RPM FORMAT
tag()
{
	rpm -qp --nosignature --qf "$2" "$1"
}

# build ARG...: build_rpms; then rc, err.
build()
{
	build_rpms "$@" >"$TEST_DIR/out" 2>"$TEST_DIR/err"
	rc=$?
	err=$(<"$TEST_DIR/err")
	command_line="rpms.sh $*"
}

# --- what they say of themselves --------------------------------------------

test_two_packages_are_built()
{
	assertEquals 'RPMs' "$program_rpm $plugin_rpm" "$(echo "$repo"/*.rpm)"
	assertEquals 'the program' 'dws-csm x86_64 linux' \
		"$(tag "$program_rpm" '%{name} %{arch} %{os}')"
	assertEquals 'the plugin' "$plugin noarch linux" \
		"$(tag "$plugin_rpm" '%{name} %{arch} %{os}')"
}

test_nothing_of_the_host_is_required()
{
	local file

	for file in "$program_rpm" "$plugin_rpm"; do
		assertEquals "what $file requires" '' "$(rpm -qp --requires "$file" |
			grep -v '^rpmlib(')"
		assertEquals "scriptlets of $file" '' \
			"$(rpm -qp --scripts --triggers "$file")"
	done
	assertEquals 'recommended' dws-csm "$(rpm -qp --recommends "$plugin_rpm")"
}

# rpm 4.14 of SLES 15 has these, and no others that rpm 4.18 has.
test_the_rpm_of_sles_15_reads_them()
{
	local file

	for file in "$program_rpm" "$plugin_rpm"; do
		assertEquals "features of $file" '' "$(rpm -qp --requires "$file" |
			sed -n 's/^rpmlib(\(.*\)).*/\1/p' | grep -vxE \
			'CompressedFileNames|FileDigests|PayloadFilesHavePrefix|PayloadIsXz|TildeInVersions')"
		assertEquals "payload of $file" 'cpio xz 8' \
			"$(tag "$file" '%{payloadformat} %{payloadcompressor} %{filedigestalgo}')"
	done
}

test_the_program_is_the_one_that_was_tested()
{
	rpm2cpio "$program_rpm" | (cd "$TEST_DIR" &&
		cpio --quiet -id ./usr/bin/dws-csm)
	assertTrue 'same bytes' "cmp '$DWS_CSM' '$TEST_DIR/usr/bin/dws-csm'"
}

test_the_credential_is_no_part_of_the_plugin()
{
	assertEquals 'files' 'burst_buffer.conf
burst_buffer.lua
dws-burst-buffer.conf' "$(rpm2cpio "$plugin_rpm" | cpio --quiet -t |
		sed -n 's|^\./etc/slurm/||p' | sort)"
	assertContains 'but it is known' "$(rpm -qplv "$plugin_rpm")" \
		'-rw-------    1 slurm    slurm'
}

# Each library that the Makefile links into the program, and libc.
test_the_notices_of_all_libraries_are_in()
{
	local library notice text

	for library in c $(sed -n '/^LIBS :=/,/[^\\]$/p' "$root/Makefile" |
		grep -oE -e '-l[a-z0-9.]+' | sed 's/^-l//'); do
		case $library in
		c) notice=libc6 ;;
		crypto) notice=libssl ;;
		acl | attr) notice=lib${library}1 ;;
		z) notice=zlib1g ;;
		*) notice=lib$library ;;
		esac
		text=$(rpm2cpio "$program_rpm" | cpio --quiet -i --to-stdout \
			"./usr/share/licenses/dws-csm/$notice")
		assertContains "the notice of $library" "$text" opyright
		assertContains "is marked as a licence" \
			"$(rpm -qp --licensefiles "$program_rpm")" "/$notice"
	done
	assertEquals 'the last library' lua5.4 "$library"
}

test_all_files_are_of_the_time_of_the_commit()
{
	local file

	for file in "$program_rpm" "$plugin_rpm"; do
		assertEquals "times in $file" 1 "$(tag "$file" \
			'%{buildtime}\n[%{filemtimes}\n]' | sort -u | wc -l)"
		assertEquals 'built on' localhost "$(tag "$file" '%{buildhost}')"
	done
}

# RPM's order, oldest first, of versions as scripts/version.sh prints them.
test_versions_sort_as_they_came()
{
	local version last='' epoch=1700000000 now

	for version in 0.9.0 1.0.0+gffffffffff 1.0.0+gffffffffff-dirty \
		1.0.0+g0000000000 1.0.0 1.0.0-1-gffffffffff \
		1.0.0-9-gaaaaaaaaaa 1.0.0-10-g0000000000 1.0.1; do
		epoch=$((epoch + 1))
		[[ $version != *-dirty ]] || epoch=$((epoch - 1))
		build "$TEST_DIR/version" RPM_VERSION="$version" \
			SOURCE_DATE_EPOCH="$epoch" -- "$plugin"
		assert_rc 0
		now=$(tag "$(echo "$TEST_DIR"/version/*.rpm)" '%{version}')
		assertNotContains "rpm 4.14 knows no caret" "$now" '^'
		[ -z "$last" ] || assertEquals "$now is newer than $last" 1 \
			"$(rpm --eval "%{lua:print(rpm.vercmp('$now', '$last'))}")"
		last=$now
	done
	assertEquals 1.0.1 "$last"
}

# --- the same each time -----------------------------------------------------

test_the_same_inputs_give_the_same_bytes()
{
	local file again=$TEST_DIR/again

	(
		umask 077
		cd /
		build "$again" TZ=Asia/Kathmandu LC_ALL=C.UTF-8 HOME=/nonexistent
		assert_rc 0
	)
	index_rpms "$again" >"$TEST_DIR/out" 2>&1
	assertEquals 'the repository' 0 $?
	assertEquals 'files' "$(cd "$repo" && find . -type f | sort)" \
		"$(cd "$again" && find . -type f | sort)"
	for file in $(cd "$repo" && find . -type f); do
		assertTrue "$file" "cmp '$repo/$file' '$again/$file'"
	done
}

test_zypper_of_sles_15_reads_the_repository()
{
	assertEquals 'no zstd, no data base' '' "$(find "$repo/repodata" -type f \
		! -name '*.xml.gz' ! -name repomd.xml)"
	assertEquals 'packages' 2 "$(zcat "$repo"/repodata/*-primary.xml.gz |
		grep -c '<package type="rpm">')"
}

# --- upstream's plugin ------------------------------------------------------

test_upstreams_plugin_is_named_so()
{
	local file

	build "$TEST_DIR/other" BBPLUGIN_SRC="$upstream" BBPLUGIN_VERSION=v0.0.5 \
		-- $plugin-upstream
	assert_rc 0
	file=$(echo "$TEST_DIR"/other/*.rpm)
	assertEquals 'its name' $plugin-upstream-0.0.5-1.upstream.noarch.rpm \
		"${file##*/}"
	assertEquals 'conflicts' $plugin "$(rpm -qp --conflicts "$file")"
	assertEquals 'of ours' $plugin-upstream \
		"$(rpm -qp --conflicts "$plugin_rpm")"
	assertEquals 'its files' 'burst_buffer.conf
burst_buffer.lua' "$(rpm2cpio "$file" | cpio --quiet -t |
		sed -n 's|^\./etc/slurm/||p' | sort)"
	assertEquals 'unchanged' '-- of upstream' "$(rpm2cpio "$file" |
		cpio --quiet -i --to-stdout ./etc/slurm/burst_buffer.lua)"
	must rpmlint --config "$root/specs/rpmlint.toml" "$file"
	assertContains "$(<"$TEST_DIR/must")" '0 errors, 0 warnings'
}

test_upstreams_plugin_is_refused_where_it_is_not()
{
	build "$TEST_DIR/other" BBPLUGIN_SRC="$TEST_DIR/gnupg" -- \
		$plugin-upstream
	assert_rc 1
	assert_err "no 'burst_buffer.lua' in '$TEST_DIR/gnupg'"
	build "$TEST_DIR/other" BBPLUGIN_SRC="$upstream" -- $plugin-upstream
	assert_rc 1
	assert_err 'BBPLUGIN_VERSION=X'
}

# --- signatures --------------------------------------------------------------

given_signed()
{
	[ ! -d "$signed" ] || return 0
	must gpg --batch --passphrase '' --quick-gen-key \
		'Site <site@example.com>' rsa3072 sign never
	gpg --batch --armor --export site@example.com >"$TEST_DIR/site.asc"
	build "$signed" RPM_KEY=site@example.com -- $plugin
	assert_rc 0
	RPM_KEY=site@example.com must index_rpms "$signed"
}

test_a_signed_rpm_is_verified()
{
	local host=$TEST_DIR/verify file

	given_signed
	file=$(echo "$signed"/*.rpm)
	mkdir -p "$host"
	# Unknown, then known, then altered.
	rpm_in "$host" -K "$file" >"$TEST_DIR/out" 2>&1
	assertNotEquals 'without the key' 0 $?
	must rpm_in "$host" --import "$TEST_DIR/site.asc"
	rpm_in "$host" -Kv "$file" >"$TEST_DIR/out" 2>&1
	assertEquals 'with the key' 0 $?
	assertContains "$(<"$TEST_DIR/out")" 'Header V4 RSA/SHA256 Signature'
	cp "$file" "$TEST_DIR/altered.rpm"
	printf X | dd of="$TEST_DIR/altered.rpm" bs=1 conv=notrunc status=none \
		seek=$(($(stat -c %s "$file") - 100))
	rpm_in "$host" -K "$TEST_DIR/altered.rpm" >"$TEST_DIR/out" 2>&1
	assertNotEquals 'altered' 0 $?
}

test_dnf_and_zypper_check_the_signature()
{
	local tool host

	given_signed
	export GPGCHECK=1 GPGKEY=$TEST_DIR/site.asc
	for tool in dnf zypper; do
		host=$TEST_DIR/checked-$tool
		mkdir -p "$host"
		"with_$tool" "$host" "$repo" install $plugin \
			>"$TEST_DIR/out" 2>&1 </dev/null
		assertNotEquals "$tool, unsigned" 0 $?
		must rpm_in "$host" --import "$GPGKEY"
		must "with_$tool" "$host" "$signed" install $plugin
		assertEquals "$tool" $plugin \
			"$(rpm_in "$host" -q --qf '%{name}' $plugin)"
	done
	unset GPGCHECK GPGKEY
}

test_a_key_that_is_not_there_builds_nothing()
{
	build "$TEST_DIR/unsigned" RPM_KEY=nobody@example.com -- $plugin
	assert_rc 1
	assert_err "cannot sign with key 'nobody@example.com'"
	assertFalse 'no RPM' "[ -e '$TEST_DIR/unsigned' ]"
}

test_a_key_that_sles_15_does_not_know_is_warned_about()
{
	must gpg --batch --passphrase '' --quick-gen-key \
		'New <new@example.com>' ed25519 sign never
	build "$TEST_DIR/new" RPM_KEY=new@example.com -- $plugin
	assert_rc 0
	assert_err "'new@example.com' is no RSA key"
}

# --- what others make of them -----------------------------------------------

test_rpmlint_has_no_objection()
{
	local config=$root/specs/rpmlint.toml

	# Only the program of a release is stripped and static.
	if [ "$O" != build ]; then
		sed 's|^Filters = \[|&"/usr/bin/dws-csm$",|' "$config" \
			>"$TEST_DIR/rpmlint.toml"
		config=$TEST_DIR/rpmlint.toml
	fi
	must rpmlint --config "$config" "$program_rpm" "$plugin_rpm" \
		"$root"/specs/*.spec
	assertContains 'all were looked at' "$(<"$TEST_DIR/must")" \
		'2 packages and 3 specfiles checked; 0 errors, 0 warnings'
}

test_a_bundle_carries_them()
{
	local bundle=$TEST_DIR/with-rpms.bundle file

	given_inputs "$inputs"
	given_key "$key"
	run_dws bundle create "$bundle" --key "$key.pem" --from "oci:$inputs/oci" \
		--rpm "$program_rpm" --rpm "$plugin_rpm"
	assert_rc 0
	run_dws bundle inspect "$bundle" --trust "$key.pub"
	assert_rc 0
	for file in "$program_rpm" "$plugin_rpm"; do
		assert_out "${file##*/}"
		tar -xOf "$bundle" "rpms/${file##*/}" | cmp - "$file"
		assertEquals "$file" 0 $?
	done
}

# shellcheck disable=SC1091 # Debian's
. shunit2

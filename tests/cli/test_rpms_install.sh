#!/bin/bash
# Our RPMs through the life of a host, by real zypper and dnf: what comes, what
# an upgrade keeps, what a removal leaves.
# servers: none

# There need be no cluster.
: "${KUBECTL:=true}"
# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/cli/rpms.sh
. "$root/tests/cli/rpms.sh"

plugin='dws-slurm-bb-plugin'

oneTimeSetUp()
{
	repo=$(rpms_built) || exit 1
	upstream=$TEST_DIR/upstream
	mkdir -p "$upstream"
	echo '-- of upstream' >"$upstream/burst_buffer.lua"
	echo 'Directive=DW' >"$upstream/burst_buffer.conf"
	newer=$TEST_DIR/newer
	must newer_tree
	must distribution
}

# A package that is there on any host, with folders that belong to it.
distribution()
{
	cat >"$TEST_DIR/filesystem.spec" <<-'SPEC'
	Name: filesystem
	Version: 1
	Release: 1
	Summary: Folders
	License: Apache-2.0
	BuildArch: noarch
	%description
	Folders.
	%install
	mkdir -p %{buildroot}/etc %{buildroot}/usr/bin %{buildroot}/usr/share/doc \
		%{buildroot}/usr/share/licenses %{buildroot}/usr/share/man/man8
	%files
	%dir /etc
	%dir /usr/bin
	%dir /usr/share/doc
	%dir /usr/share/licenses
	%dir /usr/share/man/man8
	SPEC
	rpmbuild -bb --define "_topdir $TEST_DIR/rpmbuild" \
		--define "_rpmdir $TEST_DIR" --define '_build_name_fmt %{name}.rpm' \
		"$TEST_DIR/filesystem.spec"
}

# A repository with the next release, whose files are all different, and with
# upstream's plugin.
newer_tree()
{
	local tree=$TEST_DIR/tree file

	mkdir -p "$tree" &&
		cp -R "$root"/{LICENSE,README.md,CHANGES.md,VERSION} \
			"$root"/{docs,hooks,payload,scripts,specs} "$tree" || return
	for file in "$tree"/payload/slurm/*.conf "$tree/specs/config.yaml"; do
		echo '# newer' >>"$file"
	done
	echo '-- newer' >>"$tree/payload/slurm/burst_buffer.lua"
	RPM_VERSION=99.1 BBPLUGIN_SRC=$upstream BBPLUGIN_VERSION=0.0.5 \
		SOURCE_DATE_EPOCH=1900000000 "$tree/scripts/rpms.sh" \
		"$DWS_CSM" "$newer" dws-csm $plugin $plugin-upstream &&
		index_rpms "$newer"
}

setUp()
{
	host=$(mktemp -d "$TEST_DIR/host.XXXXXX")
	etc=$host/etc/slurm
	must rpm_in "$host" -i "$TEST_DIR/filesystem.rpm"
}

tearDown()
{
	[ -z "${host:-}" ] || rm -rf "$host"
}

# by TOOL ARG...: zypper or dnf on $host, with $repo.
by()
{
	must "with_$1" "$host" "$repo" "${@:2}"
}

# What is on the host, but for what rpm, dnf and zypper keep for themselves,
# and for the folders of the distribution.
left()
{
	(cd "$host" && find . -type f -o -type l -o -type d -empty) |
		grep -vE '^\./(var|run|root|etc/(zypp|dnf)|usr/lib/sysimage)(/|$)' |
		sed 's/^\.//' | grep -vxF "$(rpm_in "$host" -ql filesystem)" | sort
}

# Lines of `rpm -V`, none where all is as it was installed.
verified()
{
	rpm_in "$host" -V "$@" 2>&1
}

edit()
{
	local file

	for file; do
		echo '# ours' >>"$file"
	done
}

credential()
{
	mkdir -p "$etc"
	(umask 077 && echo secret >"$etc/slurm-dws.kubeconfig")
}

# assert_credential FILE: as it was made.
assert_credential()
{
	assertEquals 'the credential' secret "$(cat "$1" 2>&1)"
	assertEquals 'its mode' 600 "$(stat -c %a "$1" 2>&1)"
}

# --- a life, by each tool ---------------------------------------------------

installs_plugin_with_what_it_recommends()
{
	by "$1" install $plugin
	assertEquals 'installed' "dws-csm
$plugin" "$(rpm_in "$host" -qa --qf '%{name}\n' | grep dws |
		sort)"
	assertTrue 'same bytes' "cmp '$DWS_CSM' '$host/usr/bin/dws-csm'"
	assertEquals 'mode' 755 "$(stat -c %a "$host/usr/bin/dws-csm")"
	for file in "$root"/payload/slurm/*burst[_-]buffer.*; do
		assertTrue "${file##*/}" "cmp '$file' '$etc/${file##*/}'"
		assertEquals "mode of ${file##*/}" 644 \
			"$(stat -c %a "$etc/${file##*/}")"
	done
	assertFalse 'a credential is packaged' \
		"[ -e '$etc/slurm-dws.kubeconfig' ]"
	assertEquals 'rpm -V' '' "$(verified $plugin dws-csm)"
}

upgrades_keep_edits()
{
	by "$1" install $plugin
	credential
	edit "$etc"/*burst[_-]buffer.* "$host/etc/dws-csm/config.yaml"
	cp "$etc/burst_buffer.lua" "$TEST_DIR/edited.lua"
	echo key >"$host/etc/dws-csm/trust.d/site.pub"
	repo=$newer by "$1" "$2"
	assertEquals 'versions' '99.1 99.1 ' \
		"$(rpm_in "$host" -q --qf '%{version} ' dws-csm $plugin)"
	for file in "$etc"/{burst_buffer,dws-burst-buffer}.conf \
		"$host/etc/dws-csm/config.yaml"; do
		assertEquals "$file" '# ours' "$(tail -n 1 "$file")"
		assertEquals "$file.rpmnew" '# newer' \
			"$(tail -n 1 "$file.rpmnew")"
	done
	# A plugin of another release than the rest would not be right.
	assertEquals '-- newer' "$(tail -n 1 "$etc/burst_buffer.lua")"
	assertTrue 'the edited plugin' \
		"cmp '$TEST_DIR/edited.lua' '$etc/burst_buffer.lua.rpmsave'"
	assert_credential "$etc/slurm-dws.kubeconfig"
	assertEquals key "$(<"$host/etc/dws-csm/trust.d/site.pub")"
}

upgrades_replace_what_was_not_edited()
{
	by "$1" install $plugin
	repo=$newer by "$1" "$2"
	assertEquals '# newer' "$(tail -n 1 "$etc/dws-burst-buffer.conf")"
	assertEquals '' "$(left | grep -E 'rpm(new|save|orig)')"
	assertEquals 'rpm -V' '' "$(verified $plugin dws-csm)"
}

removal_leaves_nothing_but_edits()
{
	by "$1" install $plugin
	by "$1" remove $plugin dws-csm
	assertEquals 'without edits' '' "$(left)"
	by "$1" install $plugin
	credential
	edit "$etc"/*burst[_-]buffer.* "$host/etc/dws-csm/config.yaml"
	by "$1" remove $plugin dws-csm
	assertEquals 'with edits' '/etc/dws-csm/config.yaml.rpmsave
/etc/slurm/burst_buffer.conf.rpmsave
/etc/slurm/burst_buffer.lua.rpmsave
/etc/slurm/dws-burst-buffer.conf.rpmsave
/etc/slurm/slurm-dws.kubeconfig' "$(left)"
	# Never renamed: the next installation finds it.
	assert_credential "$etc/slurm-dws.kubeconfig"
}

takes_a_host_as_it_is()
{
	credential
	chmod 0750 "$etc"
	chown 12:34 "$etc"
	echo 'Directive=BB' >"$etc/burst_buffer.conf"
	echo '-- another' >"$etc/burst_buffer.lua"
	by "$1" install $plugin
	assert_credential "$etc/slurm-dws.kubeconfig"
	assertEquals '/etc/slurm' '750 12 34' "$(stat -c '%a %u %g' "$etc")"
	assertEquals 'Directive=BB' "$(<"$etc/burst_buffer.conf")"
	assertTrue 'ours beside it' "[ -e '$etc/burst_buffer.conf.rpmnew' ]"
	assertTrue 'the plugin is ours' \
		"cmp '$root/payload/slurm/burst_buffer.lua' '$etc/burst_buffer.lua'"
	assertEquals '-- another' "$(<"$etc/burst_buffer.lua.rpmorig")"
	assertEquals 'rpm -V' '' "$(verified $plugin |
		grep -v ' /etc/slurm/burst_buffer.conf$')"
}

changes_to_upstreams_plugin_and_back()
{
	by "$1" install $plugin
	credential
	must_not "with_$1" "$host" "$newer" install $plugin-upstream
	assertEquals 'still ours' $plugin "$(rpm_in "$host" -qa \
		--qf '%{name}\n' | grep -x "$plugin.*")"
	# shellcheck disable=SC2086 # words
	repo=$newer by "$1" $2 $plugin-upstream
	assertEquals "0.0.5 1.upstream" "$(rpm_in "$host" -q \
		--qf '%{version} %{release}' $plugin-upstream)"
	assertEquals '-- of upstream' "$(<"$etc/burst_buffer.lua")"
	assert_credential "$etc/slurm-dws.kubeconfig"
	assertEquals 'rpm -V' '' "$(verified $plugin-upstream)"
	# shellcheck disable=SC2086
	by "$1" $2 $plugin
	assertTrue 'ours again' \
		"cmp '$root/payload/slurm/burst_buffer.lua' '$etc/burst_buffer.lua'"
	assert_credential "$etc/slurm-dws.kubeconfig"
}

must_not()
{
	"$@" >"$TEST_DIR/must" 2>&1 && fail "$* succeeded: $(<"$TEST_DIR/must")"
}

test_dnf_installs()
{
	installs_plugin_with_what_it_recommends dnf
}

test_zypper_installs()
{
	installs_plugin_with_what_it_recommends zypper
}

test_dnf_upgrade_keeps_edits()
{
	upgrades_keep_edits dnf upgrade
}

test_zypper_update_keeps_edits()
{
	upgrades_keep_edits zypper update
}

test_dnf_upgrade_replaces_what_was_not_edited()
{
	upgrades_replace_what_was_not_edited dnf upgrade
}

test_zypper_update_replaces_what_was_not_edited()
{
	upgrades_replace_what_was_not_edited zypper update
}

test_dnf_remove_leaves_nothing_but_edits()
{
	removal_leaves_nothing_but_edits dnf
}

test_zypper_remove_leaves_nothing_but_edits()
{
	removal_leaves_nothing_but_edits zypper
}

test_dnf_takes_a_host_as_it_is()
{
	takes_a_host_as_it_is dnf
}

test_zypper_takes_a_host_as_it_is()
{
	takes_a_host_as_it_is zypper
}

test_dnf_changes_to_upstreams_plugin_and_back()
{
	changes_to_upstreams_plugin_and_back dnf '--allowerasing install'
}

test_zypper_changes_to_upstreams_plugin_and_back()
{
	changes_to_upstreams_plugin_and_back zypper \
		'install --force-resolution'
}

# --- what rpm is told of -----------------------------------------------------

test_verify_tells_of_what_was_changed()
{
	by dnf install $plugin
	edit "$etc/burst_buffer.lua"
	credential
	assertContains 'of the plugin' "$(verified $plugin)" \
		'/etc/slurm/burst_buffer.lua'
	assertNotContains 'whoever is SlurmUser' "$(verified $plugin)" kubeconfig
	chmod 0644 "$etc/slurm-dws.kubeconfig"
	assertContains 'readable by all' "$(verified $plugin)" \
		'/etc/slurm/slurm-dws.kubeconfig'
}

test_the_configuration_that_comes_along_changes_nothing()
{
	by dnf install dws-csm
	assertFalse 'the plugin' "[ -e '$etc' ]"
	"$DWS_CSM" plan --help >/dev/null
	DWS_CSM_CONFIG=$host/etc/dws-csm/config.yaml run_dws manifests
	assert_rc 0
	"$DWS_CSM" manifests >"$TEST_DIR/manifests"
	assertTrue 'the same manifests' \
		"cmp '$TEST_DIR/manifests' '$TEST_DIR/out'"
	# Each example in it is a setting.
	sed -n 's/^# \([a-z-]*: \)/\1/p' "$host/etc/dws-csm/config.yaml" \
		>"$TEST_DIR/config.yaml"
	assertTrue 'examples' "[ $(wc -l <"$TEST_DIR/config.yaml") -ge 3 ]"
	DWS_CSM_CONFIG=$TEST_DIR/config.yaml run_dws manifests
	assert_rc 0
}

test_the_man_pages_are_readable()
{
	local page

	by dnf install dws-csm
	page=$host/usr/share/man/man8/dws-csm-install.8.gz
	# The first line has the time of the build.
	zcat "$page" | tail -n +2 >"$TEST_DIR/page"
	"$DWS_CSM" help --man install | tail -n +2 >"$TEST_DIR/wanted"
	assertTrue 'a page' "cmp '$TEST_DIR/wanted' '$TEST_DIR/page'"
}

# shellcheck disable=SC1091 # Debian's
. shunit2

# shellcheck shell=bash
# rpms.sh: our RPMs, and roots that real package managers put them into. Nothing
# but our own repositories is known there.
#
#   rpms_built             builds the RPMs of $DWS_CSM, once in a sandbox, and
#                          prints the folder, which is a repository, too
#   build_rpms DIR [VARIABLE=VALUE...] [-- NAME...]   builds them, or those of
#                          NAME, into DIR by scripts/rpms.sh
#   index_rpms DIR         makes DIR a repository
#   install_rpms_into ROOT dnf|zypper [PACKAGE]   installs dws-slurm-bb-plugin,
#                          or PACKAGE, with what it recommends
#   with_dnf ROOT REPO ARG..., with_zypper ROOT REPO ARG...   run these with ROOT
#                          and the repository in the folder REPO alone
#   rpm_in ROOT ARG...     rpm with the data base of ROOT
#   rpm_db_of ROOT         the folder that this is in

# A commit in the middle of a test changes nothing.
rpms_time=1700000000
rpm_tree=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

build_rpms()
{
	local dir=$1 variables=()

	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		variables+=("$1")
		shift
	done
	env SOURCE_DATE_EPOCH=$rpms_time "${variables[@]}" "$rpm_tree/scripts/rpms.sh" "$DWS_CSM" "$dir" \
		"${@:2}"
}

index_rpms()
{
	SOURCE_DATE_EPOCH=$rpms_time "$rpm_tree/scripts/repo.sh" "$1" "$1"
}

rpms_built()
{
	local dir=$T/rpms

	# Its name is taken when all is there.
	[ -d "$dir" ] || {
		rm -rf "$dir.new"
		{ build_rpms "$dir.new" && index_rpms "$dir.new" &&
			mv "$dir.new" "$dir"; } >"$T/rpms.log" 2>&1 || {
			cat "$T/rpms.log" >&2
			return 1
		}
	}
	echo "$dir"
}

with_dnf()
{
	local where=$1 repo=$2

	shift 2
	mkdir -p "$where"
	# A name and an id that change with the repository, or dnf would take
	# what it remembers of another one.
	dnf -y --installroot="$(realpath "$where")" --releasever=1 \
		--setopt=reposdir=/nonexistent --disablerepo='*' \
		--repofrompath="$(basename "$repo"),file://$(realpath "$repo")" \
		--setopt="$(basename "$repo").gpgcheck=${GPGCHECK:-0}" \
		${GPGKEY:+"--setopt=$(basename "$repo").gpgkey=file://$GPGKEY"} "$@"
}

with_zypper()
{
	local where=$1 repo=$2

	shift 2
	mkdir -p "$where/etc/zypp/repos.d"
	rm -f "$where"/etc/zypp/repos.d/*
	cat >"$where/etc/zypp/repos.d/dws.repo" <<-REPO
	[dws]
	name=dws
	enabled=1
	autorefresh=1
	baseurl=file://$(realpath "$repo")
	type=rpm-md
	gpgcheck=${GPGCHECK:-0}
	${GPGKEY:+gpgkey=file://$GPGKEY}
	REPO
	zypper --root "$(realpath "$where")" --non-interactive "$@"
}

install_rpms_into()
{
	local repo

	repo=$(rpms_built) || return 1
	"with_$2" "$1" "$repo" install "${3:-dws-slurm-bb-plugin}"
}

rpm_in()
{
	local where=$1

	shift
	rpm --root "$(realpath "$where")" "$@"
}

# Debian's rpm has it in the home directory, others in /var/lib/rpm.
rpm_db_of()
{
	echo "$1$(rpm --eval %_dbpath)"
}

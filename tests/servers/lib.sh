# shellcheck shell=bash
# lib.sh: start and stop the real servers of the tests.  Source it (bash)
# inside ./sandbox, call servers_init, then for each wanted one
#
#     server_start WHAT [ARG...]
#
#   control-plane           see control-plane.sh
#   site, source            registries, see registry.sh
#   registry, fault         any other registry, a fault proxy, see there
#   nodes [N [ARG...]]      N stand-in nodes, see nodes.py; control file
#                           $T/nodes/mode
#   real-nodes [N]          N real nodes, see node.sh
#   webhook                 see webhook.py; control file $T/webhook/mode
#   certmanager VERSIONS    see certmanager.py
#   nexus                   Secret nexus/nexus-admin-credential with the
#                           site registry's user and password
#
# server_stop NAME ends one, servers_stop all, in reverse order.  ./up does
# what most tests want.
#
# Layout of $T:
#   env              export NAME=value lines of everything started
#   run/NAME.pid     one per server; run/order lists them as started
#   log/NAME.log     its output
#   tls/             the test CA of registries: ca.crt, ca.key, NAME.crt/.key
#   pki/             the cluster's CA and certificates
#
# Waits end after SERVER_DEADLINE seconds (default 120) with the server's last
# log lines on stderr.

servers_dir=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
: "${SERVER_DEADLINE:=120}"

server_fail()
{
	echo "servers: $*" >&2
	return 1
}

# servers_init: makes the layout in $T; may be called again.
servers_init()
{
	[ -n "${DWS_CSM_SANDBOX:-}" ] ||
		server_fail "run this inside tests/servers/sandbox" || return
	[ -d "${T:-}" ] || server_fail "T names no directory" || return
	mkdir -p "$T/run" "$T/log" "$T/tls" "$T/pki"
	touch "$T/env" "$T/run/order"
	[ -s "$T/tls/ca.crt" ] ||
		make_ca "$T/tls/ca" "dws-csm test registry CA" || return
	server_env T "$T"
	server_env REGISTRY_CA "$T/tls/ca.crt"
}

# server_env NAME VALUE: records a variable in $T/env and sets it.
server_env()
{
	export "$1=$2"
	[ ! -e "$T/env" ] || sed -i "/^export $1=/d" "$T/env"
	printf 'export %s=%q\n' "$1" "$2" >>"$T/env"
}

# --- certificates -------------------------------------------------------

# make_ca PATH NAME: a self-signed authority in PATH.crt and PATH.key.
make_ca()
{
	(umask 077 && openssl req -x509 -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 \
		-subj "/CN=$2" -keyout "$1.key" -out "$1.crt" \
		-addext keyUsage=critical,digitalSignature,keyCertSign,cRLSign \
		2>"$1.log") && chmod 0644 "$1.crt" && rm -f "$1.log"
}

# make_cert PATH CA SUBJECT USAGE [SUBJECT-ALT-NAME]: PATH.crt and PATH.key,
# signed by CA.crt.  USAGE is serverAuth, clientAuth or both.
make_cert()
{
	(umask 077 && openssl req -new -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
		-subj "$3" -keyout "$1.key" -out "$1.csr" 2>"$1.log")
	cat >"$1.ext" <<-END
	keyUsage = critical, digitalSignature, keyEncipherment
	extendedKeyUsage = $4
	basicConstraints = critical, CA:FALSE
	${5:+subjectAltName = $5}
	END
	openssl x509 -req -sha256 -days 3650 -in "$1.csr" -CA "$2.crt" \
		-CAkey "$2.key" -extfile "$1.ext" -out "$1.crt" \
		-set_serial "0x$(openssl rand -hex 12)" 2>>"$1.log" ||
		server_fail "cannot sign '$1.crt': $(tail -n 1 "$1.log")" ||
		return
	rm -f "$1.csr" "$1.ext" "$1.log"
}

# server_cert NAME HOST...: a serving certificate of the test CA in
# $T/tls/NAME.crt and .key, for these host names and 127.0.0.1; kept.
server_cert()
{
	local name=$1 host list=IP:127.0.0.1

	shift
	[ ! -s "$T/tls/$name.crt" ] || return 0
	for host; do
		list+=,DNS:$host
	done
	make_cert "$T/tls/$name" "$T/tls/ca" "/CN=$name" serverAuth "$list"
}

# --- processes ----------------------------------------------------------

# server_run NAME CMD...: starts CMD in the background as server NAME.
server_run()
{
	local name=$1

	shift
	! server_alive "$name" ||
		server_fail "server '$name' runs already" || return
	setsid "$@" >>"$T/log/$name.log" 2>&1 </dev/null 3>&- &
	echo "$!" >"$T/run/$name.pid"
	echo "$name" >>"$T/run/order"
	disown "$!"
}

# server_alive NAME: true while its process is there and no zombie.
server_alive()
{
	local pid

	# A plain `return` would mean something else in a trap's handler.
	[ -s "$T/run/$1.pid" ] || return 1
	read -r pid <"$T/run/$1.pid"
	[ -e "/proc/$pid/stat" ] &&
		! grep -q '^State:[[:space:]]*[ZX]' "/proc/$pid/status" 2>/dev/null
}

# wait_for WHAT NAME CMD...: runs CMD each 0.1 s until it succeeds; fails
# with NAME's last log lines when NAME has ended or the deadline is over.
wait_for()
{
	local what=$1 name=$2 end=$((SECONDS + SERVER_DEADLINE))

	shift 2
	until "$@" >/dev/null 2>&1; do
		if ! server_alive "$name"; then
			what+=": '$name' has ended"
		elif [ "$SECONDS" -lt "$end" ]; then
			sleep 0.1
			continue
		fi
		tail -n 8 "$T/log/$name.log" >&2
		server_fail "waited in vain for $what"
		return
	done
}

# server_stop NAME: SIGTERM, after 10 s SIGKILL; removes it from the list.
server_stop()
{
	local pid n=0

	[ -s "$T/run/$1.pid" ] || return 0
	read -r pid <"$T/run/$1.pid"
	if server_alive "$1"; then
		kill "$pid"
		while server_alive "$1"; do
			sleep 0.05
			n=$((n + 1))
			[ "$n" != 200 ] || kill -KILL "$pid"
		done
	fi
	rm -f "$T/run/$1.pid"
	sed -i "/^$1\$/d" "$T/run/order"
}

# servers_stop: all of them, the last one first.
servers_stop()
{
	local name

	[ -e "$T/run/order" ] || return 0
	tac "$T/run/order" >"$T/run/stopping"
	while read -r name; do
		server_stop "$name"
	done <"$T/run/stopping"
	rm -f "$T/run/stopping"
}

# port_open PORT [ADDRESS]: somebody listens there.
port_open()
{
	(exec 3<>"/dev/tcp/${2:-127.0.0.1}/$1") 2>/dev/null
}

# free_port: prints a port of 127.0.0.1 that nobody has.
free_port()
{
	/usr/bin/python3 -c 'import socket; s = socket.socket()
s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# --- what there is ------------------------------------------------------

nodes_start()
{
	local count=${1:-3}

	[ $# -eq 0 ] || shift
	mkdir -p "$T/nodes"
	NODES_REGISTRY_AUTH=${REGISTRY_USER:-}:${REGISTRY_PASSWORD:-} \
		server_run nodes "$servers_dir/nodes.py" --pki "$T/pki" \
		--nodes "$count" --control "$T/nodes/mode" \
		${REGISTRY:+--registry "$REGISTRY" --registry-ca "$T/tls/ca.crt"} \
		"$@" &&
		wait_for "node-$((count - 1))" nodes \
			kube_get "/api/v1/nodes/node-$((count - 1))" &&
		server_env NODES_MODE "$T/nodes/mode"
}

webhook_start()
{
	mkdir -p "$T/webhook"
	server_run webhook "$servers_dir/webhook.py" --pki "$T/pki" \
		--control "$T/webhook/mode" &&
		server_env WEBHOOK_MODE "$T/webhook/mode"
}

certmanager_start()
{
	local latest=${1##*,}

	server_run certmanager "$servers_dir/certmanager.py" --pki "$T/pki" \
		--versions "$1" &&
		wait_for "cert-manager's CRDs" certmanager \
			kube_get "/apis/cert-manager.io/$latest/certificates"
}

nexus_secret()
{
	"$KUBECTL" apply -f - >/dev/null <<-END
	apiVersion: v1
	kind: Namespace
	metadata: {name: nexus}
	---
	apiVersion: v1
	kind: Secret
	metadata: {name: nexus-admin-credential, namespace: nexus}
	stringData: {username: "$REGISTRY_USER", password: "$REGISTRY_PASSWORD"}
	END
}

server_start()
{
	local what=$1

	shift
	case $what in
	control-plane) control_plane_start "$@" ;;
	site) registry_site "$@" ;;
	source) registry_source "$@" ;;
	registry) registry_start "$@" ;;
	fault) fault_proxy "$@" ;;
	nodes) nodes_start "$@" ;;
	real-nodes) real_nodes_start "$@" ;;
	webhook) webhook_start "$@" ;;
	certmanager) certmanager_start "$@" ;;
	nexus) nexus_secret "$@" ;;
	*) server_fail "there is no server '$what'" ;;
	esac
}

# shellcheck source=control-plane.sh
. "$servers_dir/control-plane.sh"
# shellcheck source=registry.sh
. "$servers_dir/registry.sh"
# shellcheck source=node.sh
. "$servers_dir/node.sh"

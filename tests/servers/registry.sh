# shellcheck shell=bash disable=SC2154 # lib.sh sets servers_dir
# registry.sh: Debian's docker-registry (distribution 2.8) over TLS, with
# certificates of the test CA ($REGISTRY_CA).  lib.sh sources it.
#
#   registry_site     registry.local:443, user and password: the site's
#   registry_source   source.test:5443, bearer tokens from tokenserver.py on 5444
#   registry_start NAME HOST PORT AUTH [OPTION...]   any other
#       AUTH     htpasswd ($REGISTRY_USER, $REGISTRY_PASSWORD), token, none
#       OPTION   readonly        refuses every write
#                storage=NAME    shares the storage of registry NAME
#
# They set REGISTRY, REGISTRY_USER, REGISTRY_PASSWORD, REGISTRY_AUTHFILE (an
# auth.json for skopeo --authfile), SOURCE_REGISTRY, SOURCE_TOKEN_CONTROL.
# Storage: $T/registry/NAME.  Configuration: $T/registry/NAME.yml.

: "${SOURCE_PORT:=5443}" "${TOKEN_PORT:=5444}"

# The site's credentials, made once.
registry_credentials()
{
	[ -z "${REGISTRY_PASSWORD:-}" ] || return 0
	server_env REGISTRY_USER admin
	server_env REGISTRY_PASSWORD "$(openssl rand -hex 12)"
	mkdir -p "$T/registry"
	printf '%s' "$REGISTRY_PASSWORD" |
		htpasswd -iBn -C 4 "$REGISTRY_USER" >"$T/registry/htpasswd" ||
		return
	server_env REGISTRY_AUTHFILE "$T/registry/auth.json"
	registry_login registry.local
}

# registry_login HOST...: adds the site's credentials for these hosts to
# $REGISTRY_AUTHFILE.
registry_login()
{
	local host secret

	[ -s "$REGISTRY_AUTHFILE" ] || echo '{}' >"$REGISTRY_AUTHFILE"
	secret=$(printf '%s:%s' "$REGISTRY_USER" "$REGISTRY_PASSWORD" | base64 -w 0)
	for host; do
		jq --arg host "$host" --arg auth "$secret" \
			'.auths[$host].auth = $auth' "$REGISTRY_AUTHFILE" \
			>"$REGISTRY_AUTHFILE.new" &&
			mv "$REGISTRY_AUTHFILE.new" "$REGISTRY_AUTHFILE" || return
	done
}

registry_auth_config()
{
	case $1 in
	htpasswd)
		cat <<-END
		auth:
		  htpasswd: {realm: site, path: $T/registry/htpasswd}
		END
		;;
	token)
		cat <<-END
		auth:
		  token:
		    realm: https://source.test:$TOKEN_PORT/token
		    service: source.test
		    issuer: token.test
		    rootcertbundle: $T/tls/token.crt
		END
		;;
	esac
}

# registry_config NAME PORT AUTH STORAGE READONLY
registry_config()
{
	cat <<-END
	version: 0.1
	log: {level: info, accesslog: {disabled: false}}
	storage:
	  filesystem: {rootdirectory: $T/registry/$4, maxthreads: 100}
	  delete: {enabled: true}
	  maintenance:
	    uploadpurging: {enabled: false}
	    readonly: {enabled: $5}
	http:
	  addr: 127.0.0.1:$2
	  secret: test
	  tls: {certificate: $T/tls/$1.crt, key: $T/tls/$1.key}
	END
	registry_auth_config "$3"
}

registry_start()
{
	local name=$1 host=$2 port=$3 auth=$4 storage=$1 readonly=false option

	shift 4
	for option; do
		case $option in
		readonly) readonly=true ;;
		storage=*) storage=${option#*=} ;;
		*) server_fail "registry option '$option'" || return ;;
		esac
	done
	mkdir -p "$T/registry/$storage"
	registry_credentials && server_cert "$name" "$host" localhost || return
	registry_config "$name" "$port" "$auth" "$storage" "$readonly" \
		>"$T/registry/$name.yml"
	[ "$auth" != htpasswd ] || [ "$port" = 443 ] ||
		registry_login "$host:$port" || return
	server_run "$name" docker-registry serve "$T/registry/$name.yml" &&
		wait_for "registry '$name'" "$name" port_open "$port"
}

registry_site()
{
	registry_start site registry.local 443 htpasswd &&
		server_env REGISTRY registry.local
}

registry_source()
{
	registry_credentials && server_cert token source.test || return
	mkdir -p "$T/token"
	server_env SOURCE_TOKEN_CONTROL "$T/token/control.json"
	TOKEN_AUTH=$REGISTRY_USER:$REGISTRY_PASSWORD \
		server_run token "$servers_dir/tokenserver.py" --port "$TOKEN_PORT" \
		--cert "$T/tls/token.crt" --key "$T/tls/token.key" \
		--log "$T/log/token.jsonl" --control "$SOURCE_TOKEN_CONTROL" &&
		wait_for "the token server" token port_open "$TOKEN_PORT" &&
		registry_start source source.test "$SOURCE_PORT" token &&
		registry_login "source.test:$SOURCE_PORT" &&
		server_env SOURCE_REGISTRY "source.test:$SOURCE_PORT"
}

# fault_proxy NAME HOST PORT UPSTREAM-URL [CA [CLIENT]]: the fault proxy as
# https://HOST:PORT before another server, to which it shows the certificate
# CLIENT.crt with CLIENT.key; with FAULT_KEEPER=1 it keeps uploads.  Rules: $T/fault/NAME.json (none at
# first; write them with fault_rules), requests: $T/log/NAME.jsonl.
fault_proxy()
{
	mkdir -p "$T/fault"
	server_cert "$1" "$2" localhost || return
	server_run "$1" "$servers_dir/faultproxy.py" --listen "$3" \
		--cert "$T/tls/$1.crt" --key "$T/tls/$1.key" \
		--upstream "$4" --upstream-ca "${5:-$T/tls/ca.crt}" \
		${6:+--upstream-cert "$6.crt" --upstream-key "$6.key"} \
		${FAULT_KEEPER:+--keeper} \
		--rules "$T/fault/$1.json" --log "$T/log/$1.jsonl" &&
		wait_for "fault proxy '$1'" "$1" port_open "$3"
}

# fault_rules NAME JSON: replaces the rules and empties the request log.
fault_rules()
{
	: >"$T/log/$1.jsonl"
	printf '%s\n' "$2" >"$T/fault/$1.new"
	mv "$T/fault/$1.new" "$T/fault/$1.json"
}

# fault_count NAME FILTER: how many logged requests a jq filter selects, such
# as '.method == "PUT" and .status == 201'.
fault_count()
{
	jq -n "[inputs | select($2)] | length" "$T/log/$1.jsonl"
}

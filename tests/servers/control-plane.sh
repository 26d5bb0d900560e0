# shellcheck shell=bash
# control-plane.sh: etcd, kube-apiserver, kube-controller-manager and
# kube-scheduler on 127.0.0.1.  lib.sh sources it.
#
#   control_plane_start    starts them (5 to 10 s)
#
# It sets: KUBE_BIN (the programs), KUBECTL, KUBECONFIG (=$T/admin.conf, as
# on a CSM master: context kubernetes-admin@kubernetes), KUBE_SERVER,
# KUBE_CA.  Other kubeconfig files in $T:
#   token.conf     a bearer token in group system:masters
#   limited.conf   a bearer token of the user `limited`, who may do nothing
#                  but discovery, until a test grants more
# Environment: APISERVER_FLAGS adds to the API server's flags.

kube_services=10.96.0.0/16
kube_port=6443

# kubeconfig FILE USER USER-FIELDS: one cluster, one user, one context.
kubeconfig()
{
	(umask 077 && cat >"$1") <<-END
	apiVersion: v1
	kind: Config
	clusters:
	- name: kubernetes
	  cluster:
	    server: $KUBE_SERVER
	    certificate-authority-data: $(base64 -w 0 "$T/pki/ca.crt")
	users:
	- name: $2
	  user: {$3}
	contexts:
	- name: $2@kubernetes
	  context: {cluster: kubernetes, user: $2}
	current-context: $2@kubernetes
	END
}

# kubeconfig_cert FILE USER CERT: with a client certificate in $T/pki.
kubeconfig_cert()
{
	kubeconfig "$1" "$2" "client-certificate-data: $(
		base64 -w 0 "$T/pki/$3.crt"), client-key-data: $(
		base64 -w 0 "$T/pki/$3.key")"
}

control_plane_pki()
{
	local p=$T/pki names='' name token limited

	for name in kubernetes kubernetes.default kubernetes.default.svc \
		kubernetes.default.svc.cluster.local localhost; do
		names+=DNS:$name,
	done
	make_ca "$p/ca" kubernetes &&
		make_ca "$p/front-proxy-ca" front-proxy-ca &&
		make_cert "$p/apiserver" "$p/ca" /CN=kube-apiserver serverAuth \
			"${names}IP:127.0.0.1,IP:192.0.2.10,IP:10.96.0.1" &&
		make_cert "$p/admin" "$p/ca" \
			/O=system:masters/CN=kubernetes-admin clientAuth &&
		make_cert "$p/kubelet-client" "$p/ca" \
			/O=system:masters/CN=kube-apiserver-kubelet-client \
			clientAuth &&
		make_cert "$p/controller-manager" "$p/ca" \
			/CN=system:kube-controller-manager clientAuth &&
		make_cert "$p/scheduler" "$p/ca" \
			/CN=system:kube-scheduler clientAuth &&
		make_cert "$p/front-proxy" "$p/front-proxy-ca" \
			/CN=front-proxy-client clientAuth || return
	(umask 077 && openssl ecparam -name prime256v1 -genkey -noout \
		-out "$p/sa.key") || return
	openssl ec -in "$p/sa.key" -pubout -out "$p/sa.pub" 2>/dev/null || return
	token=$(openssl rand -hex 16)
	limited=$(openssl rand -hex 16)
	(umask 077 && cat >"$p/tokens.csv") <<-END
	$token,token-admin,1,"system:masters"
	$limited,limited,2
	END
	kubeconfig_cert "$T/admin.conf" kubernetes-admin admin
	kubeconfig_cert "$T/controller-manager.conf" controllers controller-manager
	kubeconfig_cert "$T/scheduler.conf" scheduler scheduler
	kubeconfig "$T/token.conf" token-admin "token: $token"
	kubeconfig "$T/limited.conf" limited "token: $limited"
}

# kube_get PATH: what the API server answers to the administrator.
kube_get()
{
	curl -sS --fail --max-time 5 --cacert "$T/pki/ca.crt" \
		--cert "$T/pki/admin.crt" --key "$T/pki/admin.key" \
		"$KUBE_SERVER$1"
}

# The flag that closes the plain port, where there still is one (< 1.24).
no_plain_port()
{
	local help

	# See remote_runtime in node.sh.
	help=$("$1" --help 2>&1)
	[[ $help != *' --port int'* ]] || echo --port=0
}

etcd_start()
{
	server_run etcd "$KUBE_BIN/etcd" --name test --data-dir "$T/etcd/data" \
		--listen-client-urls http://127.0.0.1:2379 \
		--advertise-client-urls http://127.0.0.1:2379 \
		--listen-peer-urls http://127.0.0.1:2380 \
		--initial-advertise-peer-urls http://127.0.0.1:2380 \
		--initial-cluster test=http://127.0.0.1:2380 &&
		wait_for "etcd" etcd curl -sS --fail http://127.0.0.1:2379/health
}

apiserver_start()
{
	local p=$T/pki

	# Aggregator routing: webhooks are called at a Service's endpoints,
	# since no kube-proxy serves its cluster address.
	# shellcheck disable=SC2086 # flags
	server_run kube-apiserver "$KUBE_BIN/kube-apiserver" \
		--bind-address=127.0.0.1 --secure-port="$kube_port" \
		--advertise-address=192.0.2.10 \
		--endpoint-reconciler-type=none \
		--enable-aggregator-routing=true \
		--etcd-servers=http://127.0.0.1:2379 \
		--client-ca-file="$p/ca.crt" \
		--tls-cert-file="$p/apiserver.crt" \
		--tls-private-key-file="$p/apiserver.key" \
		--token-auth-file="$p/tokens.csv" \
		--kubelet-client-certificate="$p/kubelet-client.crt" \
		--kubelet-client-key="$p/kubelet-client.key" \
		--kubelet-preferred-address-types=InternalIP \
		--service-account-key-file="$p/sa.pub" \
		--service-account-signing-key-file="$p/sa.key" \
		--service-account-issuer=https://kubernetes.default.svc.cluster.local \
		--requestheader-client-ca-file="$p/front-proxy-ca.crt" \
		--requestheader-allowed-names=front-proxy-client \
		--requestheader-username-headers=X-Remote-User \
		--requestheader-group-headers=X-Remote-Group \
		--requestheader-extra-headers-prefix=X-Remote-Extra- \
		--proxy-client-cert-file="$p/front-proxy.crt" \
		--proxy-client-key-file="$p/front-proxy.key" \
		--authorization-mode=Node,RBAC \
		--enable-admission-plugins=NodeRestriction \
		--allow-privileged=true \
		--service-cluster-ip-range="$kube_services" \
		${APISERVER_FLAGS:-}
}

controllers_start()
{
	local p=$T/pki program=$KUBE_BIN/kube-controller-manager

	# Without nodelifecycle, stand-in nodes need no heartbeat.
	# shellcheck disable=SC2046 # a flag or nothing
	server_run kube-controller-manager "$program" \
		--secure-port=0 $(no_plain_port "$program") \
		--kubeconfig="$T/controller-manager.conf" \
		--use-service-account-credentials=true --leader-elect=false \
		--controllers='*,-nodelifecycle,-nodeipam,-route,-service,-ttl' \
		--root-ca-file="$p/ca.crt" \
		--cluster-signing-cert-file="$p/ca.crt" \
		--cluster-signing-key-file="$p/ca.key" \
		--service-account-private-key-file="$p/sa.key" \
		--service-cluster-ip-range="$kube_services" \
		--kube-api-qps=200 --kube-api-burst=400
}

scheduler_start()
{
	local program=$KUBE_BIN/kube-scheduler

	# shellcheck disable=SC2046 # a flag or nothing
	server_run kube-scheduler "$program" \
		--secure-port=0 $(no_plain_port "$program") \
		--kubeconfig="$T/scheduler.conf" --leader-elect=false
}

control_plane_start()
{
	KUBE_BIN=${KUBE_BIN:-$("$servers_dir/kubernetes.sh" \
		${KUBE_NODE:+--node})} || return
	server_env KUBE_BIN "$KUBE_BIN"
	server_env KUBECTL "$KUBE_BIN/kubectl"
	server_env KUBE_SERVER "https://127.0.0.1:$kube_port"
	server_env KUBE_CA "$T/pki/ca.crt"
	server_env KUBECONFIG "$T/admin.conf"
	# Of all programs in Go: a tenth less work for twice the memory.
	server_env GOGC "${GOGC:-300}"
	server_env GOMEMLIMIT "${GOMEMLIMIT:-1300MiB}"
	control_plane_pki || return
	etcd_start && apiserver_start &&
		wait_for "the API server" kube-apiserver kube_get /readyz &&
		controllers_start && scheduler_start &&
		wait_for "the default service account" \
			kube-controller-manager \
			kube_get /api/v1/namespaces/default/serviceaccounts/default
}

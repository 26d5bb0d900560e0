# shellcheck shell=bash disable=SC2154 # lib.sh sets servers_dir
# node.sh: real nodes, for `make test-cluster`: a kubelet and a containerd
# each, and one kube-proxy.  lib.sh sources it.  Needs real root, a kernel with
# overlayfs, bridges, veth and iptables, and the packages in node-packages.
#
#   KUBE_NODE=1 control_plane_start    has kubelet and kube-proxy built, too
#   real_nodes_start [N]               node-0 to node-N-1 (default 3), at
#                                      192.0.2.10 and so on
#   real_nodes_stop                    before servers_stop: ends pods, removes
#                                      cgroups, restores what kubelet set
#
# containerd knows one registry, the site's, by the test CA and its password;
# every other one is refused.  Pod networks: 10.244.N.0/24 on bridge cniN.
# All nodes live in the sandbox's namespaces: only cgroups (/dws-csm) and four
# sysctls reach outside, hence real_nodes_stop.
#
# Files: $T/node (a tmpfs), logs containerd-N.log and kubelet-N.log.

node_sysctls='vm/overcommit_memory vm/panic_on_oom kernel/panic
	kernel/panic_on_oops kernel/keys/root_maxkeys
	kernel/keys/root_maxbytes'

# The folders of the control groups' hierarchies, v1 or v2.
node_hierarchies()
{
	awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/self/mounts
}

# What all nodes share; remembers what has to be restored.
nodes_prepare()
{
	local program name dir

	for program in containerd runc iptables; do
		command -v "$program" >/dev/null ||
			server_fail "no '$program': see node-packages" || return
	done
	[ "$(awk '{ print $3; exit }' /proc/self/uid_map)" != 1 ] ||
		server_fail "nodes need real root" || return
	mkdir -p "$T/node"
	mount -t tmpfs -o mode=0755 dws-csm-node "$T/node" || return
	# Mounts made for a pod must be seen by its containers.
	mount --make-rshared /
	for name in $node_sysctls; do
		echo "$name $(cat "/proc/sys/$name")"
	done >"$T/node/sysctls"
	node_hierarchies | while read -r dir; do
		mkdir -p "$dir/dws-csm"
	done
	echo 1 >/proc/sys/net/ipv4/ip_forward
	# kube-proxy translates service addresses only of routed packets.
	ip route replace "$kube_services" dev lo
	"${CC:-cc}" -std=gnu11 -O2 -static -s -o "$T/node/pause" \
		"$servers_dir/pod.c" &&
		"$servers_dir/image.sh" "$T/node/pause.tar" \
			registry.local/pause:1 "$T/node/pause"
}

containerd_config()
{
	local dir=$1

	mkdir -p "$dir/cni" "$dir/certs.d/registry.local" "$dir/certs.d/_default"
	cat >"$dir/certs.d/registry.local/hosts.toml" <<-END
	server = "https://registry.local"
	capabilities = ["pull", "resolve"]
	END
	cat >"$dir/certs.d/_default/hosts.toml" <<-END
	server = "http://127.0.0.1:1"
	[host."http://127.0.0.1:1"]
	  capabilities = ["pull", "resolve"]
	END
	(umask 077 && cat >"$dir/containerd.toml") <<-END
	version = 2
	root = "$dir/containerd"
	state = "$dir/state"
	disabled_plugins = ["io.containerd.snapshotter.v1.btrfs",
	  "io.containerd.snapshotter.v1.devmapper",
	  "io.containerd.snapshotter.v1.zfs",
	  "io.containerd.snapshotter.v1.aufs",
	  "io.containerd.internal.v1.opt"]
	[grpc]
	  address = "$dir/containerd.sock"
	[plugins."io.containerd.grpc.v1.cri"]
	  sandbox_image = "registry.local/pause:1"
	  restrict_oom_score_adj = true
	  stream_server_address = "127.0.0.1"
	  disable_apparmor = true
	  [plugins."io.containerd.grpc.v1.cri".containerd]
	    snapshotter = "overlayfs"
	    default_runtime_name = "runc"
	    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
	      runtime_type = "io.containerd.runc.v2"
	  [plugins."io.containerd.grpc.v1.cri".cni]
	    bin_dir = "/usr/lib/cni"
	    conf_dir = "$dir/cni"
	  [plugins."io.containerd.grpc.v1.cri".registry]
	    config_path = "$dir/certs.d"
	    [plugins."io.containerd.grpc.v1.cri".registry.configs."registry.local".auth]
	      username = "$REGISTRY_USER"
	      password = "$REGISTRY_PASSWORD"
	END
}

network_config()
{
	cat <<-END
	{"cniVersion": "0.3.1", "name": "pods$1", "plugins": [
	  {"type": "bridge", "bridge": "cni$1", "isGateway": true,
	   "isDefaultGateway": true, "hairpinMode": true,
	   "ipam": {"type": "host-local", "dataDir": "$T/node/$1/ipam",
	            "ranges": [[{"subnet": "10.244.$1.0/24"}]]}}]}
	END
}

kubelet_config()
{
	local n=$1 dir=$T/node/$1

	cat <<-END
	apiVersion: kubelet.config.k8s.io/v1beta1
	kind: KubeletConfiguration
	address: 192.0.2.1$n
	port: 10250
	healthzPort: 0
	authentication:
	  anonymous: {enabled: false}
	  webhook: {enabled: true}
	  x509: {clientCAFile: $T/pki/ca.crt}
	authorization: {mode: Webhook}
	tlsCertFile: $T/pki/kubelet-$n.crt
	tlsPrivateKeyFile: $T/pki/kubelet-$n.key
	cgroupDriver: cgroupfs
	cgroupRoot: /dws-csm/node-$n
	failSwapOn: false
	clusterDomain: cluster.local
	clusterDNS: [10.96.0.10]
	resolvConf: $dir/resolv.conf
	oomScoreAdj: 0
	volumePluginDir: $dir/plugins
	syncFrequency: 5s
	nodeStatusUpdateFrequency: 5s
	evictionHard: {memory.available: 50Mi, nodefs.available: 1Mi,
	  imagefs.available: 1Mi}
	END
}

# The kubelet's flag for a container runtime, needed before 1.24.
remote_runtime()
{
	local help

	# No pipe into grep -q: it would end the program by SIGPIPE, and with
	# pipefail that reads as "no such flag".
	help=$("$KUBE_BIN/kubelet" --help 2>&1)
	[[ $help != *'--container-runtime string'* ]] ||
		echo --container-runtime=remote
}

containerd_ready()
{
	ctr -a "$T/node/$1/containerd.sock" version
}

real_node_start()
{
	local n=$1 dir=$T/node/$1 p=$T/pki folder

	mkdir -p "$dir/plugins"
	: >"$dir/resolv.conf"
	make_cert "$p/kubelet-$n" "$p/ca" \
		"/O=system:nodes/CN=system:node:node-$n" \
		serverAuth,clientAuth "DNS:node-$n,IP:192.0.2.1$n" &&
		kubeconfig_cert "$dir/kubelet.conf" "node-$n" "kubelet-$n" ||
		return
	containerd_config "$dir"
	network_config "$n" >"$dir/cni/10-pods.conflist"
	kubelet_config "$n" >"$dir/kubelet.yaml"
	node_hierarchies | while read -r folder; do
		mkdir -p "$folder/dws-csm/node-$n"
		# Children of a new cpuset inherit nothing by themselves.
		for name in cpuset.cpus cpuset.mems; do
			[ ! -e "$folder/$name" ] || {
				cat "$folder/$name" >"$folder/dws-csm/$name"
				cat "$folder/$name" >"$folder/dws-csm/node-$n/$name"
			} 2>/dev/null || :
		done
	done
	# As where a site's CA is the host's; in hosts.toml 1.6 forgets it after
	# the first "not found".
	server_run "containerd-$n" env SSL_CERT_FILE="$T/tls/ca.crt" \
		containerd --config "$dir/containerd.toml" &&
		wait_for "containerd" "containerd-$n" containerd_ready "$n" &&
		ctr -a "$dir/containerd.sock" -n k8s.io images import \
			"$T/node/pause.tar" >/dev/null || return
	# shellcheck disable=SC2046 # a flag or nothing
	server_run "kubelet-$n" "$KUBE_BIN/kubelet" \
		--config="$dir/kubelet.yaml" --kubeconfig="$dir/kubelet.conf" \
		--root-dir="$dir/kubelet" --cert-dir="$dir/certs" \
		--hostname-override="node-$n" --node-ip="192.0.2.1$n" \
		$(remote_runtime) \
		--container-runtime-endpoint="unix://$dir/containerd.sock"
}

proxy_start()
{
	make_cert "$T/pki/kube-proxy" "$T/pki/ca" /CN=system:kube-proxy \
		clientAuth &&
		kubeconfig_cert "$T/node/proxy.conf" proxy kube-proxy || return
	"$KUBECTL" create clusterrolebinding test-kube-proxy \
		--clusterrole=system:node-proxier --user=system:kube-proxy \
		>/dev/null || return
	cat >"$T/node/proxy.yaml" <<-END
	apiVersion: kubeproxy.config.k8s.io/v1alpha1
	kind: KubeProxyConfiguration
	bindAddress: 127.0.0.1
	healthzBindAddress: ""
	metricsBindAddress: ""
	clientConnection: {kubeconfig: $T/node/proxy.conf}
	clusterCIDR: 10.244.0.0/16
	hostnameOverride: node-0
	mode: iptables
	oomScoreAdj: 0
	conntrack: {maxPerCore: 0}
	END
	server_run kube-proxy "$KUBE_BIN/kube-proxy" \
		--config="$T/node/proxy.yaml"
}

node_ready()
{
	kube_get "/api/v1/nodes/node-$1" |
		jq -e '.status.conditions[] |
			select(.type == "Ready" and .status == "True")' &&
		# Its taint is lifted by a controller that does not run.
		"$KUBECTL" taint node "node-$1" --overwrite \
			node.kubernetes.io/not-ready:NoSchedule-
}

real_nodes_start()
{
	local count=${1:-3} n

	nodes_prepare || return
	for ((n = 0; n < count; n++)); do
		real_node_start "$n" || return
	done
	proxy_start || return
	for ((n = 0; n < count; n++)); do
		wait_for "node-$n" "kubelet-$n" node_ready "$n" || return
	done
}

# node_pods_end N: every task and container of containerd-N.
node_pods_end()
{
	local ctr=(ctr -a "$T/node/$1/containerd.sock" -n k8s.io) name

	for name in $("${ctr[@]}" tasks ls -q); do
		"${ctr[@]}" tasks rm -f "$name" >/dev/null 2>&1
	done
	for name in $("${ctr[@]}" containers ls -q); do
		"${ctr[@]}" containers rm "$name" >/dev/null 2>&1
	done
}

real_nodes_stop()
{
	local n name value dir try

	[ -e "$T/node/sysctls" ] || return 0
	server_stop kube-proxy
	for n in 0 1 2 3; do
		server_stop "kubelet-$n"
		! server_alive "containerd-$n" || node_pods_end "$n"
		server_stop "containerd-$n"
	done
	while read -r name value; do
		echo "$value" >"/proc/sys/$name"
	done <"$T/node/sysctls"
	# Processes of the last pods may take a moment to go.
	for try in 1 2 3 4 5 6 7 8 9 10; do
		[ "$try" = 1 ] || sleep 0.3
		name=
		for dir in $(node_hierarchies); do
			[ ! -d "$dir/dws-csm" ] ||
				find "$dir/dws-csm" -depth -type d -exec rmdir {} + \
				2>/dev/null || name=$dir
		done
		[ -n "$name" ] || break
	done
	[ -z "$name" ] || server_fail "control groups are left in '$name/dws-csm'"
	rm -f "$T/node/sysctls"
}

# shellcheck shell=bash
# shellcheck disable=SC2034  # the scripts that source this file use the names it sets
# What the scripts of this folder agree on: where things live, and how a cluster's names and addresses follow from its
# state directory.

CLUSTER_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY=$(dirname "$CLUSTER_DIR")
CACHE=$(realpath -m "${TRADINGBOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tradingbot}")
CLUSTER=${CLUSTER:-own}
CLUSTER_NAME=${CLUSTER_NAME:-tradingbot}
STATE=$(realpath -m "${CLUSTER_STATE:-$CACHE/cluster-$CLUSTER_NAME}")
# Link and cgroup carry the state directory's hash, so that two copies of the same name never meet.
CLUSTER_ID=$(printf %s "$STATE" | sha256sum | cut -c1-8)
HOST_LINK=tb-$CLUSTER_ID
CGROUP=tradingbot-$CLUSTER_ID
# What the second node has of its own, where there is one.
SECOND=$STATE/second
SECOND_NAME=$CLUSTER_NAME-2
SECOND_CGROUP=$CGROUP/second
SECOND_LINK=second
KUBERNETES_VERSION=v1.34.4
NODE_COMPONENTS=(etcd containerd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy coredns local-path-provisioner)
SECOND_COMPONENTS=(containerd kubelet kube-proxy)

if [[ $CLUSTER == current ]]; then
    KUBECONFIG_FILE=${KUBECONFIG:-$HOME/.kube/config}
else
    KUBECONFIG_FILE=$STATE/kubeconfig
fi

say() { printf '==> %s\n' "$*" >&2; }

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

refuse_usage() {
    printf '%s: %s\nusage: %s\n' "$(basename "$0")" "$1" "$2" >&2
    exit 2
}

need_valid_settings() {
    [[ $CLUSTER == own || $CLUSTER == current ]] ||
        fail "CLUSTER is \"$CLUSTER\"; leave it empty for the node of this folder, or set it to \"current\" for the cluster of your kubeconfig"
    [[ $CLUSTER_NAME =~ ^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$ ]] ||
        fail "CLUSTER_NAME is \"$CLUSTER_NAME\"; use at most 40 lower-case letters, digits and dashes"
}

need_root() {
    [[ $(id -u) == 0 ]] || fail "namespaces and links need root; run it as root or with sudo -E"
}

# The node hides these host folders behind its own, so nothing it needs may lie in them.
need_visible_folders() {
    local folder
    for folder in "$STATE" "$CACHE" "$REPOSITORY"; do
        case $folder/ in
        /run/* | /var/lib/* | /var/log/*) fail "$folder lies below a folder the node replaces by its own; set TRADINGBOT_CACHE or CLUSTER_STATE to another place" ;;
        esac
    done
}

# The folder that holds a module's built programs; it changes with what they are built from.
tools_folder() {
    local key
    key=$(cat "$CLUSTER_DIR/tools/$1"/* | sha256sum | cut -c1-16)
    printf '%s/tools/%s' "$CACHE" "$key"
}

tool_module() {
    case $1 in
    kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | kube-proxy | kubectl) echo kubernetes ;;
    local-path-provisioner) echo local-path ;;
    rollouts-controller) echo argo-rollouts ;;
    helm | coredns | kubeconform) echo "$1" ;;
    *) return 1 ;;
    esac
}

tool_path() {
    local module
    module=$(tool_module "$1") || fail "\"$1\" is no tool of this folder; there are ${NODE_COMPONENTS[*]:2} kubectl helm kubeconform"
    printf '%s/%s' "$(tools_folder "$module")" "$1"
}

# Sets the addresses of index $1 (0 to 31): a /30 between host and node, 2,048 pod addresses, 2,048 Service addresses.
# Two nodes have another /30 between them, and half of the pod addresses each.
set_addresses() {
    LINK_NETWORK=10.200.0.$(($1 * 4))/30
    HOST_ADDRESS=10.200.0.$(($1 * 4 + 1))
    NODE_ADDRESS=10.200.0.$(($1 * 4 + 2))
    PAIR_NETWORK=10.200.0.$(($1 * 4 + 128))/30
    PAIR_ADDRESS=10.200.0.$(($1 * 4 + 129))
    SECOND_ADDRESS=10.200.0.$(($1 * 4 + 130))
    POD_RANGE=10.201.$(($1 * 8)).0/21
    FIRST_PODS=10.201.$(($1 * 8)).0/22
    SECOND_PODS=10.201.$(($1 * 8 + 4)).0/22
    SERVICE_RANGE=10.202.$(($1 * 8)).0/21
    API_SERVICE_ADDRESS=10.202.$(($1 * 8)).1
    DNS_ADDRESS=10.202.$(($1 * 8)).10
}

# A process id alone may belong to somebody else by now; with its start time it is one process for ever.
process_mark() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# How many nodes the cluster was made with.
node_count() { cat "$STATE/nodes" 2>/dev/null || echo 1; }

# What each node has of its own.
node_folders() {
    echo "$STATE"
    [[ $(node_count) == 1 ]] || echo "$SECOND"
}

# The host's process id of the first process of a node, that of folder $1 or the first one; nothing when it does not run.
holder() {
    local pid mark
    read -r pid mark 2>/dev/null <"${1:-$STATE}/holder" || return 1
    [[ -n $mark && $(process_mark "$pid") == "$mark" ]] || return 1
    echo "$pid"
}

# Runs a command in the node of folder $1.
in_node() {
    local pid
    pid=$(holder "$1") || fail "the cluster \"$CLUSTER_NAME\" is not up; run cluster/up"
    shift
    nsenter -t "$pid" -m -n -p -- "$@"
}

cgroup_folders() { find /sys/fs/cgroup -maxdepth 2 -type d -name "$CGROUP"; }

# Host process ids and names of everything that runs in the node, pods included; $1 narrows it to cgroups of that path.
node_processes() {
    local folder pid
    cgroup_folders | while read -r folder; do find "$folder" -path "*${1:-}*" -name cgroup.procs -exec cat {} +; done | sort -nu |
        while read -r pid; do printf '%s %s\n' "$pid" "$(cat "/proc/$pid/comm" 2>/dev/null || echo gone)"; done
}

lock_state() {
    mkdir -p "$STATE"
    exec 8<"$STATE"
    flock -w 300 8 || fail "another command has held $STATE for five minutes"
}

# shellcheck shell=bash
# Starting and ending the processes of the nodes; sourced by up and down after lib.sh.

# Ends everything of the nodes and removes what the kernel keeps of it; the state directory stays.
stop_nodes() {
    local pid folder
    for folder in "$STATE" "$SECOND"; do
        if pid=$(holder "$folder"); then
            kill -9 "$pid" 2>/dev/null || :
        fi
    done
    # The cgroup is the last word on what belongs to the node: it also knows a holder whose pid file is lost.
    # Whoever dies within the namespaces is gone with their first process; the cgroup empties within moments.
    local waited
    for waited in $(seq 100); do
        kill_node_processes
        [[ -n $(node_processes) ]] || break
        sleep 0.1
    done
    [[ $waited -lt 100 ]] || fail "processes of the node do not end: $(node_processes | tr '\n' ' ')"
    ip link delete "$HOST_LINK" 2>/dev/null || :
    remove_cgroups
    rm -f "$STATE/holder" "$SECOND/holder" "$STATE/started"
}

kill_node_processes() {
    local pid name
    node_processes | while read -r pid name; do kill -9 "$pid" 2>/dev/null || : "$name has ended by itself"; done || :
}

remove_cgroups() {
    local folder attempt
    for attempt in $(seq 50); do
        for folder in $(cgroup_folders); do find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || :; done
        [[ -n $(cgroup_folders) ]] || return 0
        sleep 0.1
    done
    fail "a cgroup of the node stays after $attempt attempts: $(cgroup_folders | tr '\n' ' ')"
}

# The kubelet insists that its root $1 exists in every hierarchy; a version 1 cpuset is unusable until it is filled.
make_cgroups() {
    local hierarchy file
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        mkdir -p "/sys/fs/cgroup/$1/node"
        for file in /sys/fs/cgroup "/sys/fs/cgroup/$CGROUP" "/sys/fs/cgroup/$1"; do
            sed 's/\([a-z_]\+\)/+\1/g' "$file/cgroup.controllers" >"$file/cgroup.subtree_control" 2>/dev/null || :
        done
        return
    fi
    for hierarchy in /sys/fs/cgroup/*/; do
        mkdir -p "$hierarchy$1/node"
        [[ -e $hierarchy/cpuset.cpus ]] || continue
        for file in cpuset.cpus cpuset.mems; do
            cat "$hierarchy$file" >"$hierarchy$1/$file"
            cat "$hierarchy$file" >"$hierarchy$1/node/$file"
        done
    done
}

# Moves the process $1 below the root $2; its children follow.
join_cgroups() {
    local folder
    cgroup_folders | while read -r folder; do echo "$1" >"${folder%"$CGROUP"}$2/node/cgroup.procs"; done
}

# Chooses addresses nobody on this machine has a route to; a kept cluster keeps its own.
choose_index() {
    local index wanted=${CLUSTER_INDEX:-} kept
    if kept=$(cat "$STATE/index" 2>/dev/null); then
        wanted=$kept
    fi
    for index in ${wanted:-$(seq 0 31)}; do
        set_addresses "$index"
        if [[ -z $(ip -4 route show root "$LINK_NETWORK"; ip -4 route show root "$PAIR_NETWORK"; ip -4 route show root "$POD_RANGE"; ip -4 route show root "$SERVICE_RANGE") ]]; then
            echo "$index"
            return
        fi
    done
    fail "the addresses of ${wanted:+index $wanted of }10.200.0.0 to 10.202.255.255 are taken on this machine; run cluster/down for a cluster you no longer need, or set CLUSTER_INDEX to a free one of 0 to 31"
}

connect_host() {
    ip link add "$HOST_LINK" type veth peer name eth0 netns "$1"
    ip address add "$HOST_ADDRESS/30" dev "$HOST_LINK"
    ip link set "$HOST_LINK" up
    ip route add "$POD_RANGE" via "$NODE_ADDRESS"
    ip route add "$SERVICE_RANGE" via "$NODE_ADDRESS"
}

# Joins the second node with the first one, and lays what a link that was down has lost.
connect_second() {
    local first
    first=$(holder)
    if [[ -n ${1:-} ]]; then
        nsenter -t "$first" -n ip link add "$SECOND_LINK" type veth peer name eth0 netns "$1"
        nsenter -t "$first" -n ip address add "$PAIR_ADDRESS/30" dev "$SECOND_LINK"
    fi
    nsenter -t "$first" -n ip link set "$SECOND_LINK" up
    nsenter -t "$first" -n ip route add "$SECOND_PODS" via "$SECOND_ADDRESS"
}

# The launcher has passing children too, before it becomes the one whose child holds the namespaces.
child_in_namespaces() {
    local pid namespace
    for pid in $(ps -o pid= --ppid "$1"); do
        namespace=$(readlink "/proc/$pid/ns/net") || continue
        [[ $namespace != "$(readlink /proc/self/ns/net)" ]] && echo "$pid" && return
    done
    return 1
}

# launch FOLDER CGROUP first|second: the holder of a node's namespaces runs.
launch() {
    local folder=$1 cgroup=$2 role=$3 launcher pid
    make_cgroups "$cgroup"
    (
        join_cgroups "$BASHPID" "$cgroup"
        exec setsid unshare --mount --net --pid --fork --mount-proc --propagation slave \
            env CLUSTER_STATE="$STATE" CLUSTER_NAME="$CLUSTER_NAME" TRADINGBOT_CACHE="$CACHE" \
            "$CLUSTER_DIR/node/init" "$(cat "$STATE/index")" "$role" </dev/null >>"$folder/log/node.log" 2>&1 8<&- 9<&-
    ) &
    launcher=$!
    until pid=$(child_in_namespaces "$launcher"); do
        kill -0 "$launcher" 2>/dev/null || fail "the node's namespaces could not be made; see $folder/log/node.log"
        sleep 0.02
    done
    echo "$pid $(process_mark "$pid")" >"$folder/holder"
}

# Starts the first node and joins it with the host. The lock is the machine's, since addresses are.
start_first() {
    local index
    exec 9</run
    flock -w 60 9 || fail "another cluster has been choosing its addresses for a minute"
    index=$(choose_index)
    set_addresses "$index"
    echo "$index" >"$STATE/index"
    [[ -e $STATE/kubeconfig ]] || "$CLUSTER_DIR/node/credentials" "$index" first
    launch "$STATE" "$CGROUP" first
    connect_host "$(holder)"
    exec 9<&-
}

# Starts the second node, which reaches the host and the control plane through the first one.
start_second() {
    mkdir -p "$SECOND/log"
    [[ -e $SECOND/pki/.complete ]] || "$CLUSTER_DIR/node/credentials" "$(cat "$STATE/index")" second
    launch "$SECOND" "$SECOND_CGROUP" second
    connect_second "$(holder "$SECOND")"
}

# shellcheck shell=bash
# Starting and ending the processes of the node; sourced by up and down after lib.sh.

# Ends everything of the node and removes what the kernel keeps of it; the state directory stays.
stop_node() {
    local pid
    if pid=$(holder); then
        kill -9 "$pid" 2>/dev/null || :
    fi
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
    rm -f "$STATE/holder" "$STATE/started"
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

# The kubelet insists that its root exists in every hierarchy; a version 1 cpuset is unusable until it is filled.
make_cgroups() {
    local hierarchy file
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        mkdir -p "/sys/fs/cgroup/$CGROUP/node"
        for file in /sys/fs/cgroup "/sys/fs/cgroup/$CGROUP"; do
            sed 's/\([a-z_]\+\)/+\1/g' "$file/cgroup.controllers" >"$file/cgroup.subtree_control" 2>/dev/null || :
        done
        return
    fi
    for hierarchy in /sys/fs/cgroup/*/; do
        mkdir -p "$hierarchy$CGROUP/node"
        [[ -e $hierarchy/cpuset.cpus ]] || continue
        for file in cpuset.cpus cpuset.mems; do
            cat "$hierarchy$file" >"$hierarchy$CGROUP/$file"
            cat "$hierarchy$file" >"$hierarchy$CGROUP/node/$file"
        done
    done
}

# Moves the process $1 there; its children follow.
join_cgroups() {
    local folder
    cgroup_folders | while read -r folder; do echo "$1" >"$folder/node/cgroup.procs"; done
}

# Chooses addresses nobody on this machine has a route to; a kept cluster keeps its own.
choose_index() {
    local index wanted=${CLUSTER_INDEX:-} kept
    if kept=$(cat "$STATE/index" 2>/dev/null); then
        wanted=$kept
    fi
    for index in ${wanted:-$(seq 0 31)}; do
        set_addresses "$index"
        if [[ -z $(ip -4 route show root "$LINK_NETWORK"; ip -4 route show root "$POD_RANGE"; ip -4 route show root "$SERVICE_RANGE") ]]; then
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

# The launcher has passing children too, before it becomes the one whose child holds the namespaces.
child_in_namespaces() {
    local pid namespace
    for pid in $(ps -o pid= --ppid "$1"); do
        namespace=$(readlink "/proc/$pid/ns/net") || continue
        [[ $namespace != "$(readlink /proc/self/ns/net)" ]] && echo "$pid" && return
    done
    return 1
}

# Starts the holder of the namespaces and joins it with the host. The lock is the machine's, since addresses are.
start_node() {
    local index launcher pid
    exec 9</run
    flock -w 60 9 || fail "another cluster has been choosing its addresses for a minute"
    index=$(choose_index)
    set_addresses "$index"
    echo "$index" >"$STATE/index"
    make_cgroups
    [[ -e $STATE/kubeconfig ]] || "$CLUSTER_DIR/node/credentials" "$index" "$CLUSTER_NAME"
    (
        join_cgroups "$BASHPID"
        exec setsid unshare --mount --net --pid --fork --mount-proc --propagation slave \
            env CLUSTER_STATE="$STATE" CLUSTER_NAME="$CLUSTER_NAME" TRADINGBOT_CACHE="$CACHE" \
            "$CLUSTER_DIR/node/init" "$index" "$CLUSTER_NAME" </dev/null >>"$STATE/log/node.log" 2>&1 8<&- 9<&-
    ) &
    launcher=$!
    until pid=$(child_in_namespaces "$launcher"); do
        kill -0 "$launcher" 2>/dev/null || fail "the node's namespaces could not be made; see $STATE/log/node.log"
        sleep 0.02
    done
    echo "$pid $(process_mark "$pid")" >"$STATE/holder"
    connect_host "$pid"
    exec 9<&-
}

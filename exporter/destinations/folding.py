"""The controller's name out of a pod's name, for pods whose workload no agent has told us yet."""

import re
from collections.abc import Collection

# Kubernetes makes random suffixes of these, without vowels so that no words appear (apimachinery util/rand).
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
_RANDOM = rf"{_SAFE}{{5}}"

# A pod-template hash is a 32-bit number in decimal, each digit of it mapped into the safe alphabet (`SafeEncodeString`,
# same package), which reaches only ten of its characters. From eight on no word lacks vowels, so any safe text will do;
# below six (1 hash in 43,000) a version or a word is likelier than a hash.
# Behind a hash, or behind eight digits, any five characters will do: nothing else looks like that.
_ANY = "[a-z0-9]{5}"
_CLEAR_HASH = "(?=[a-z0-9]*[0-9][a-z0-9]*[0-9])[a-z0-9]{8,10}"
_HASH = rf"(?:{_SAFE}{{8,10}}|[4-9bcdf]{{6,7}})"

# What a controller puts behind its own name, most specific first; the first match counts, and only once.
_CONTROLLERS = tuple(
    re.compile(pattern)
    for pattern in (
        # Deployment: template hash and random suffix.
        rf"(?P<name>.+)-(?:{_HASH}|{_CLEAR_HASH})-{_RANDOM}",
        rf"(?P<name>.+)-{_CLEAR_HASH}-{_ANY}",
        # CronJob (8 digits: minutes since 1970 of the schedule), indexed Job, both, ReplicationController of a
        # DeploymentConfig (its version), ReplicaSet of the years when hashes were plain digits.
        rf"(?P<name>.+?)(?:-[0-9]{{8}})?-[0-9]+-{_RANDOM}",
        # DaemonSet, Job, ReplicaSet, ReplicationController.
        rf"(?P<name>.+)-{_RANDOM}",
        # StatefulSet: an ordinal.
        r"(?P<name>.+)-(?:0|[1-9][0-9]*)",
    )
)

# generateName cuts the base to 58 characters to make room for the suffix (apiserver storage/names), and with it the
# last dash and a part of the hash.
_LONGEST_NAME = 63
_CUT_SHORT = re.compile(rf"(?P<name>.+?)(?:-(?:{_HASH}|[4-9bcdf]{{1,10}}|[0-9]{{1,10}}))?{_RANDOM}")

# Five safe characters that are a word after all end a bare pod's name; a random draw gives each in 1 of 14 million.
_WORDS = ("dhcp4", "dhcp6", "html5", "http2", "https", "mqtts", "mssql", "pgsql", "xhtml")


def fold_pod_name(pod_name: str, node_names: Collection[str] = ()) -> str:
    """The controller's name as far as the pod's name shows it: always a prefix of it, empty only for "".

    `node_names` are the nodes of the cluster, as Hubble writes them (`node` or `cluster/node`); they tell the node's
    suffix of a static pod. Bare pods keep their name. A guess by nature: `agent-2-x7x2k` may be of a DaemonSet
    `agent-2` or of index 2 of a Job `agent`, and is read as the latter.
    """
    static = _static_pod(pod_name, node_names)
    if static:
        return static
    if pod_name.endswith(tuple(f"-{word}" for word in _WORDS)):
        return pod_name
    for controller in _CONTROLLERS:
        match = controller.fullmatch(pod_name)
        if match:
            return match["name"]
    if len(pod_name) == _LONGEST_NAME:
        match = _CUT_SHORT.fullmatch(pod_name)
        if match:
            return match["name"]
    return pod_name


def _static_pod(pod_name: str, node_names: Collection[str]) -> str:
    """The name without the node the kubelet appended to it, "" when it ends with none of the nodes."""
    stem = ""
    for node in node_names:
        name = node[node.rfind("/") + 1 :]
        # The longest node wins: `b` and `a-b` may both be nodes.
        if name and pod_name.endswith(name) and pod_name.endswith(f"-{name}"):
            found = pod_name.removesuffix(f"-{name}")
            stem = min(stem or found, found, key=len)
    return stem

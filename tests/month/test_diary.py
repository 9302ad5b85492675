"""Every entry of the diary of false positives is in the month, as its flows show it."""

from collections import defaultdict
from ipaddress import ip_network
from itertools import pairwise

import pytest

from tests.month.cast import MEMBERS
from tests.month.digest import MINUTES, Digest, Life, domain

_WAVE = (18, 19)
_LATER_TELEMETRY = "telemetry.dashboards.example"
_NAMES = [member.name for member in MEMBERS]


def _template(life: Life) -> str:
    return life.pod.rsplit("-", 2)[1]


@pytest.mark.parametrize("workload", _NAMES)
def test_the_wave_restarts_everything_and_calls_what_was_never_called(digest: Digest, workload: str) -> None:
    """On the first day all pods are new, of the template they had, and ask for names unknown to learning.

    They do so within ten minutes of a start, and never at other times; but for telemetry, which is another entry.
    """
    first = digest.first_queries(workload)
    starts = [life.first for life in digest.starts(workload)]
    new = {name for name, day in first.items() if _WAVE[0] <= day < _WAVE[1] and _is_startup(day, starts)}
    others = {"site", "people", "shop"}
    learnt = {domain(name) for name, day in first.items() if day < _WAVE[0]}
    new = {name for name in new if domain(name) not in learnt and name.split("-")[0] not in others}
    assert new
    for day, name in digest.queries(workload):
        if name in new and name != _LATER_TELEMETRY:
            assert _is_startup(day, starts), (name, day)


def _is_startup(day: float, starts: list[float]) -> bool:
    return any(start <= day <= start + 10 * MINUTES for start in starts)


def test_the_wave_takes_minutes(digest: Digest) -> None:
    """All workloads start within minutes, those of a Deployment with the template hash that they had."""
    firsts = []
    for workload in _NAMES:
        before = [life for life in digest.lives.values() if life.workload == workload and life.first < 1]
        after = [life for life in digest.starts(workload) if _WAVE[0] <= life.first < _WAVE[1]]
        assert len(after) == len(before)
        assert {life.pod[:-6] for life in after} == {life.pod[:-6] for life in before}
        firsts += [life.first for life in after]
    assert max(firsts) - min(firsts) < 10 * MINUTES


def test_addresses_of_known_names_rotate(digest: Digest) -> None:
    """Most workloads reach, under names they know, addresses that they never reached while they were learnt."""
    rotating = 0
    for workload in _NAMES:
        before = {syn.ip for syn in digest.of(workload) if syn.day < 18}
        names = {name for syn in digest.of(workload) if syn.day < 18 for name in syn.names}
        after = {syn.ip for syn in digest.of(workload) if syn.day > 19 and names & set(syn.names)}
        rotating += len(after - before) >= 5
    assert rotating >= 10


def test_addresses_move_between_known_names_of_a_workload(digest: Digest) -> None:
    """Some address is of one name today and of another one later, both of the same workload; and some have two."""
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for syn in digest.syns:
        if len(syn.names) == 1:
            names[syn.workload, syn.ip].add(syn.names[0])
    moved = {workload for (workload, _), known in names.items() if len(known) > 1}
    assert moved >= {"loki", "automation", "photos"}
    assert any(len(syn.names) > 1 for syn in digest.syns)


def test_names_are_lost(digest: Digest) -> None:
    """Contacts without a name lead to addresses that the workload reached under a name before, all but one attack."""
    seen: dict[str, set[str]] = defaultdict(set)
    nameless, strange = 0, set()
    for syn in digest.syns:
        if syn.names:
            seen[syn.workload].add(syn.ip)
        else:
            nameless += 1
            strange |= {(syn.workload, syn.ip)} - {(syn.workload, ip) for ip in seen[syn.workload]}
    assert nameless > 1000
    assert len(strange) == 1


def test_the_job_does_something_else_once(digest: Digest) -> None:
    """One run of the job asks for a name of its own, when its pod has been up for more than ten minutes."""
    first = digest.first_queries("plugin-updates")
    (new,) = (name for name, day in first.items() if day > 18)
    days = [day for day, name in digest.queries("plugin-updates") if name == new]
    (run,) = (life for life in digest.starts("plugin-updates") if life.first < days[0] < life.first + 20 * MINUTES)
    assert days[-1] - days[0] < 20 * MINUTES
    assert days[0] - run.first > 10 * MINUTES
    assert run.last - run.first < 20 * MINUTES
    assert len(digest.starts("plugin-updates")) == 8


def test_a_new_api_is_used_from_some_day_on(digest: Digest) -> None:
    """It is asked for every hour to the end, and has addresses that known names of the workload had before."""
    starts = [life.first for life in digest.starts("automation")]
    first = digest.first_queries("automation")
    (new,) = (name for name, day in first.items() if day > 18 and not _is_startup(day, starts))
    days = [day for day, name in digest.queries("automation") if name == new]
    assert first[new] > 24
    assert max(later - day for day, later in pairwise(days)) < 8 / 24
    assert days[-1] > 49.8
    before = {syn.ip for syn in digest.of("automation") if syn.day < first[new]}
    assert before & {syn.ip for syn in digest.of("automation") if syn.names == (new,)}


def test_telemetry_phones_home(digest: Digest) -> None:
    """One vendor is called weekly all the time, one at start-up first and weekly later."""
    homes = [day for day, name in digest.queries("automation") if name == "phone-home.homes.example"]
    assert len([day for day in homes if day < 18]) >= 2
    starts = [life.first for life in digest.starts("grafana")]
    dashboards = [day for day, name in digest.queries("grafana") if name == _LATER_TELEMETRY]
    assert dashboards[0] > 18
    assert _is_startup(dashboards[0], starts)
    assert len([day for day in dashboards if not _is_startup(day, starts)]) >= 3


def test_icons_come_from_everywhere(digest: Digest) -> None:
    """The vault goes to new names on every day, at more than 75 addresses of at least 19 owners, in both halves."""
    first = digest.first_queries("vault")
    assert {int(day) for day in first.values()} == set(range(50))
    for begin, end in ((0, 18), (18, 50)):
        ips = {syn.ip for syn in digest.of("vault") if begin <= syn.day < end and ":" not in syn.ip}
        assert len(ips) > 75
        assert len({ip_network(f"{ip}/24", strict=False) for ip in ips}) >= 19


def test_a_deployment_is_scaled(digest: Digest) -> None:
    """Four further pods of the storefront start in seconds, of the template that is there, and go nowhere new."""
    scaled = [life for life in digest.starts("storefront") if 19 < life.first < 22]
    assert len(scaled) == 4
    assert len({_template(life) for life in digest.starts("storefront") if life.first < 22}) == 1
    assert _new_domains(digest, "storefront", 19, 24) == set()


@pytest.mark.parametrize(("workload", "same_name"), [("loki", True), ("grafana", False)])
def test_pods_move(digest: Digest, workload: str, same_name: bool) -> None:
    """A pod comes back on another node, with its name if it is of a StatefulSet, without if of a Deployment."""
    before, after = digest.starts(workload)[-2:]
    assert 20 < after.first < 24
    assert before.node != after.node
    assert (before.pod == after.pod) == same_name


@pytest.mark.parametrize("workload", ["git", "photos"])
def test_rollouts_go_nowhere_new(digest: Digest, workload: str) -> None:
    """All pods are of another template, and within a day nothing is reached that was not before."""
    last = digest.starts(workload)[-1]
    before = [life for life in digest.lives.values() if life.workload == workload and life.last < last.last - 1]
    assert _template(last) not in {_template(life) for life in before}
    attack = {"d9x8y7.cloudfront.net"}
    assert _new_domains(digest, workload, last.first - MINUTES, last.first + 1) <= attack


def _new_domains(digest: Digest, workload: str, begin: float, end: float) -> set[str]:
    first: dict[str, float] = {}
    for name, day in digest.first_queries(workload).items():
        first.setdefault(domain(name), day)
    return {name for name, day in first.items() if begin <= day < end}


def test_known_hosts_are_pinged(digest: Digest) -> None:
    """Some were always pinged, some are pinged in the month for the first time; all are hosts that TCP goes to."""
    pings = [syn for syn in digest.syns if syn.protocol == "icmp"]
    assert {syn.workload for syn in pings if syn.day < 18} == {"automation", "updates"}
    assert {syn.workload for syn in pings if syn.day > 18} == {"automation", "updates", "backup", "git"}
    for workload in ("automation", "backup", "git"):
        names = {name for syn in digest.of(workload) for name in syn.names if syn.day < 18}
        assert {syn.names for syn in pings if syn.workload == workload} <= {(), *((name,) for name in names)}


def test_an_upstream_is_out_for_a_day(digest: Digest) -> None:
    """All answers for one name fail for a day, and its workload goes on with addresses that it had."""
    answers = [one for one in digest.asked if one.is_answer and one.dns.query == "rates.bank.example."]
    failed = [one.day for one in answers if one.dns.rcode == 2]
    assert 0.8 < failed[-1] - failed[0] < 1.01
    assert not [one for one in answers if failed[0] <= one.day <= failed[-1] and one.dns.rcode == 0]
    assert {one.dns.query for one in digest.asked if one.dns.rcode == 2} == {"rates.bank.example."}
    assert any(failed[0] < syn.day < failed[-1] and not syn.names for syn in digest.of("worker"))

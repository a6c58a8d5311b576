"""The smoke test before a switch is the test a person runs with `helm test`."""

import charts
import make_operator as make
from tradingbot_operator.domain.probe import Ask
from tradingbot_operator.render.probe import probe
from tradingbot_operator.render.revision import content

CHECKS = ("database", "exchange", "metrics", "api")
FIELDS = ("image", "imagePullPolicy", "command", "args")


def in_chart():
    """What each test pod of a bot's release runs, its Service named as the operator names an address."""
    pods = dict(charts.pods(charts.objects("tradingbot", *charts.PAPER)))
    for check in CHECKS:
        (container,) = pods[f"Pod/tradingbot-test-{check}"]["containers"]
        said = {name: container[name] for name in FIELDS}
        yield (
            check,
            said | {"args": [each.replace("tradingbot.tradingbot-system.svc", "10.0.0.5") for each in said["args"]]},
        )


def test_smoke_test_of_a_candidate_is_helm_test():
    """Same image, same program, same questions, same patience; only the address is the candidate's own."""
    bot = make.bot()
    ask = Ask("smoke", "a1b2c3d4e5", "green", "btc-green-1", "r2")
    job = probe(bot, content(bot, bot.spec, make.SITE, "r2")["template"], ask, "10.0.0.5")
    containers = job["spec"]["template"]["spec"]["containers"]
    assert [(each["name"], {name: each[name] for name in FIELDS}) for each in containers] == list(in_chart())


def test_address_of_six_groups_is_written_as_a_url_has_it():
    """An IPv6 address stands in brackets."""
    bot = make.bot()
    ask = Ask("smoke", "a1b2c3d4e5", "green", "btc-green-1", "r2")
    job = probe(bot, content(bot, bot.spec, make.SITE, "r2")["template"], ask, "fd00::5")
    api = job["spec"]["template"]["spec"]["containers"][-1]
    assert api["args"][0] == "http://[fd00::5]:8000/api/health"

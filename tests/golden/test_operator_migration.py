"""The migration Job, word for word. GOLDEN_UPDATE=1 rewrites the file; the difference is read in review."""

import os
from pathlib import Path

import make_operator as make
from tradingbot_operator.crd.text import text
from tradingbot_operator.domain.ledger import Login
from tradingbot_operator.render.migration import Change, migration
from tradingbot_operator.render.revision import content

GOLDEN = Path(__file__).parent / "migration" / "job.yaml"
SPEC = {**make.MINIMAL, "database": make.LIVE["database"], "pod": {"imagePullSecrets": [{"name": "registry"}]}}


def test_migration_is_this_job():
    """Restricted as the bot's pod is, with the owner's login, and with no second try after a refusal."""
    bot = make.bot(SPEC)
    template = content(bot, bot.spec, make.SITE, "r1")["template"]
    current = text(migration(bot, template, Change("q3v9zk", Login("owner", True, None, "11"), "fencer", "0002")))
    if os.environ.get("GOLDEN_UPDATE") == "1":
        GOLDEN.write_text(current)
    assert current == GOLDEN.read_text()

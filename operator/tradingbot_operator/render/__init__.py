"""Pure: the objects a bot consists of, as fresh plain dicts. Waiting, order and writing do not belong here."""

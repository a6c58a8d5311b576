"""The venue clock: wall, free-running, lockstep."""

from exchange_simulator.market.clock import Mode, Pace, VenueClock


class Wall:
    """A wall clock set by hand."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __call__(self):
        return self.seconds


def started(pace, wall, start_ms=None):
    return VenueClock.started(pace, wall, start_ms, 1_000_000)


def test_at_speed_one_venue_time_is_wall_time():
    """No offset, no drift."""
    wall = Wall(1_700_000_000.5)
    clock = started(Pace(Mode.WALL), wall)
    assert clock.now_ms() == 1_700_000_000_500
    wall.seconds += 2
    assert clock.now_ms() == 1_700_000_002_500
    assert clock.scale == 1.0


def test_free_running_time_advances_speed_times_as_fast():
    """Sixty venue seconds pass in one wall second, from the wall time of the start."""
    wall = Wall(1000.0)
    clock = started(Pace(Mode.FREE, 60.0), wall)
    wall.seconds += 1
    assert clock.now_ms() == 1_000_000 + 60_000
    assert clock.scale == 60.0


def test_the_wait_for_a_venue_instant_is_told_in_wall_seconds():
    """A venue minute at sixty times is a wall second; what is past needs no wait."""
    clock = started(Pace(Mode.FREE, 60.0), Wall(1000.0))
    assert clock.wall_seconds_until(1_060_000) == 1.0
    assert clock.wall_seconds_until(900_000) == 0.0


def test_in_lockstep_time_stands_until_moved():
    """Wall time does not count, but how long a client's clock has run on is known."""
    wall = Wall(5.0)
    clock = started(Pace(Mode.LOCKSTEP), wall)
    wall.seconds += 3
    assert (clock.now_ms(), clock.standing_wall_ms(), clock.scale) == (1_000_000, 3000, 1.0)
    clock.move_to(1_060_000)
    assert (clock.now_ms(), clock.standing_wall_ms()) == (1_060_000, 0)


def test_a_start_given_is_where_venue_time_begins():
    """--start holds in every mode."""
    for pace in (Pace(Mode.WALL), Pace(Mode.FREE, 2.0), Pace(Mode.LOCKSTEP)):
        assert started(pace, Wall(77.0), start_ms=42).now_ms() == 42


def test_only_a_standing_clock_lets_clients_run_on():
    """A running venue allows no drift."""
    assert started(Pace(Mode.WALL), Wall(1.0)).standing_wall_ms() == 0

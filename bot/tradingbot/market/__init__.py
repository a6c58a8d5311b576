"""From a feed's candles to closed bars: gaps, duplicates, order, lateness. Pure but for the feed port."""

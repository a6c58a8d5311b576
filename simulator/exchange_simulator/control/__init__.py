"""What a test steers and reads: faults and the order log. No wire format of the venue belongs here."""

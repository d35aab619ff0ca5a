SELECT hash FROM event WHERE number = ?1

SELECT coalesce(max(number), 0), (SELECT hash FROM event ORDER BY number DESC LIMIT 1) FROM event

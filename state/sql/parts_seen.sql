SELECT coalesce(sum(durable), 0) FROM part

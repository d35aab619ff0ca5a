SELECT l.pid, coalesce(a.usename, '?'), coalesce(a.application_name, '')
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND l.granted AND l.virtualtransaction = ANY (string_to_array(:'transactions', ' '))

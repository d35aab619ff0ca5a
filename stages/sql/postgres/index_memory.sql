-- Memory to sort in: the server's own setting where that is more. Several builders at once want no workers of the
-- server's beside them.
SELECT set_config('maintenance_work_mem', :'mib' || 'MB', true)
WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes(:'mib' || 'MB');
SELECT set_config('max_parallel_maintenance_workers', '0', true) WHERE NOT :'alone'::boolean

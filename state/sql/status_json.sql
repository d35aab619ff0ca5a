SELECT json_object(
	'schema', 1,
	'run', (
		SELECT json_object('id', id, 'version', version, 'host', host,
			'settings', json(settings), 'started_at', started_at, 'ended_at', ended_at,
			'outcome', outcome, 'exit_code', exit_code, 'peak_memory', peak_memory)
		FROM run ORDER BY id DESC LIMIT 1),
	'destinations', (
		SELECT json_group_array(json_object('uuid', uuid, 'kind', kind, 'name', name,
			'years', (
				SELECT json_group_array(json_object(
					'year', year, 'stage', stage,
					'sha256', sha256,
					'packed_done', packed_done, 'packed_size', packed_size,
					'plain_done', plain_done, 'plain_size', plain_size,
					'rows', rows, 'rejects', rejects,
					'elapsed_ms', elapsed_ms, 'message', message,
					'updated_at', updated_at))
				FROM (SELECT * FROM year WHERE destination = newest.id ORDER BY year))))
		FROM (SELECT * FROM destination ORDER BY turn DESC) AS newest))

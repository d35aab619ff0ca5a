INSERT INTO dvf_import_destination
	(only_row, uuid, token, holder, inode, schema_version, taken_at)
VALUES (1, ?1, ?2, ?3, ?4, ?5, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
ON CONFLICT (only_row) DO UPDATE SET
	uuid = excluded.uuid,
	token = excluded.token,
	holder = excluded.holder,
	inode = excluded.inode,
	schema_version = excluded.schema_version,
	taken_at = excluded.taken_at

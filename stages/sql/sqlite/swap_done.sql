UPDATE main.dvf_import_swap SET done_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE number = ?1

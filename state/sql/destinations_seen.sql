SELECT id, uuid, kind, name FROM destination ORDER BY turn DESC LIMIT ?1

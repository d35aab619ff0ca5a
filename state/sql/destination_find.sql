SELECT id FROM destination WHERE uuid = ?1

UPDATE run SET outcome = 'killed' WHERE id = ?1

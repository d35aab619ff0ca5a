SELECT chain, number, hash, why, told_at FROM dvf_import_history ORDER BY position

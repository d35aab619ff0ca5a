SELECT hash FROM dvf_import_history WHERE chain = ?1 AND number = ?2

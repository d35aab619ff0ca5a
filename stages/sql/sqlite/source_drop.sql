DELETE FROM dvf_import_source WHERE id = ?1

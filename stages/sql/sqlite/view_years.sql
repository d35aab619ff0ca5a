SELECT table_name, year FROM dvf_import_source WHERE stage = 'published' ORDER BY year

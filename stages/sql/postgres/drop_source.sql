DELETE FROM dvf_import.source WHERE edition = :'edition'

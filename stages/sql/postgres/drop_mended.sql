DELETE FROM dvf_import.mended WHERE edition = :'edition'

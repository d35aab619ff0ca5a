DELETE FROM dvf_import.reject WHERE edition = :'edition'

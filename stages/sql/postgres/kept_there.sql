SELECT to_regclass('dvf_import.mended') IS NOT NULL

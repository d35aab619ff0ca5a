-- A file that no run of this version has taken yet lacks the table.
SELECT count(*) FROM live.sqlite_master WHERE type = 'table' AND name = 'dvf_import_mended'

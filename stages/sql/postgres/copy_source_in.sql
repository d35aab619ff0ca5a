COPY dvf_import.source (edition, year, sha256, url, etag, last_modified, packed_size, plain_size, rows, rejects,
                        stage, layout_version, parser_version, run, begun_at) FROM STDIN (FORMAT binary)

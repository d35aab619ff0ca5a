COPY (SELECT edition, year, sha256, url, etag, last_modified, packed_size, plain_size, rows, rejects,
             'incoming'::text, layout_version, parser_version, run, begun_at
      FROM dvf_import.source WHERE edition = :'edition' AND stage = 'published') TO STDOUT (FORMAT binary)

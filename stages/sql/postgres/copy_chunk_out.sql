COPY (SELECT edition, plain_first, plain_end, first_record, rows, rejects, crc32
      FROM dvf_import.chunk WHERE edition = :'edition') TO STDOUT (FORMAT binary)

COPY (SELECT edition, year, record, plain_first, plain_end, column_name, reason, raw, mended, mended_at
      FROM dvf_import.mended WHERE edition = :'edition') TO STDOUT (FORMAT binary)

COPY (SELECT edition, year, record, plain_first, plain_end, column_name, reason, raw
      FROM dvf_import.reject WHERE edition = :'edition') TO STDOUT (FORMAT binary)

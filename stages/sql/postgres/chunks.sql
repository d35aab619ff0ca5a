-- The witness of one edition, chunk by chunk.
COPY (SELECT plain_first, plain_end, first_record, rows, rejects, crc32
      FROM dvf_import.chunk WHERE edition = :'edition' ORDER BY plain_first)
TO STDOUT (FORMAT binary)

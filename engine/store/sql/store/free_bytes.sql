-- Bytes of the store's file that hold nothing any more. One row.
SELECT free_blocks * block_size FROM pragma_database_size() WHERE database_name = current_database()

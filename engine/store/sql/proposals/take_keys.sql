-- Take the keys of proposals that open; fails where another live one holds a key. One row for each element of the lists.
INSERT INTO live_keys SELECT unnest($live_key::VARCHAR[]), unnest($id::BIGINT[])

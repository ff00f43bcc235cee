-- Keep nobody out any more under these names. One row for each that was.
UPDATE sign_outs SET kept_out = false WHERE kept_out AND person IN (SELECT unnest($names::VARCHAR[])) RETURNING person

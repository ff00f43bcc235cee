-- Undo: a proposal of origin `revert` names the applied proposal whose change it takes back.
ALTER TABLE proposals ADD COLUMN reverts BIGINT;

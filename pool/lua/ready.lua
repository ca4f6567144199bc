#!lua
-- ready: writes nothing. It is declared as a script that may write, so Redis refuses it wherever it refuses a
-- claim: on a read-only replica, while it loads its data, in a slot that another node has.
-- KEYS 1 any key of the slot; it need not exist
-- Reply 'ready'
return 'ready'

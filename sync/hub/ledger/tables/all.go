package tables

// Table is a table and its columns, separated by commas.
type Table struct{ Name, Columns string }

// All are the tables that every database of a ledger has.
var All = []Table{
	{"journal", "id, journal, site, agent, blind_key, verifier, software, inventory, hello, size, tree, tail, verified, refused, version, fork_of"},
	{"agent", "site, agent, verifier"},
	{"observation", ColumnList},
	{"gap", "owner, idx, class, leaf"},
	{"shared", "owner, idx, leaf"},
	{"cursor", "owner, class, idx"},
	{"pending", "owner, size, note"},
	{"artifact", "sha256, size, media_type, inline, held"},
	{"artifact_row", "sha256, owner, idx, name, size"},
	{"epoch", "id, first"},
	{"pull", "sha256, at"},
	{"passage_reading", "owner, idx, passage, confidence, other, other_confidence, plate, plate_confidence"},
	{"passage", "owner, id, plate, confidence"},
	{"tile", "owner, level, n, hashes"},
	{"checkpoint", "owner, size, note, leaves"},
}

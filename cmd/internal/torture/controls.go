package torture

// Controls are programs that each break one rule on which the promise rests. A run with one of them has to fail, or
// the rig does not see what it is for.
var Controls = map[string]Control{
	// A commit returns before its rows are on the disk: a power cut takes them.
	"synchronous-off": {{"edge/evidence/sqlog/sqlog.go", `params.Set("_synchronous", "FULL")`,
		`params.Set("_synchronous", "OFF")`}},
	// A device is told "stored" when its result was handed to the journal's writer.
	"acknowledged-before-commit": {{"edge/journal/writer.go", "\tcase j.requests <- r:\n\tcase <-ctx.Done():",
		"\tcase j.requests <- r:\n\t\treturn nil\n\tcase <-ctx.Done():"}},
	// The hub takes the row after the last one of a batch for held.
	"cursor-off-by-one": {{"sync/hub/ledger/batch.go", "c.cursors[b.Class] = cursor.Idx\n",
		"cursor.Idx++\n\tc.cursors[b.Class] = cursor.Idx\n"}},
}

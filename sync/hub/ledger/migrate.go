package ledger

import (
	"context"
	"errors"
	"path/filepath"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence"
	"lanewarden/edge/journal/keyfile"
	"lanewarden/sync/hub/ledger/postgres"
	"lanewarden/sync/hub/ledger/sqlite"
	"lanewarden/sync/wire"
)

// Migrated is what Migrate moved.
type Migrated struct {
	Rows    int64     // observations
	Audited []Audited // the journals, as they were verified in PostgreSQL
}

// Migrate copies the SQLite ledger in dir to an empty database of PostgreSQL, and then audits every journal in both: a hub
// can open the copy only when the reports are the same. Artifacts in files, and the hub's key, stay in dir. No hub may use
// dir meanwhile. A copy that was not completed is begun anew; one that a hub has used is an error.
func Migrate(ctx context.Context, dir, url string) (m Migrated, err error) {
	if !postgres.IsURL(url) {
		return m, message.Errorf("lanehub.ledger-url", message.String("url", url))
	}
	key, err := keyfile.Open(filepath.Join(dir, KeyFile), wire.HubKeyName)
	if err != nil {
		return m, err
	}
	from, err := Open(dir) // which brings its tables up to date
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	rows, err := postgres.Import(ctx, url, from.store.(*sqlite.Store).Export)
	if err != nil {
		return m, err
	}
	m.Rows = rows["observation"]
	before, err := Audit(ctx, dir, "")
	if err != nil {
		return m, err
	}
	if m.Audited, err = Audit(ctx, url, ""); err != nil {
		return m, err
	}
	if err := sameReports(before, m.Audited); err != nil {
		return m, err
	}
	return m, postgres.Accept(ctx, url, key.Public)
}

// sameReports returns an error when the audits of two copies of a ledger found different things.
func sameReports(before, after []Audited) error {
	if len(before) != len(after) {
		return message.Errorf("ledger.copy-differs", message.String("journal", "*"))
	}
	for i, b := range before {
		if a := after[i]; !sameReport(a.Report, b.Report) || a.Verified != b.Verified {
			return message.Errorf("ledger.copy-differs", message.String("journal", evidence.Origin(b.Site, b.Agent, b.Journal)))
		}
	}
	return nil
}

func sameReport(a, b *evidence.Report) bool {
	return a.Rows == b.Rows && a.Removed == b.Removed && a.Signed == b.Signed && a.Checkpoints == b.Checkpoints &&
		a.Root == b.Root && a.Wrong == b.Wrong
}

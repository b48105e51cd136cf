package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/ledger/tables"
)

// audit reads in two transactions that see the ledger as of the same moment.
type audit struct {
	tables.Audit
	ctx  context.Context
	open []*pgx.Conn
}

// Audit implements store.Store.
func (s *Store) Audit(ctx context.Context) (store.Audit, error) { return openAudit(ctx, s.config) }

// OpenAudit opens the ledger at url for an audit. It writes nothing. Its queries end with ctx.
func OpenAudit(ctx context.Context, url string) (store.Audit, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	return openAudit(ctx, config.ConnConfig)
}

func openAudit(ctx context.Context, config *pgx.ConnConfig) (_ store.Audit, err error) {
	config = config.Copy()
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0" // it waits while rows are hashed
	a := &audit{ctx: ctx}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	begin := "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	for range 2 {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return nil, err
		}
		a.open = append(a.open, conn)
		if _, err := conn.Exec(ctx, begin); err != nil {
			return nil, err
		}
		if len(a.open) == 1 {
			var snapshot string
			if err := conn.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&snapshot); err != nil {
				return nil, err
			}
			begin += "; SET TRANSACTION SNAPSHOT '" + snapshot + "'"
		}
	}
	a.Audit = tables.Audit{Reader: tables.Reader{Conn: &reader{ctx, a.open[0]}, InOrder: "JOIN"}, Tiles: &reader{ctx, a.open[1]}}
	return a, nil
}

// Close implements store.Audit.
func (a *audit) Close() (err error) {
	for _, conn := range a.open {
		err = errors.Join(err, conn.Close(context.WithoutCancel(a.ctx)))
	}
	return err
}

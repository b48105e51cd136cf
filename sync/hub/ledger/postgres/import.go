package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/ledger/tables"
)

// importing stands in place of the hub's key while a ledger that is moved here is not verified: no hub can open it.
const importing = "importing"

// Import fills an empty ledger at url with the tables of another one, in one transaction, and returns how many rows
// each has. export calls f with each row of a table. Until Accept is called no hub can open the ledger.
func Import(ctx context.Context, url string, export func(t tables.Table, f func([]driver.Value) error) error) (rows map[string]int64, err error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := checkServer(ctx, conn); err != nil {
		return nil, err
	}
	rows = map[string]int64{}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := emptyLedger(ctx, tx); err != nil {
			return err
		}
		for _, t := range tables.All {
			if rows[t.Name], err = copyTable(ctx, tx, t, export); err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
		}
		_, err := tx.Exec(ctx, `UPDATE ledger SET seq=coalesce((SELECT max(seq) FROM observation), 0);
			SELECT setval(pg_get_serial_sequence('journal', 'id'), coalesce((SELECT max(id) FROM journal), 0)+1, false)`)
		return err
	})
	return rows, err
}

// emptyLedger makes the tables, and returns an error when a ledger is there that a hub has used. One whose import was
// not accepted is emptied.
func emptyLedger(ctx context.Context, tx pgx.Tx) error {
	if err := createTables(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO ledger(hub_key, seq, epochs) VALUES($1, 0, 0) ON CONFLICT DO NOTHING", importing)
	if err != nil {
		return err
	}
	var key string
	if err := tx.QueryRow(ctx, "SELECT hub_key FROM ledger FOR UPDATE").Scan(&key); err != nil {
		return err
	}
	if key != importing {
		return message.Errorf("ledger.not-empty")
	}
	var names []string
	for _, t := range tables.All {
		names = append(names, t.Name)
	}
	_, err = tx.Exec(ctx, "TRUNCATE "+strings.Join(names, ", "))
	return err
}

// copyTable copies the rows of a table and returns their number.
func copyTable(ctx context.Context, tx pgx.Tx, t tables.Table, export func(tables.Table, func([]driver.Value) error) error) (int64, error) {
	next, stop := iter.Pull2(func(yield func([]any, error) bool) {
		err := export(t, func(row []driver.Value) error {
			out := make([]any, len(row))
			for i, v := range row {
				out[i] = v
			}
			if !yield(out, nil) {
				return context.Canceled
			}
			return nil
		})
		if err != nil {
			yield(nil, err)
		}
	})
	defer stop()
	return tx.CopyFrom(ctx, pgx.Identifier{t.Name}, strings.Split(t.Columns, ", "), pgx.CopyFromFunc(func() ([]any, error) {
		row, err, _ := next()
		return row, err
	}))
}

// Accept gives an imported ledger the key of its hub, which may open it then.
func Accept(ctx context.Context, url, hubKey string) error {
	config, err := parse(url)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "UPDATE ledger SET hub_key=$1 WHERE hub_key=$2", hubKey, importing)
	return err
}

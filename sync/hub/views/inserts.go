package views

import (
	"database/sql/driver"

	"lanewarden/edge/evidence/sqlog"
)

// inserts are new rows of a table that are written together: a statement of many rows costs much less than as many
// statements.
type inserts struct {
	table, columns string // columns are separated by commas
	rows           [][]driver.Value
}

// insertRows is the number of rows of one statement; what is left over goes one by one, so that statements can be kept
// prepared.
const insertRows = 16

func (i *inserts) add(values ...driver.Value) { i.rows = append(i.rows, values) }

// write writes the rows, in their order. Those that lie beside each other in the table should follow each other.
func (i *inserts) write(to sqlog.Conn) error {
	var args []driver.Value
	for rows := i.rows; len(rows) > 0; {
		n := 1
		if len(rows) >= insertRows {
			n = insertRows
		}
		args = args[:0]
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		if err := to.Exec(sqlog.Insert(i.table, i.columns, n), args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	i.rows = nil
	return nil
}

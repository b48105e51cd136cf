package tables

import (
	"database/sql/driver"
	"strings"

	"lanewarden/edge/evidence/sqlog"
)

// addRows is the number of rows of one statement; what is left over goes one by one, so that statements can be kept
// prepared. A statement of many rows costs much less than as many statements.
const addRows = 16

// AddAll does what store.Derived says, with statements that begin with the words of insert: INSERT, or INSERT with what is
// to be done when a row is refused.
func AddAll(to Conn, insert, table, columns string, rows [][]driver.Value) error {
	statement := func(n int) string { return insert + strings.TrimPrefix(sqlog.Insert(table, columns, n), "INSERT") }
	n, text := addRows, statement(addRows)
	var args []driver.Value
	for len(rows) > 0 {
		if n > 1 && len(rows) < n {
			n, text = 1, statement(1)
		}
		args = args[:0]
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		if err := to.Exec(text, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

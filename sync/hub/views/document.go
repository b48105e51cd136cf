package views

import (
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal/document"
)

// foldRows folds a passage's document from the rows that the table names. readings returns rows of readings, which
// name the vehicle as long as the lane's document does not. statementBody decodes a row that says to which passages readings
// belong: people read their reasons, which are personal values; the tables need none of these.
func foldRows(
	id string, p passageRow, rows map[int64]*row, readings func([]int64) (map[int64]*row, error),
	statementBody func(*row) (*observation.Body, error),
) (*observation.PassageClosed, error) {
	var closed *observation.PassageClosed
	if r := rows[p.closed]; r != nil {
		if body, err := r.values(); err == nil && body.GetPassageClosed() != nil {
			closed = body.GetPassageClosed()
		}
	}
	var after []document.Statement
	for _, idx := range p.statements {
		if r := rows[idx]; r != nil {
			if body, err := statementBody(r); err == nil {
				after = append(after, document.Statement{Idx: idx, Body: body.Typed()})
			}
		}
	}
	return document.Fold(id, closed, after, func(indices []int64) (map[int64]*observation.Observation, error) {
		found, err := readings(indices)
		out := map[int64]*observation.Observation{}
		for idx, r := range found {
			if o, err := r.record(); err == nil {
				out[idx] = o
			}
		}
		return out, err
	})
}

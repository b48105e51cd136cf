package ledger

import (
	"database/sql/driver"
	"errors"
	"slices"
	"testing"

	"lanewarden/sync/hub/ledger/store"
)

// TestDerive: a function that fails, panics, or writes what the database refuses leaves nothing behind, whether it is alone
// in its group or comes with messages of agents, which are filed. What is wrong is told to who asked for it.
func TestDerive(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails func(store.Tx) error
	}{
		{"fails", func(store.Tx) error { return errors.New("it cannot be written") }},
		{"panics", func(store.Tx) error { panic("a defect") }},
		{"refused", func(tx store.Tx) error { return tx.Exec("INSERT INTO derived(n) VALUES(NULL)") }},
		{"one of many refused", func(tx store.Tx) error {
			rows := slices.Repeat([][]driver.Value{{int64(3)}}, 50)
			rows[20] = []driver.Value{nil}
			return tx.AddAll("derived", "n", rows)
		}},
	} {
		for _, alone := range []bool{true, false} {
			t.Run(c.name, func(t *testing.T) {
				from, l := newLane(t, 60), open(t, t.TempDir())
				var failed error
				derive := func(n int, more func(store.Tx) error) Message {
					return Derive{Failed: &failed, Do: func(tx store.Tx) error {
						if err := tx.Exec("INSERT INTO derived(n) VALUES(?)", int64(n)); err != nil {
							return err
						}
						return more(tx)
					}}
				}
				apply(t, l, from.hello())
				must(t, l, "CREATE TABLE derived(n BIGINT NOT NULL)")
				group := []Message{derive(1, c.fails)}
				if !alone {
					group = append(group, from.batch(alarms, -1, 100))
				}
				answers, err := l.Apply(group)
				if err != nil || failed == nil || len(answers) != len(group)-1 {
					t.Fatalf("%v, %v, %v", answers, failed, err)
				}
				if _, err := l.Apply([]Message{derive(2, func(store.Tx) error { return nil })}); err != nil || failed != nil {
					t.Fatalf("afterwards %v, %v", failed, err)
				}
				found, err := sqlOf(l).Int("SELECT count(*)*10+max(n) FROM derived", 0)
				if err != nil || found != 12 {
					t.Errorf("the table has %d, %v", found, err)
				}
				if n := countRows(t, l); alone != (n == 0) {
					t.Errorf("%d rows of the agent", n)
				}
			})
		}
	}
}

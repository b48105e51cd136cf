package fleet

import (
	"context"
	"database/sql/driver"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// saveHeardEvery is how old the time of an agent's last word may be in the database: it says nothing new each minute.
const saveHeardEvery = 5 * time.Minute

// schema has each agent's last word, in the ledger's database, so that a hub that has just begun knows what was wrong.
const schema = `CREATE TABLE IF NOT EXISTS fleet_agent(
	site   TEXT NOT NULL,
	agent  TEXT NOT NULL,
	heard  BIGINT NOT NULL,  -- ns since 1970 by the hub's clock
	state  BYTES NOT NULL,   -- wire.State, protobuf, with the last health that the agent told
	PRIMARY KEY(site, agent)
) CLUSTERED;`

// Derive runs a function in a transaction of the ledger.
type Derive func(ctx context.Context, do func(store.Tx) error) error

// Load reads what was said before the hub began. Agents that have spoken since are left alone.
func (b *Board) Load(ctx context.Context, derive Derive, now time.Time) error {
	type row struct {
		name store.Sender
		said said
	}
	var rows []row
	err := derive(ctx, func(tx store.Tx) error {
		rows = nil
		if err := tx.CreateTables(schema); err != nil {
			return err
		}
		return tx.Query("SELECT site, agent, heard, state FROM fleet_agent", func(r []driver.Value) error {
			state := &wire.State{}
			if err := proto.Unmarshal(sqlog.Bytes(r[3]), state); err != nil {
				return nil // of a later version: the agent says it anew within a minute
			}
			one := said{state: state, at: time.Unix(0, sqlog.Int64(r[2])), health: state.Health}
			rows = append(rows, row{store.Sender{Site: sqlog.Text(r[0]), Agent: sqlog.Text(r[1])}, one})
			return nil
		})
	})
	if err != nil {
		return err // of ctx: the rows may be read still
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range rows {
		if a := b.agentOf(r.name); a != nil && a.said.state == nil {
			a.said, a.savedAt = r.said, r.said.at
			b.judge(a, now)
		}
	}
	return nil
}

// Save writes what agents have said since it was saved last.
func (b *Board) Save(ctx context.Context, derive Derive) error {
	rows := b.unsaved()
	if len(rows) == 0 {
		return nil
	}
	err := derive(ctx, func(tx store.Tx) error {
		for _, r := range rows {
			err := tx.Exec(`INSERT INTO fleet_agent(site, agent, heard, state) VALUES(?,?,?,?) ON CONFLICT(site, agent) DO UPDATE
				SET heard=excluded.heard, state=excluded.state WHERE excluded.heard>=fleet_agent.heard`, r...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, r := range rows {
			if a := b.agents[store.Sender{Site: r[0].(string), Agent: r[1].(string)}]; a != nil {
				a.unsaved = true
			}
		}
	}
	return err
}

// unsaved returns the rows that are to be written, and counts them as written.
func (b *Board) unsaved() (rows [][]driver.Value) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, a := range b.agents {
		if !a.unsaved || a.said.state == nil {
			continue
		}
		a.unsaved, a.savedAt = false, a.said.at
		state := proto.CloneOf(a.said.state)
		state.Health = a.said.health
		text, err := proto.Marshal(state)
		if all := name.Site + name.Agent; err != nil || !utf8.ValidString(all) || strings.ContainsRune(all, 0) {
			continue // names that no database takes
		}
		rows = append(rows, []driver.Value{name.Site, name.Agent, a.said.at.UnixNano(), text})
	}
	return rows
}

// Package postgres keeps a ledger in PostgreSQL 15 and later. Several hub processes may have it open: whoever files
// messages of a journal locks its row until the commit, and whoever adds rows locks the head of the feed.
package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/hub/ledger/tables"
)

// minVersion is the oldest PostgreSQL, as server_version_num writes it.
const minVersion = 150000

// Times after which a connection is given up.
const (
	connectTimeout  = 10 * time.Second
	transactTimeout = 30 * time.Second // of a transaction: a server that hangs, a network that is cut
	reconnectPause  = time.Second
	closeTimeout    = 5 * time.Second
)

// sessionSettings are those of each connection, unless the URL has others. A hub process that is paused, or cut off, in a
// transaction holds the head of the feed, for which all others wait: the server ends its transaction.
var sessionSettings = map[string]string{
	"application_name": "lanehub", "idle_in_transaction_session_timeout": "10s",
	"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3", "tcp_user_timeout": "10s",
}

// Store is a ledger in PostgreSQL. It implements store.Store.
type Store struct {
	tables.Reader
	config *pgx.ConnConfig
	pool   *pgxpool.Pool // of readers
	hubKey string
	moved  func(store.Position)

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	done   sync.WaitGroup // the listener

	writer *pgx.Conn // nil while it is lost
	month  int64     // the last one whose partition, and that of the next, are known to be there

	mu     sync.Mutex // of what follows
	newest int64
	epochs []store.Epoch
	begun  int64 // how many epochs had begun when epochs was read
}

// IsURL reports whether a text names a ledger in PostgreSQL.
func IsURL(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// parse returns the settings of connections to url.
func parse(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.ConnectTimeout = connectTimeout
	for name, value := range sessionSettings {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	return config, nil
}

// Open opens the ledger at url (postgres://...; libpq's environment and password file are used, too), and creates its
// tables when there are none. hubKey is the public key of the hub: the first one that opens the ledger gives it its key,
// and those with others are refused.
func Open(ctx context.Context, url, hubKey string, o store.Options) (_ *Store, err error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	s := &Store{config: config.ConnConfig, hubKey: hubKey, moved: o.Moved}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if s.pool, err = pgxpool.NewWithConfig(s.ctx, config); err != nil {
		s.cancel()
		return nil, err
	}
	s.Reader = tables.Reader{Conn: newReader(s.ctx, s.pool), InOrder: "JOIN"}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.done.Go(s.listen)
	return s, nil
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.cancel()
	s.done.Wait()
	s.pool.Close()
	if s.writer == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := s.writer.Close(ctx)
	s.writer = nil
	return err
}

// connect connects the writer and begins an epoch. An epoch begins with every such connection: none outlives the server
// in whose place a restored ledger, or a standby that lacks the last rows, was put.
func (s *Store) connect(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, s.config)
	if err != nil {
		return &store.MachineError{Err: err}
	}
	err = checkServer(ctx, conn)
	if err == nil {
		err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return createTables(ctx, tx) })
	}
	if err == nil {
		err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return s.begin(ctx, tx) })
	}
	if err == nil {
		s.month = 0
		err = s.prepareMonth(ctx, conn)
	}
	if err == nil {
		err = s.publish(ctx, conn, true)
	}
	if err != nil {
		conn.Close(ctx)
		return explained(err, conn.IsClosed())
	}
	s.writer = conn
	return nil
}

// checkServer returns an error when the server is too old, or set up so that it loses what was committed.
func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var version int
	var fsync, commit, encoding string
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('server_encoding')`).Scan(&version, &fsync, &commit, &encoding)
	switch {
	case err != nil:
		return err
	case version < minVersion:
		return message.Errorf("ledger.postgres-version", message.Int("version", version/10000), message.Int("least", minVersion/10000))
	case fsync == "off":
		return message.Errorf("ledger.postgres-unsafe", message.String("setting", "fsync"))
	case commit == "off":
		return message.Errorf("ledger.postgres-unsafe", message.String("setting", "synchronous_commit"))
	case encoding != "UTF8":
		return message.Errorf("ledger.postgres-encoding", message.String("encoding", encoding))
	}
	return nil
}

// begin checks the hub's key and begins the epoch of the rows to come. An epoch that got no row gives way to it.
func (s *Store) begin(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "INSERT INTO ledger(hub_key, seq, epochs) VALUES($1, 0, 0) ON CONFLICT DO NOTHING", s.hubKey)
	if err != nil {
		return err
	}
	var key string
	var seq int64
	if err := tx.QueryRow(ctx, "UPDATE ledger SET epochs=epochs+1 RETURNING hub_key, seq").Scan(&key, &seq); err != nil {
		return err
	}
	if key != s.hubKey {
		return message.Errorf("ledger.other-hub-key", message.String("key", s.hubKey), message.String("ledger", key))
	}
	if _, err := tx.Exec(ctx, "DELETE FROM epoch WHERE first>$1", seq); err != nil {
		return err
	}
	if _, err = tx.Exec(ctx, "INSERT INTO epoch(id, first) VALUES($1, $2)", store.NewEpochID(), seq+1); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, notify)
	return err
}

// notify tells all processes that the head of the feed has moved. A notification comes with the commit.
const notify = "SELECT pg_notify('lanewarden_' || current_schema(), '')"

// prepareMonth makes the partitions of this month and the next, once a month.
func (s *Store) prepareMonth(ctx context.Context, conn *pgx.Conn) error {
	month := monthOf(time.Now())
	if month == s.month {
		return nil
	}
	for m := month; m <= month+1; m++ {
		if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return createMonth(ctx, tx, m) }); err != nil {
			return err
		}
	}
	s.month = month
	return nil
}

// head is the head of the feed as a query gives it.
const head = "SELECT seq, epochs FROM ledger"

// publish reads how far the ledger goes and tells it. reset says that it may be another ledger than before.
func (s *Store) publish(ctx context.Context, on querier, reset bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var newest, begun int64
	err := query(ctx, on, head, func(r []driver.Value) error {
		newest, begun = r[0].(int64), r[1].(int64)
		return nil
	}, nil)
	if err != nil {
		return err
	}
	reset = reset || newest < s.newest || begun < s.begun
	if reset || begun != s.begun {
		if err := s.readEpochs(ctx, on); err != nil {
			return err
		}
	}
	s.newest, s.begun = newest, begun
	if s.moved != nil {
		s.moved(store.Position{Newest: newest, Epochs: s.epochs, Reset: reset})
	}
	return nil
}

// readEpochs reads the epochs into a new list: the one before may be in use. The caller holds mu.
func (s *Store) readEpochs(ctx context.Context, on querier) error {
	var all []store.Epoch
	err := query(ctx, on, "SELECT id, first FROM epoch ORDER BY first", func(r []driver.Value) error {
		all = append(all, store.Epoch{ID: r[0].(string), First: r[1].(int64)})
		return nil
	}, nil)
	if err == nil {
		s.epochs = all
	}
	return err
}

// Refresh implements store.Store.
func (s *Store) Refresh() error {
	ctx, cancel := context.WithTimeout(s.ctx, connectTimeout)
	defer cancel()
	return explained(s.publish(ctx, s.pool, false), false)
}

// listen publishes what other processes commit, until Close. A lost connection is made anew.
func (s *Store) listen() {
	for s.ctx.Err() == nil {
		if conn, err := pgx.ConnectConfig(s.ctx, s.config); err == nil {
			s.follow(conn)
			conn.Close(s.ctx)
		}
		select {
		case <-s.ctx.Done():
		case <-time.After(reconnectPause):
		}
	}
}

// follow publishes after each notification, until the connection is lost.
func (s *Store) follow(conn *pgx.Conn) {
	var schema string
	if err := conn.QueryRow(s.ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		return
	}
	if _, err := conn.Exec(s.ctx, "LISTEN "+pgx.Identifier{"lanewarden_" + schema}.Sanitize()); err != nil {
		return
	}
	for s.publish(s.ctx, conn, false) == nil {
		if _, err := conn.WaitForNotification(s.ctx); err != nil {
			return
		}
	}
}

// Erased implements store.Store: VACUUM, which the server runs by itself, removes old versions of rows.
func (s *Store) Erased() (done bool, err error) { return true, nil }

// Transact implements store.Store.
func (s *Store) Transact(f func(store.Tx) error) (newest int64, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, transactTimeout)
	defer cancel()
	if s.writer == nil {
		if err := s.connect(ctx); err != nil {
			return 0, err
		}
	}
	newest, err = s.transact(ctx, f)
	if err != nil && s.writer.IsClosed() {
		s.writer = nil
	}
	return newest, err
}

func (s *Store) transact(ctx context.Context, f func(store.Tx) error) (newest int64, err error) {
	conn := s.writer
	if err := s.prepareMonth(ctx, conn); err != nil {
		return 0, explained(err, conn.IsClosed())
	}
	t := &tx{ctx: ctx, conn: conn, floor: firstOf(s.month) - 1}
	t.Tx = tables.Tx{Conn: t}
	t.discard()
	if err := t.now("BEGIN ISOLATION LEVEL READ COMMITTED"); err != nil {
		return 0, err
	}
	err = f(t)
	if err == nil && t.newestAdded() {
		err = t.Exec(notify)
	}
	if err == nil {
		err = t.flush()
	}
	if err == nil {
		err = t.commit()
	}
	if err != nil {
		if !conn.IsClosed() {
			if _, undo := conn.Exec(ctx, "ROLLBACK"); undo != nil {
				conn.Close(ctx)
			}
		}
		return 0, err
	}
	if t.newest != 0 {
		s.committed(ctx, t)
	}
	return t.newest, nil
}

// newestAdded reports whether the transaction adds rows, sent or not.
func (t *tx) newestAdded() bool { return t.newest != 0 || len(t.copy) > 0 }

// commit commits. A server that was told to end the transaction answers COMMIT with ROLLBACK.
func (t *tx) commit() error {
	tag, err := t.conn.Exec(t.ctx, "COMMIT")
	if err == nil && tag.String() != "COMMIT" {
		err = &store.MachineError{Err: fmt.Errorf("the transaction ended with %s", tag), Again: true}
	}
	return t.explained(err)
}

// committed tells that rows were committed. They are durable whatever happens here: an error is left to the listener.
func (s *Store) committed(ctx context.Context, t *tx) {
	s.mu.Lock()
	if s.begun != t.epochs {
		s.mu.Unlock()
		_ = s.publish(ctx, s.writer, false)
		return
	}
	defer s.mu.Unlock()
	if t.newest > s.newest {
		s.newest = t.newest
		if s.moved != nil {
			s.moved(store.Position{Newest: s.newest, Epochs: s.epochs})
		}
	}
}

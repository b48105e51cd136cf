package e2e

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sys/unix"

	"lanewarden/drivers/transport/broker"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// The bare pipeline is made of the parts of a drain without their logic: the journal's database is read, a thousand rows
// at a time; these are compressed (zstd), published (the same client and broker, MQTT), unpacked, hashed row by row
// (SHA-256), committed to an SQLite table with the ledger's unique index, as many messages in one transaction as have
// come, and acknowledged over MQTT. Nothing checks, decodes, proves, counts or goes back.
const (
	bareBatch  = 1024 // rows
	bareWindow = 64   // batches that are not acknowledged
	bareInsert = 32   // rows of one INSERT, as in the ledger
	bareRows   = "bare.rows"
	bareAcks   = "bare.acks"
)

// usage is what a run took.
type usage struct{ wall, processor time.Duration }

// measured runs f and returns what it took, in this process.
func measured(b *testing.B, f func()) usage {
	begin, before := time.Now(), processorTime(b)
	f()
	return usage{time.Since(begin), processorTime(b) - before}
}

// processorTime is what this process has used, garbage collection included. Other work on the machine changes it far less
// than the time of day.
func processorTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bareDrain drains the database of a journal through the bare pipeline.
func bareDrain(b *testing.B, journal, dir string) usage {
	address := freeAddress(b)
	conn := bareBroker(b, address, filepath.Join(dir, "bare"))
	ledger := bareLedger(b, filepath.Join(dir, "bare.db"))
	arrived := make(chan *nats.Msg, bareWindow)
	if _, err := conn.ChanSubscribe(bareRows, arrived); err != nil {
		b.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		b.Fatal(err)
	}
	var hub sync.WaitGroup
	hub.Go(func() { bareHub(b, conn, ledger, arrived) })
	defer hub.Wait()
	defer close(arrived)
	return measured(b, func() { bareAgent(b, address, journal) })
}

// bareBroker starts a broker as the hub has it, and connects to it as the hub does.
func bareBroker(b *testing.B, address, dir string) *nats.Conn {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		b.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		b.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "bare", DontListen: true, NoSigs: true, NoLog: true, MaxPayload: 2 << 20,
		JetStream: true, StoreDir: dir, // without it there is no MQTT
		MQTT: server.MQTTOpts{Host: host, Port: port},
	})
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		b.Fatal("the broker did not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	return conn
}

// bareLedger makes a database with the ledger's table of rows.
func bareLedger(b *testing.B, path string) *sqlog.DB {
	db, err := sqlog.Open(path, sqlog.ReadWrite)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	err = db.Script(`CREATE TABLE observation(seq INTEGER PRIMARY KEY, owner INTEGER NOT NULL, idx INTEGER NOT NULL,
		t INTEGER NOT NULL, device TEXT NOT NULL, kind INTEGER NOT NULL, body BLOB NOT NULL, leaf BLOB NOT NULL);
		CREATE UNIQUE INDEX observation_idx ON observation(owner, idx)`)
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// bareAgent reads, compresses and publishes all rows, and returns when all are acknowledged.
func bareAgent(b *testing.B, address, journal string) {
	db, err := sqlog.Open(journal, sqlog.ReadOnly)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		b.Fatal(err)
	}
	defer enc.Close()
	o, err := wire.Broker{URL: "mqtt://" + address, KeepAlive: 20 * time.Second}.Options("bare")
	if err != nil {
		b.Fatal(err)
	}
	c := mqtt.NewClient(o)
	if err := broker.Wait(c.Connect(), time.Minute); err != nil {
		b.Fatal(err)
	}
	defer c.Disconnect(0)
	room := semaphore.NewWeighted(bareWindow)
	acknowledged := func(_ mqtt.Client, m mqtt.Message) { room.Release(int64(binary.BigEndian.Uint32(m.Payload()))) }
	if err := broker.Wait(c.Subscribe("bare/acks", 0, acknowledged), time.Minute); err != nil {
		b.Fatal(err)
	}
	for raw, last := bareRead(b, db, -1); len(raw) > 0; raw, last = bareRead(b, db, last) {
		if err := room.Acquire(context.Background(), 1); err != nil {
			b.Fatal(err)
		}
		c.Publish("bare/rows", 0, false, enc.EncodeAll(raw, nil))
	}
	if err := room.Acquire(context.Background(), bareWindow); err != nil {
		b.Fatal(err)
	}
}

// bareRead returns the next rows, one after the other, and the idx of the last.
func bareRead(b *testing.B, db *sqlog.DB, after int64) (raw []byte, last int64) {
	raw = make([]byte, 0, 64<<10)
	const rows = "SELECT idx, t, kind, device, body FROM observation WHERE idx>? ORDER BY idx LIMIT ?"
	err := db.Query(rows, func(c []driver.Value) error {
		last = sqlog.Int64(c[0])
		for _, number := range c[:3] {
			raw = binary.AppendVarint(raw, sqlog.Int64(number))
		}
		for _, text := range [][]byte{[]byte(sqlog.Text(c[3])), sqlog.Bytes(c[4])} {
			raw = append(binary.AppendUvarint(raw, uint64(len(text))), text...)
		}
		return nil
	}, after, int64(bareBatch))
	if err != nil {
		b.Fatal(err)
	}
	return raw, last
}

// bareHub commits what arrives and acknowledges it, until the channel is closed.
func bareHub(b *testing.B, conn *nats.Conn, db *sqlog.DB, arrived <-chan *nats.Msg) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		b.Error(err)
		return
	}
	defer dec.Close()
	seq := int64(0)
	for m := range arrived {
		n := uint32(0)
		err := db.Tx(func() (err error) {
			for ; m != nil && err == nil; n++ {
				var raw []byte
				if raw, err = dec.DecodeAll(m.Data, nil); err == nil {
					seq, err = bareInsertRows(db, raw, seq)
				}
				select {
				case m = <-arrived:
				default:
					m = nil
				}
			}
			return err
		})
		if err == nil {
			err = conn.Publish(bareAcks, binary.BigEndian.AppendUint32(nil, n))
		}
		if err != nil {
			b.Error(err)
			return
		}
	}
}

// bareInsertRows hashes and inserts the rows of a message behind the seq.
func bareInsertRows(db *sqlog.DB, raw []byte, seq int64) (int64, error) {
	const columns = "seq, owner, idx, t, device, kind, body, leaf"
	number := func() int64 {
		v, n := binary.Varint(raw)
		raw = raw[n:]
		return v
	}
	text := func() []byte {
		v, n := binary.Uvarint(raw)
		raw = raw[n:]
		out := raw[:v:v]
		raw = raw[v:]
		return out
	}
	var args []driver.Value
	for rows := 0; len(raw) > 0; {
		idx, t, kind := number(), number(), number()
		device, body := text(), text()
		leaf := sha256.Sum256(body)
		seq++
		args = append(args, seq, int64(1), idx, t, string(device), kind, body, leaf[:])
		if rows++; rows == bareInsert || len(raw) == 0 {
			if err := db.Exec(sqlog.Insert("observation", columns, rows), args...); err != nil {
				return seq, err
			}
			rows, args = 0, args[:0]
		}
	}
	return seq, nil
}

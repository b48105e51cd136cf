package hub

import (
	"context"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// The embedded broker writes no file, whatever agents send: none can fail, and no full disk stops it. What an earlier
// version left there is removed.
func TestBrokerWritesNoFile(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "broker", "jetstream", "$G", "streams", "LW1", "msgs", "1.blk")
	if err := os.MkdirAll(filepath.Dir(old), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, []byte("a block of an earlier version"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := start(t, Options{Dir: dir})
	j, u := agent(t, wire.Broker{URL: "mqtt://" + o.MQTT})
	commit(t, j, observation.Class_CLASS_ALARM, 10)
	eventually(t, "acknowledgements", func() bool { return j.Acked(1) == j.Last(1) && u.Status().Ready })
	err := filepath.WalkDir(filepath.Join(dir, "broker"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			t.Errorf("the broker wrote %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// lossy is a broker that loses every third message on its way to the hub.
type lossy struct{ source }

func (l lossy) run(ctx context.Context, in *inbox) error {
	all := newInbox(&tally{})
	go func() {
		for {
			select {
			case m := <-all.messages:
				all.took(m)
				if rand.N(3) > 0 {
					in.offer(m)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return l.source.run(ctx, all)
}

// What the hub drops comes again: all rows are in the ledger once.
func TestDroppedMessagesComeAgain(t *testing.T) {
	o := start(t, Options{wrapSource: func(s source) source { return lossy{s} }})
	j, _ := agent(t, wire.Broker{URL: "mqtt://" + o.MQTT})
	const rows = 60
	for range rows / 3 {
		commit(t, j, observation.Class_CLASS_EVENT, 2)
		commit(t, j, observation.Class_CLASS_ALARM, 1)
	}
	eventually(t, "acknowledgements", func() bool { return j.Acked(1) == j.Last(1) && j.Acked(2) == j.Last(2) })
	_, body := get(t, "http://"+o.HTTP+"/v1/feed")
	if n := strings.Count(body, "\n"); n != rows {
		t.Errorf("%d rows in the feed, want %d", n, rows)
	}
}

// Two thousand agents that come back at once are one line of the log.
func TestReplacedConnectionsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := &lines{}
		l := &brokerLog{log: slog.New(slog.NewTextHandler(text, nil))}
		for range 2000 {
			l.Warnf("127.0.0.1 - Replacing old client %q since both have the same client ID %q", "a", "b")
		}
		l.Warnf("something %s", "else")
		ctx, cancel := context.WithTimeout(t.Context(), 3*replacedEvery)
		defer cancel()
		if err := l.run(ctx); err != context.DeadlineExceeded {
			t.Error(err)
		}
		if got := text.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "connections=2000") ||
			!strings.Contains(got, "something else") {
			t.Errorf("log: %s", got)
		}
	})
}

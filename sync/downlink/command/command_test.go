package command

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/edge/journal"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/command"
)

// key is the commander's key of all tests.
func key(fill byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+fill)), 32)))
}

// lane is a receiver on a journal.
type lane struct {
	*Receiver
	journal *journal.Journal
	done    []string // what was carried out
	fail    error
}

const run = 77

func newLane(t *testing.T, dir string) *lane {
	t.Helper()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "demo", Agent: "lane-1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	file := filepath.Join(dir, "commanders.json")
	text, err := json.Marshal(map[string]any{"commanders": command.Commanders{
		{Name: "duty", Key: key(0).Public().(ed25519.PublicKey), Kinds: []string{command.Test, command.Reboot, command.Pull}, NotAfter: time.Now().AddDate(1, 0, 0)},
		{Name: "old", Key: key(1).Public().(ed25519.PublicKey), Kinds: command.Kinds(), NotAfter: time.Now().AddDate(-1, 0, 0)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l := &lane{journal: j}
	do := func(_ context.Context, o *wire.Order) error {
		l.done = append(l.done, o.Kind+" "+o.Device)
		return l.fail
	}
	l.Receiver = New(Options{
		Journal: j, Now: time.Now, Run: func() uint64 { return run }, File: file, Log: slog.New(slog.DiscardHandler),
		Executors: map[string]Executor{command.Test: do, command.Reboot: do},
	})
	if err := l.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// order is one that the lane accepts.
func (l *lane) order(sequence uint64) *wire.Order {
	return &wire.Order{
		Site: "demo", Agent: "lane-1", Journal: l.journal.Identity().ID, Sequence: sequence, IssuedNs: time.Now().UnixNano(),
		NotAfterNs: time.Now().Add(time.Hour).UnixNano(), Run: run, Kind: command.Reboot, Device: "rpm-1",
	}
}

func signed(t *testing.T, o *wire.Order) *wire.Command {
	t.Helper()
	c, err := command.Sign(o, "duty", key(0))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// give has the lane handle a command and returns whether it was acknowledged.
func (l *lane) give(t *testing.T, c *wire.Command) (acknowledged bool) {
	t.Helper()
	l.told = time.Time{} // each refusal is a row
	if err := l.handle(t.Context(), c, func([]byte) { acknowledged = true }); err != nil {
		t.Fatal(err)
	}
	return acknowledged
}

// rows returns what is journalled of commands: "accepted 3", "refused expired", "done 3".
func (l *lane) rows(t *testing.T) (out []string) {
	t.Helper()
	all, err := l.journal.Read(0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		o, err := all[i].Observation()
		if err != nil {
			t.Fatal(err)
		}
		if b := o.Body.GetOrderReceived(); b != nil && b.Refusal == "" {
			out = append(out, "accepted")
		} else if b != nil {
			out = append(out, "refused "+b.Refusal)
		}
		if b := o.Body.GetOrderResult(); b != nil {
			out = append(out, strings.ToLower(strings.TrimPrefix(b.Outcome.String(), "OUTCOME_")))
		}
	}
	return out
}

func TestAccepted(t *testing.T) {
	l := newLane(t, t.TempDir())
	if !l.give(t, signed(t, l.order(5))) {
		t.Error("not acknowledged")
	}
	l.fail = errors.New("no such device")
	l.give(t, signed(t, l.order(6)))
	if got := strings.Join(l.rows(t), ","); got != "accepted,done,accepted,failed" || len(l.done) != 2 || l.done[0] != "reboot rpm-1" {
		t.Errorf("%s; %v", got, l.done)
	}
}

// Each way in which an order is not one for this agent, now, is refused with its reason and journalled; nothing is done.
func TestRefused(t *testing.T) {
	for reason, change := range map[string]func(l *lane, o *wire.Order, c *wire.Command){
		"behind":        func(_ *lane, o *wire.Order, _ *wire.Command) { o.Sequence = 9 },
		"other-agent":   func(_ *lane, o *wire.Order, _ *wire.Command) { o.Agent = "lane-2" },
		"other-journal": func(_ *lane, o *wire.Order, _ *wire.Command) { o.Journal = make([]byte, 16) },
		"expired":       func(_ *lane, o *wire.Order, _ *wire.Command) { o.NotAfterNs = time.Now().UnixNano() - 1 },
		"early": func(_ *lane, o *wire.Order, _ *wire.Command) {
			o.IssuedNs = time.Now().Add(time.Hour).UnixNano()
		},
		"long": func(_ *lane, o *wire.Order, _ *wire.Command) {
			o.NotAfterNs = time.Now().AddDate(1, 0, 0).UnixNano()
		},
		"other-run":   func(_ *lane, o *wire.Order, _ *wire.Command) { o.Run++ },
		"not-allowed": func(_ *lane, o *wire.Order, _ *wire.Command) { o.Kind = command.Release },
		"no-executor": func(_ *lane, o *wire.Order, _ *wire.Command) { o.Kind = command.Pull },
		"altered":     func(_ *lane, _ *wire.Order, c *wire.Command) { c.Signature = make([]byte, 64) },
		"unknown-key": func(_ *lane, _ *wire.Order, c *wire.Command) { c.Key = "nobody" },
	} {
		t.Run(reason, func(t *testing.T) {
			l := newLane(t, t.TempDir())
			l.give(t, signed(t, l.order(10)))
			o, wrong := l.order(11), &wire.Command{}
			change(l, o, wrong)
			c := signed(t, o)
			proto.Merge(c, wrong)
			if !l.give(t, c) {
				t.Error("it would come for ever")
			}
			if got := strings.Join(l.rows(t), ","); got != "accepted,done,refused "+reason || len(l.done) != 1 {
				t.Errorf("%s; done %v", got, l.done)
			}
		})
	}
	l := newLane(t, t.TempDir())
	c := signed(t, l.order(1))
	l.give(t, c)
	l.give(t, c)
	old, err := command.Sign(l.order(2), "old", key(1))
	if err != nil {
		t.Fatal(err)
	}
	l.give(t, old)
	flipped := signed(t, l.order(3))
	flipped.Order[len(flipped.Order)/2] ^= 1
	l.give(t, flipped)
	if got := strings.Join(l.rows(t), ","); got != "accepted,done,refused replayed,refused unknown-key,refused altered" {
		t.Error(got)
	}
}

// A flood of rubbish is one row a minute, with how many there were.
func TestFlood(t *testing.T) {
	l := newLane(t, t.TempDir())
	for range 500 {
		if err := l.handle(t.Context(), &wire.Command{Key: "x"}, func([]byte) {}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.rows(t)); n != 1 {
		t.Errorf("%d rows", n)
	}
	l.give(t, &wire.Command{Key: "x"})
	rows, err := l.journal.Newest(1, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	o, err := rows[0].Observation()
	if err != nil || o.Body.GetOrderReceived().Count != 500 {
		t.Errorf("%v, %v", o, err)
	}
}

// What is not journalled is not done.
func TestNotJournalledSoNotDone(t *testing.T) {
	l := newLane(t, t.TempDir())
	c := signed(t, l.order(1))
	if err := l.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.handle(t.Context(), c, func([]byte) { t.Error("acknowledged") }); err == nil || len(l.done) > 0 {
		t.Errorf("%v; done %v", err, l.done)
	}
}

// TestKillChild is the process that TestKill ends while it carries an order out.
func TestKillChild(t *testing.T) {
	dir := os.Getenv("COMMAND_LANE")
	if dir == "" {
		return
	}
	l := newLane(t, dir)
	l.o.Executors[command.Reboot] = func(context.Context, *wire.Order) error {
		if err := os.WriteFile(filepath.Join(dir, "done"), nil, 0o600); err != nil {
			return err
		}
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	l.give(t, signed(t, l.order(1)))
	select {}
}

// An agent that is killed between accepting an order and knowing what came of it says so, and does not do it again: not by
// itself, and not when the order comes again.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
	cmd.Env = append(os.Environ(), "COMMAND_LANE="+dir)
	out, err := cmd.CombinedOutput()
	if _, missing := os.Stat(filepath.Join(dir, "done")); err == nil || missing != nil {
		t.Fatalf("it was not killed: %v\n%s", err, out)
	}
	l := newLane(t, dir)
	l.give(t, signed(t, l.order(1)))
	if got := strings.Join(l.rows(t), ","); got != "accepted,unknown,refused behind" || len(l.done) > 0 {
		t.Errorf("%s; done %v", got, l.done)
	}
	l.give(t, signed(t, l.order(2)))
	if err := l.journal.Close(); err != nil {
		t.Fatal(err)
	}
	again := newLane(t, dir) // from the mark on
	if again.last != 2 || len(again.done) > 0 {
		t.Errorf("last %d, done %v", again.last, again.done)
	}
	if err := os.Remove(again.markFile()); err != nil {
		t.Fatal(err)
	}
	if err := again.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if whole := newLane(t, dir); whole.last != 2 {
		t.Errorf("last %d without a mark", whole.last)
	}
}

func TestCommanders(t *testing.T) {
	for _, text := range []string{``, `{"commanders":[{"name":"x"}]}`, `{"commanders":[],"more":1}`,
		`{"commanders":[{"name":"x","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","kinds":["fly"],"not_after":"2027-01-01T00:00:00Z"}]}`} {
		if _, err := command.Parse([]byte(text)); err == nil {
			t.Errorf("taken: %s", text)
		}
	}
}

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
)

// said reports whether the agent has said all of some words, in any case.
func (w *world) said(words ...string) bool {
	out, _ := lanectl(w.t, "tail", "--socket", w.socket, "-n", "1000")
	out = strings.ToLower(out)
	return !slices.ContainsFunc(words, func(s string) bool { return !strings.Contains(out, s) })
}

// An agent's disk is restored from an image that lacks rows which the hub has, and goes on for a while without a link.
// The lane reaches the centre again by itself with a new journal, what the restored one had by itself comes as a fork,
// and every row is at the centre once.
func TestRestoredImage(t *testing.T) {
	t.Parallel()
	for _, long := range []bool{false, true} { // shorter than what the hub has of it: rolled back; longer: contradicted
		name := map[bool]string{false: "shorter", true: "longer"}[long]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, image := newWorld(t, options{noPortal: true}), t.TempDir()
			w.postPasses(5)
			w.waitFor("the queue to drain", time.Minute, w.drained)
			w.agent.end(syscall.SIGTERM)
			if err := os.CopyFS(image, os.DirFS(w.path("agent"))); err != nil {
				t.Fatal(err)
			}
			w.agent.start()
			w.postPasses(20)
			w.waitFor("the queue to drain", time.Minute, w.drained)
			w.agent.end(syscall.SIGTERM)
			w.hub.end(syscall.SIGTERM)
			const columns = "SELECT idx, class, t, device, kind, body FROM observation "
			atHub := rows(t, w.ledgerDB(), columns+"ORDER BY seq")

			if err := os.RemoveAll(w.path("agent")); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(w.path("agent"), os.DirFS(image)); err != nil {
				t.Fatal(err)
			}
			w.agent.start()
			if long {
				w.postPasses(40)
			} else {
				w.postPasses(3)
			}
			w.hub.start()
			w.waitFor("word of the refusal, and that the centre has what it lacked", 2*time.Minute, func() bool {
				return w.said("journal refused", "refused journal sent")
			})
			w.postPasses(5)
			w.waitFor("the queue to drain", time.Minute, w.drained)
			w.stop()

			aside, err := journal.Asides(filepath.Dir(w.journalDB()))
			if err != nil || len(aside) != 0 {
				t.Errorf("still to be sent: %v, %v", aside, err)
			}
			folders, err := filepath.Glob(filepath.Join(filepath.Dir(w.journalDB()), "refused-*"))
			if err != nil || len(folders) != 1 {
				t.Fatal(folders, err)
			}
			want := rows(t, filepath.Join(folders[0], journal.FileName), columns+"ORDER BY idx")
			want = append(append(want, atHub...), rows(t, w.journalDB(), columns+"ORDER BY idx")...)
			slices.Sort(want)
			want = slices.Compact(want) // both pasts of the journal share rows
			have := rows(t, w.ledgerDB(), columns+"ORDER BY seq")
			slices.Sort(have)
			if !slices.Equal(have, want) {
				t.Errorf("the ledger has %d rows, want %d", len(have), len(want))
			}
			audited, err := ledger.Audit(t.Context(), w.ledgerDB(), "")
			if err != nil || len(audited) != 3 {
				t.Fatalf("%d journals, %v", len(audited), err)
			}
			for _, a := range audited {
				if original := len(a.ForkOf) == 0 && !a.Refused.IsZero(); !original {
					w.checkReport("ledger", a.Report, nil)
				}
			}
		})
	}
}

// An agent that has lost its key, or whose key file is unreadable, goes on with a new one. The hub refuses that until it
// is told to take it; then it gets all, the old journal included.
func TestLostKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{noPortal: true})
	w.postPasses(1)
	w.waitFor("the queue to drain", time.Minute, w.drained)
	w.hub.end(syscall.SIGTERM)
	w.postPasses(1)
	w.agent.end(syscall.SIGTERM)
	const columns = "SELECT idx, class, t, device, kind, body FROM observation "
	before := rows(t, w.journalDB(), columns+"ORDER BY idx")
	if err := os.WriteFile(filepath.Join(filepath.Dir(w.journalDB()), journal.KeyFile), make([]byte, 300), 0o600); err != nil {
		t.Fatal(err)
	}
	w.agent.start()
	w.postPasses(1)
	w.hub.start()
	w.waitFor("the refusal", time.Minute, func() bool {
		s, err := w.status()
		return err == nil && s.Link.Refused
	})
	cmd := w.program("rekey", filepath.Join(bin, "lanehub"), "agent", "rekey", "test/lane-1", "--hub", "http://"+w.hubHTTP)
	cmd.start()
	<-cmd.ended
	if cmd.err != nil {
		t.Fatal(cmd.err, tail(cmd.log.Name()))
	}
	w.agent.end(syscall.SIGTERM) // else it asks again a minute later
	w.agent.start()
	w.waitFor("word that the hub has what could be read", 3*time.Minute, func() bool { return w.said("damaged journal read") })
	w.waitFor("the queue to drain", time.Minute, w.drained)
	w.stop()
	now := rows(t, w.journalDB(), columns+"ORDER BY idx")
	if have := rows(t, w.ledgerDB(), columns+"WHERE owner=1 ORDER BY idx"); !slices.Equal(have, before) {
		t.Errorf("the ledger has %d rows of the first journal, which had %d", len(have), len(before))
	}
	if have := rows(t, w.ledgerDB(), columns+"WHERE owner=2 ORDER BY idx"); !slices.Equal(have, now) {
		t.Errorf("the ledger has %d rows of the new journal, which has %d", len(have), len(now))
	}
}

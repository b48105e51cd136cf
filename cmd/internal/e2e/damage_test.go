package e2e

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger"
)

// A journal whose first page is overwritten while the hub does not have all of it: the lane goes on within seconds with
// a new one, and the centre gets each row of the old one once, with its proofs.
func TestDamagedJournal(t *testing.T) {
	w := newWorld(t, options{})
	w.postPasses(5)
	w.waitFor("the queue to drain", time.Minute, w.drained)
	w.hub.end(syscall.SIGKILL)
	w.postPasses(20)
	w.agent.end(syscall.SIGTERM)
	const columns = "SELECT idx, class, t, device, kind, body FROM observation "
	before := rows(t, w.journalDB(), columns+"ORDER BY idx")
	f, err := os.OpenFile(w.journalDB(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, sqlog.PageSize), 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	w.agent.start()
	w.postPasses(5)
	w.hub.start()
	w.waitFor("word that the hub has what could be read", time.Minute, func() bool {
		out, _ := lanectl(t, "tail", "--socket", w.socket, "-n", "1000")
		out = strings.ToLower(out)
		return strings.Contains(out, "journal damaged") && strings.Contains(out, "damaged journal read")
	})
	w.waitFor("the queue to drain", time.Minute, w.drained)
	w.stop()
	if at := rows(t, w.ledgerDB(), columns+"WHERE owner=1 ORDER BY idx"); !slices.Equal(at, before) {
		t.Errorf("the ledger has %d rows of the damaged journal, which had %d", len(at), len(before))
	}
	now := rows(t, w.journalDB(), columns+"ORDER BY idx")
	if at := rows(t, w.ledgerDB(), columns+"WHERE owner=2 ORDER BY idx"); !slices.Equal(at, now) {
		t.Errorf("the ledger has %d rows of the new journal, which has %d", len(at), len(now))
	}
	audited, err := ledger.Audit(t.Context(), w.ledgerDB(), "")
	if err != nil || len(audited) != 2 {
		t.Fatalf("%d journals, %v", len(audited), err)
	}
	for _, a := range audited {
		w.checkReport("ledger", a.Report, nil)
		if !a.Refused.IsZero() {
			t.Errorf("refused: %v", a.Refused)
		}
	}
}
